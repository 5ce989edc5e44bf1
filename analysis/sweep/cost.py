"""Evaluator "cost": area, frequency and energy of a point, from the counters that the timing model gave it."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from ..cost.logic import logic_cost
from ..cost.nodes import node_of
from ..cost.point import CostRow, evaluate_cost
from .point import GREATEST_CLOCK, DesignPoint, ImpossiblePointError
from .timing import Fields

KNOWN_CLOCKS = ("measured", "scaled")
"""Kinds of fmax that a clock may not exceed; an assumed one says too little."""
OWN = ("node", "clock_mhz")
"""Columns of the point itself."""


def cost_of(point: DesignPoint, counters: Mapping[str, int]) -> CostRow:
    """Return the cost of a point's build and of what `counters` counted on it."""
    return evaluate_cost(
        point.config(), counters, point.memory, point.node, float(point.clock_mhz), point.channels or None
    )


def evaluate_point_cost(point: DesignPoint, timing: Fields) -> Fields:
    """Return the cost columns. Raises ImpossiblePointError for a clock that the logic is known not to reach."""
    row = cost_of(point, timing["counters"])
    if row.fmax_kind in KNOWN_CLOCKS and point.clock_mhz > row.fmax_mhz:
        raise ImpossiblePointError(
            f"clock_mhz must be at most {row.fmax_mhz:.0f} at {point.node} ({row.fmax_kind}), got {point.clock_mhz!r}"
        )
    return {name: value for name, value in asdict(row).items() if name not in OWN}


def clocked(point: DesignPoint) -> DesignPoint:
    """Return the point with its greatest clock where it asks for that; a point that is impossible as it is."""
    if point.clock_mhz != GREATEST_CLOCK:
        return point
    try:
        config = point.config()
    except ImpossiblePointError:
        return point
    return replace(point, clock_mhz=int(logic_cost(config, node_of(point.node)).fmax_mhz))
