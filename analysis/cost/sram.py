"""Area, energy and leakage of one memory macro with one read and one write port. Estimates."""

from dataclasses import dataclass
from math import sqrt

from .band import Band
from .nodes import Node, between

CELL_UM2 = {130: 2.1, 45: 0.37, 7: 0.027}
"""A bit cell: published foundry cells of these nodes."""
ARRAY_EFFICIENCY = 0.5
HOROWITZ_BITS, HOROWITZ_PJ_PER_BIT = 8 * 8192, 10 / 64
JOUPPI_PJ_PER_BIT = 7.5 / 64
LEAKAGE_PW_PER_BIT_45 = 50.0


@dataclass(frozen=True)
class MacroCost:
    """One macro."""

    area_um2: Band
    access_pj: Band
    """Reading or writing one word."""
    leakage_mw: Band


def macro_cost(width: int, depth: int, node: Node) -> MacroCost:
    """Return what `depth` words of `width` bits cost."""
    bits = width * depth
    cell = between(node.nanometers, 45, CELL_UM2[45], 7, CELL_UM2[7])
    if node.nanometers > 45:
        cell = between(node.nanometers, 130, CELL_UM2[130], 45, CELL_UM2[45])
    per_bit = between(node.nanometers, 45, HOROWITZ_PJ_PER_BIT, 7, JOUPPI_PJ_PER_BIT)
    energy = width * per_bit * sqrt(max(bits, 1024) / HOROWITZ_BITS)
    area = bits * cell / ARRAY_EFFICIENCY
    return MacroCost(Band.around(area, 1.5), Band.around(energy), Band.around(bits * LEAKAGE_PW_PER_BIT_45 * 1e-9, 4))
