"""Energy of one arithmetic event, by operand widths and node. Estimates: each figure with its source and its band.

At 45 nm, 0.9 V: integer add of 8 / 32 bits 0.03 / 0.1 pJ, multiply 0.2 / 3.1 pJ (M. Horowitz, ISSCC 2014). At 7 nm:
add 0.007 / 0.03 pJ, multiply 0.07 / 1.48 pJ (N. Jouppi et al., ISCA 2021, table of energy per operation).
Between and beyond the widths, and between the nodes: the power law through the two figures (`nodes.between`). Above
45 nm: times (nanometers / 45) * (volts / 0.9)**2, the rule of constant-field scaling, C V**2. Bands are a factor of 2.
"""

from dataclasses import dataclass
from math import sqrt

from .band import Band
from .nodes import Node, between

BAND_FACTOR = 2.0
PUBLISHED_WIDTHS = (8, 32)
MUXES_PER_FULL_ADDER = 3
"""A two-input multiplexer switches about a third of what a full adder does: an assumption, for shifters."""


@dataclass(frozen=True)
class Published:
    """Picojoules of one operation at 8 and at 32 bits, at 45 nm and at 7 nm."""

    at_45: tuple[float, float]
    at_7: tuple[float, float]


ADD = Published((0.03, 0.1), (0.007, 0.03))
MULTIPLY = Published((0.2, 3.1), (0.07, 1.48))


def add(bits: int, node: Node) -> Band:
    """Return the picojoules of an addition of two integers of this width."""
    return Band.around(_at(ADD, bits, node), BAND_FACTOR)


def multiply(bits: int, other_bits: int, node: Node) -> Band:
    """Return the picojoules of a product; operands of unequal widths count as squares of the same area."""
    return Band.around(_at(MULTIPLY, sqrt(bits * other_bits), node), BAND_FACTOR)


def shift(bits: int, stages: int, node: Node) -> Band:
    """Return the picojoules of a shifter of `stages` rows of two-input multiplexers, each `bits` wide."""
    return add(bits, node) * (stages / MUXES_PER_FULL_ADDER)


def _at(published: Published, bits: float, node: Node) -> float:
    """Return the typical value; the widths first, at both nodes, then the node."""
    narrow, wide = PUBLISHED_WIDTHS
    at_45 = between(bits, narrow, published.at_45[0], wide, published.at_45[1])
    at_7 = between(bits, narrow, published.at_7[0], wide, published.at_7[1])
    if node.nanometers > 45:
        return at_45 * (node.nanometers / 45) * (node.volts / 0.9) ** 2
    return between(node.nanometers, 45, at_45, 7, at_7)
