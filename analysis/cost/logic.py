"""Gate equivalents, flip-flops and greatest clock of a build's logic. A first estimate by counting operators."""

from dataclasses import dataclass

from ...model.config import AcceleratorConfig
from ...rtl.shape import Shape
from .band import Band
from .macros import FLIP_FLOP_BITS, macros_of
from .nodes import Node

GATES_PER_FULL_ADDER, GATES_PER_MUX, GATES_PER_FLIP_FLOP = 6.0, 2.5, 6.0
FLIP_FLOP_PJ_45 = 9e-3
"""Static power analysis of a lane in nangate45."""
LEAKAGE_MW_PER_GATE = 2e-5
FMAX_MHZ = {"nangate45": 535.0, "asap7": 945.0, "sky130hd": 122.0, "28nm": 650.0, "22nm": 720.0}
"""Static timing of a prototype lane of 32 bits in the three libraries; the others scaled between."""


@dataclass(frozen=True)
class LogicCost:
    """Everything but memories."""

    gate_equivalents: float
    flip_flops: float
    area_um2: Band
    leakage_mw: Band
    clock_pj: Band
    """In a cycle: inside flip-flops, and the tree that brings them the clock."""
    fmax_mhz: float
    fmax_kind: str
    kind: str
    """"measured", "fitted" or "estimated"."""


def logic_cost(config: AcceleratorConfig, node: Node) -> LogicCost:
    """Return what the logic of a build costs at a node."""
    shape = Shape(config)
    slots, elements, lanes = config.entries_per_cycle, config.elements_per_cycle, config.lanes
    significand = config.code.significand_bits
    per_slot = GATES_PER_FULL_ADDER * (significand * 12 + 3 * 63) + GATES_PER_MUX * 5 * shape.term_bits
    per_element = GATES_PER_FULL_ADDER * (significand * 28 + 24 * 16) + GATES_PER_MUX * 6 * shape.product_bits * 3
    flops = lanes * (slots * 4 * 63 + elements * 6 * shape.product_bits + 500) + 12000 + 20 * config.port_bits
    lane = slots * per_slot + elements * per_element + 2 * GATES_PER_FULL_ADDER * 60 + slots * elements * 100
    small = sum(
        macro.bits * macro.read_ports for macro in macros_of(config) if macro.width * macro.depth <= FLIP_FLOP_BITS
    )
    gates = lanes * lane + GATES_PER_FLIP_FLOP * (flops + small) + 60000 + 30 * config.port_bits
    area = gates * node.nand2_um2
    clock = Band.around((flops + small) * FLIP_FLOP_PJ_45 * node.nanometers / 45 * max(1.0, node.volts / 0.9) ** 2)
    leakage = Band.around(gates * LEAKAGE_MW_PER_GATE, 4)
    return LogicCost(
        gates, flops + small, Band.around(area), leakage, clock, FMAX_MHZ[node.name], "assumed", "estimated"
    )
