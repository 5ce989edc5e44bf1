"""Evaluator "fpga": what a point's build takes of an UltraScale+ chip."""

from ..cost.fpga import fpga_cost
from .point import DesignPoint
from .timing import Fields


def evaluate_point_fpga(point: DesignPoint) -> Fields:
    """Return the counts; LUTs hold those that are memories. Raises ImpossiblePointError, OptionError for no table."""
    found = fpga_cost(point.config())
    return {
        "fpga_luts": found.luts + found.lut_rams,
        "fpga_flip_flops": found.flip_flops,
        "fpga_dsps": found.dsps,
        "fpga_block_rams": found.block_rams,
        "fpga_ultra_rams": found.ultra_rams,
        "fpga_kind": found.kind if found.has_engine else f"{found.kind}, lanes alone",
    }
