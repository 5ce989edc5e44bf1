"""Engines that stand beside the baselines: counters of their token steps by the timing model, which ship as a table.

What they cost is worked out from the counters each time (analysis/cost), so that it follows the cost model.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace

from ..cost.band import Band
from ..cost.point import CostRow, evaluate_cost
from ..sweep.point import DesignPoint
from ..sweep.timing import evaluate_timing
from .work import BEAMS, HIDDEN

EDGE, CHIPLET = "edge", "chiplet"
ENGINES = {
    EDGE: DesignPoint(lanes=8, port_bits=256, memory="lpddr5-6400", node="28nm", clock_mhz=500),
    CHIPLET: DesignPoint(lanes=32, memory="hbm2e", node="asap7", clock_mhz=800),
}
"""By name; the clock is chosen, and at most the greatest of the build at its node (tests hold it to that)."""


@dataclass(frozen=True)
class Counted:
    """A token step of one engine, counted by the timing model."""

    engine: str
    hidden: int
    beams: int
    bits: int
    point: str
    """The design point, JSON."""
    counters: str
    """By name, JSON."""


@dataclass(frozen=True)
class EngineStep:
    """What an engine takes for a token step."""

    engine: str
    hidden: int
    beams: int
    bits: int
    point: DesignPoint
    cycles: int
    seconds: float
    cost: CostRow

    @property
    def millijoules(self) -> Band:
        """With the full path to DRAM, its background and leakage."""
        cost = self.cost
        return Band(cost.energy_low_uj, cost.energy_uj, cost.energy_high_uj) * 1e-3

    @property
    def watts(self) -> float:
        """While the step lasts, typical energy."""
        return self.millijoules.typical * 1e-3 / self.seconds


def engine_points() -> list[tuple[str, DesignPoint]]:
    """Return every engine at every size and number of beams."""
    return [
        (name, replace(point, hidden_states=hidden, beams=beams))
        for name, point in ENGINES.items()
        for hidden in HIDDEN
        for beams in BEAMS
    ]


def count(points: Iterable[tuple[str, DesignPoint]], progress: Callable[[str], None]) -> list[Counted]:
    """Return the counters of token steps. Raises ImpossiblePointError."""
    rows: list[Counted] = []
    for name, point in points:
        progress(f"timing model: {name} H={point.hidden_states} B={point.beams}")
        counters = evaluate_timing(point)["counters"]
        rows.append(
            Counted(
                engine=name,
                hidden=point.hidden_states,
                beams=point.beams,
                bits=point.bits,
                point=json.dumps(asdict(point)),
                counters=json.dumps(counters),
            )
        )
    return rows


def engine_step(row: Counted) -> EngineStep:
    """Return time and cost of a counted token step."""
    point, counters = DesignPoint(**json.loads(row.point)), json.loads(row.counters)
    clock = float(point.clock_mhz)
    cost = evaluate_cost(point.config(), counters, point.memory, point.node, clock, point.channels or None)
    cycles = counters["engine.cycles"]
    return EngineStep(row.engine, row.hidden, row.beams, row.bits, point, cycles, cycles / clock * 1e-6, cost)
