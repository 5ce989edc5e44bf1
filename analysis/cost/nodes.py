"""Technology nodes that a point can be priced at, and the rules by which figures move between nodes."""

from dataclasses import dataclass
from math import log

from ...model.errors import OptionError


@dataclass(frozen=True)
class Node:
    """One technology, by the name that a design point carries."""

    name: str
    nanometers: float
    volts: float
    library: str | None
    """The standard-cell library that was mapped to; None where figures are scaled between libraries."""
    nand2_um2: float
    """Area of a two-input NAND of drive 1: the gate equivalent."""


NODES = {
    node.name: node
    for node in (
        Node("sky130hd", 130, 1.8, "sky130hd", 3.7536),
        Node("nangate45", 45, 1.1, "nangate45", 0.798),
        Node("28nm", 28, 0.9, None, 0.454),
        Node("22nm", 22, 0.8, None, 0.341),
        Node("asap7", 7, 0.7, "asap7", 0.08748),
    )
}
"""NAND areas of libraries are those of their liberty files; of 28 and 22 nm the log-log interpolation between
nangate45 and ASAP7 (foundry figures for 28 nm lie at 0.4 to 0.5 um2, not citable)."""


def node_of(name: str) -> Node:
    """Return a node by its name. Raises OptionError."""
    if name not in NODES:
        raise OptionError(f"node: {name!r} given, expected one of {', '.join(NODES)}")
    return NODES[name]


def between(x: float, x0: float, y0: float, x1: float, y1: float) -> float:
    """Return the value at x of the power law through (x0, y0) and (x1, y1): linear in log-log, also outside."""
    return y0 * (x / x0) ** (log(y1 / y0) / log(x1 / x0))
