"""What distinguishes a lane from the plain one of its S and W: port, code, H, leaks of rows."""

from dataclasses import replace

from ...model.config import AcceleratorConfig
from .designs import Part
from .logic_tables import REFERENCE, part_figures


def beside(part: Part, plain: AcceleratorConfig) -> tuple[float, float]:
    """Return gate equivalents and flip-flops of a lane over those of the plain build's, in nangate45.

    Tables of FPGAs have few rows, all of nearly plain lanes: S and W are fitted to them, the rest is scaled by this.
    """
    here, there = (part_figures(one, REFERENCE) for one in (part, replace(part, build=plain)))
    return here.gate_equivalents / there.gate_equivalents, here.flip_flops / there.flip_flops
