"""Gate equivalents, flip-flops, leakage, clock energy and greatest clock of a build's logic.

A build is P lanes and one engine around them, and small memories of flip-flops. Where the tables have its very lane
and engine in a library, their figures are taken ("measured"). Elsewhere gate equivalents and flip-flops are fits of
the nangate45 rows by sizes ("fitted"), times the mean ratio of another library's rows to nangate45's. Nodes without
a library lie on the power law of feature size through nangate45 and ASAP7 ("estimated").
"""

from dataclasses import dataclass
from functools import lru_cache

from ...model.config import AcceleratorConfig
from .band import Band
from .logic_tables import GateFigures, build_figures
from .macros import FLIP_FLOP_BITS, macros_of
from .nodes import NODES, Node, between
from .sram import macro_cost

GATES_PER_FLIP_FLOP = 6.0
"""Of a memory of flip-flops, for each bit and read port: a flip-flop with its enable and its share of a multiplexer.
An assumption."""
WIRING = 1.25
"""Placed area over the sum of cells, at a utilization of 80 %: an assumption, within the band's high end."""
SCALED_FACTOR = 1.5
"""Band of figures that were carried to a node without a library."""
CLOCK_TREE = (1.5, 2.0, 3.0)
"""Clock energy over that inside flip-flops; the rest is the tree: an assumption."""
LEAKAGE_FACTOR = (0.5, 1.0, 10.0)
"""Around a library's 25 degrees Celsius; the high end is a hot chip, doubling every 15 K up to 350 K."""
CONTROL_FACTOR = 3.0
"""Band of what a tenth of a toggle is assumed for."""
NEAR, FAR = "nangate45", "asap7"
"""Libraries between which other nodes are scaled."""


@dataclass(frozen=True)
class LogicCost:
    """Everything but memories."""

    gate_equivalents: float
    flip_flops: float
    area_um2: Band
    leakage_mw: Band
    clock_pj: Band
    """In a cycle: inside flip-flops, and the tree that brings them the clock."""
    control_pj: Band
    """In a cycle: every net of the engine, a tenth of a toggle each."""
    fmax_mhz: float
    """Of logic, or of a memory whose cycle is longer with the fastest transistors."""
    fmax_kind: str
    """"measured" where lane and engine are rows of the library, "scaled" elsewhere."""
    kind: str
    """"measured", "fitted" or "estimated"."""
    error: float
    """Relative, of the gate equivalents: 0 where measured, that of the fit where fitted."""


@lru_cache(maxsize=1 << 14)
def logic_cost(config: AcceleratorConfig, node: Node) -> LogicCost:
    """Return what the logic of a build costs at a node. Raises OptionError where a table is missing or broken."""
    if node.library is None:
        found, kind, error = _between(config, node), "estimated", SCALED_FACTOR - 1
    else:
        found = build_figures(config, node.library)
        kind, error = "measured" if found.is_measured else "fitted", found.error
    macros = macros_of(config)
    small = sum(macro.bits * macro.read_ports for macro in macros if macro.width * macro.depth <= FLIP_FLOP_BITS)
    memory_ns = max(macro_cost(macro.width, macro.depth, node, 0.0).cycle_ns for macro in macros)
    gates = found.gate_equivalents + GATES_PER_FLIP_FLOP * small
    grown = 1 + small / found.flip_flops
    low, typical, high = (found.clock_pj * grown * tree for tree in CLOCK_TREE)
    area = gates * node.nand2_um2
    return LogicCost(
        gate_equivalents=gates,
        flip_flops=found.flip_flops + small,
        area_um2=Band(area / (1 + error), area, area * (1 + error) * WIRING),
        leakage_mw=_leakage(found.leakage_mw * gates / found.gate_equivalents),
        clock_pj=Band(low / (1 + error), typical, high * (1 + error)),
        control_pj=Band.around(found.control_pj, CONTROL_FACTOR),
        fmax_mhz=1000 / max(found.period_ns, memory_ns),
        fmax_kind="measured" if kind == "measured" and memory_ns <= found.period_ns else "scaled",
        kind=kind,
        error=error,
    )


def _leakage(milliwatts: float) -> Band:
    low, typical, high = (milliwatts * factor for factor in LEAKAGE_FACTOR)
    return Band(low, typical, high)


def _between(config: AcceleratorConfig, node: Node) -> GateFigures:
    """Return the figures at a node without a library: the power law through both libraries."""
    ends = [(NODES[name].nanometers, build_figures(config, name)) for name in (NEAR, FAR)]
    (first, near), (second, far) = ends
    return GateFigures(
        *(
            between(node.nanometers, first, getattr(near, name), second, getattr(far, name))
            for name in ("gate_equivalents", "flip_flops", "period_ns", "clock_pj", "leakage_mw", "control_pj")
        ),
        is_measured=False,
        error=max(near.error, far.error),
    )
