"""The lanes of a build on an ECP5: the routed slice where it is one, else counts and a clock scaled from the slices.

LUTs of logic and multipliers are sums of S and W, fitted to the slices; what else distinguishes a lane changes its LUTs
as it changes nangate45's gate equivalents. Memories follow the chip's blocks (analysis/cost/ecp5_memories.py), and the
clock the trend of the routed slices over their LUTs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, log
from typing import Any

import numpy as np

from ...model.config import AcceleratorConfig
from .designs import Part, small_build
from .ecp5_memories import lane_memories
from .fit import UNCHECKED, Fit, fit
from .logic_tables import REFERENCE, part_figures
from .part_tables import part_key, table_parts
from .plain_lanes import beside

TABLE = "ecp5"
CHIP = {"LUT4": 83_640, "18 kbit RAM": 208, "18x18": 156}
"""Of an LFE5U-85 (Lattice, family data sheet FPGA-DS-02012)."""
LOGIC_LUTS = {"luts": 1, "carries": 2}
LUTS_OF_CELL = {**LOGIC_LUTS, "distributed_rams": 6}
"""LUT4 that a cell takes: nextpnr's own sum, "Total LUT4s". A 16x4 RAM takes four, and the writing slice's two."""


@dataclass(frozen=True)
class Ecp5Cost:
    """P lanes, without the engine around them."""

    luts: float
    """LUT4, those of carries and of RAMs among them."""
    luts_error: float
    """Greatest relative one of a routed slice's logic against the fit, and of nangate45's; 0 where it was routed."""
    block_rams: int
    """DP16KD, 18 kbit."""
    multipliers: float
    """MULT18X18D."""
    fmax_mhz: float
    fmax_error: float
    """Greatest relative one of a routed slice against the trend, of all and of the others; 0 where it was routed."""
    kind: str
    """"measured" where this slice was placed and routed, "scaled" elsewhere."""

    @property
    def fullest(self) -> tuple[str, float]:
        """The resource of which it takes most, and its share of the largest chip's; above 1 it does not fit."""
        taken = dict(zip(CHIP, (self.luts, self.block_rams, self.multipliers), strict=True))
        return max(((name, taken[name] / count) for name, count in CHIP.items()), key=lambda pair: pair[1])


@dataclass(frozen=True)
class Trend:
    """A clock over LUTs: a power law that never rises."""

    slope: float
    """Of the logarithm of the clock against that of LUTs."""
    offset: float

    def __call__(self, luts: float) -> float:
        """Return the clock in MHz."""
        return exp(self.offset + self.slope * log(luts))


@dataclass(frozen=True)
class _Model:
    rows: dict[tuple[int, ...], Ecp5Cost]
    luts: Fit
    """Of one lane, without memories."""
    multipliers: Fit
    trend: Trend
    trend_error: float


def ecp5_cost(config: AcceleratorConfig) -> Ecp5Cost:
    """Return counts and clock. Raises OptionError where a table is missing or broken."""
    model, part = _model(), Part(config, True)
    found = model.rows.get(_key(part))
    if found is not None:
        return found
    memories = lane_memories(config)
    logic = config.lanes * model.luts(_terms(part)) * _beside_plain(part)
    luts = logic + LUTS_OF_CELL["distributed_rams"] * memories.distributed_rams
    return Ecp5Cost(
        luts=luts,
        luts_error=(1 + model.luts.error) * (1 + part_figures(part, REFERENCE).error) - 1,
        block_rams=memories.block_rams,
        multipliers=config.lanes * model.multipliers(_terms(part)),
        fmax_mhz=model.trend(luts),
        fmax_error=model.trend_error,
        kind="scaled",
    )


def luts_of(row: Mapping[Any, Any]) -> int:
    """Return the LUT4 that a row of the table takes of the chip."""
    return _weighed(row, LUTS_OF_CELL)


def trend_of(luts: Sequence[float], clocks: Sequence[float]) -> tuple[Trend, float]:
    """Return the trend of slices, and its greatest relative error, of a slice against all and against the others."""
    found = _trend(luts, clocks)
    errors = [abs(found(size) / clock - 1) for size, clock in zip(luts, clocks, strict=True)]
    if len(luts) <= 2:  # others give no trend
        return found, max(*errors, UNCHECKED)
    for row, (size, clock) in enumerate(zip(luts, clocks, strict=True)):
        left = _trend([*luts[:row], *luts[row + 1 :]], [*clocks[:row], *clocks[row + 1 :]])
        errors.append(abs(left(size) / clock - 1))
    return found, max(errors)


def _trend(luts: Sequence[float], clocks: Sequence[float]) -> Trend:
    sizes, speeds = np.log(luts), np.log(clocks)
    slope = min(0.0, float(np.polyfit(sizes, speeds, 1)[0])) if np.ptp(sizes) > 0 else 0.0
    return Trend(slope, float(np.mean(speeds) - slope * np.mean(sizes)))


@cache
def _model() -> _Model:
    columns = (*LUTS_OF_CELL, "block_rams", "multipliers", "fmax_mhz")
    rows = table_parts(TABLE, True, columns, ("luts", "fmax_mhz"))
    luts = [luts_of(row) for _, row in rows]
    clocks = [row["fmax_mhz"] for _, row in rows]
    trend, trend_error = trend_of(luts, clocks)
    routed = {
        _key(part): Ecp5Cost(count, 0.0, int(row["block_rams"]), row["multipliers"], row["fmax_mhz"], 0.0, "measured")
        for (part, row), count in zip(rows, luts, strict=True)
    }
    terms, lanes = [_terms(part) for part, _ in rows], [part.build.lanes for part, _ in rows]
    logic = [_weighed(row, LOGIC_LUTS) / part.build.lanes / _beside_plain(part) for part, row in rows]
    multipliers = [row["multipliers"] / count for (_, row), count in zip(rows, lanes, strict=True)]
    return _Model(routed, fit(terms, logic), fit(terms, multipliers), trend, trend_error)


def _weighed(row: Mapping[Any, Any], cells: Mapping[str, int]) -> int:
    return sum(each * int(row[name]) for name, each in cells.items())


def _terms(part: Part) -> tuple[float, float, float]:
    return 1.0, part.build.entries_per_cycle, part.build.elements_per_cycle


def _beside_plain(part: Part) -> float:
    build = part.build
    return beside(part, small_build(slots=build.entries_per_cycle, elements=build.elements_per_cycle))[0]


def _key(part: Part) -> tuple[int, ...]:
    return (part.build.lanes, *part_key(part))
