"""The lanes of a build on an ECP5: the routed slice where it is one, else counts and a clock scaled from the slices."""

from dataclasses import dataclass
from functools import cache
from math import exp, log

import numpy as np

from ...model.config import AcceleratorConfig
from .designs import Part
from .fit import mean_ratio
from .logic_tables import REFERENCE, part_figures
from .part_tables import part_key, table_parts

TABLE = "ecp5"
LUTS_OF_CHIP = 83_640
"""LUT4 of an LFE5U-85 (Lattice, family data sheet FPGA-DS-02012)."""


@dataclass(frozen=True)
class Ecp5Cost:
    """P lanes, without the engine around them."""

    luts: float
    """LUT4, two for each carry cell."""
    share: float
    """Of the largest chip's; above 1 it does not fit."""
    fmax_mhz: float
    fmax_kind: str
    """"measured" where this slice was placed and routed, "scaled" elsewhere."""


@dataclass(frozen=True)
class _Model:
    rows: dict[tuple[int, ...], Ecp5Cost]
    luts: float
    """Of a gate equivalent of the reference library."""
    slope: float
    """Of the logarithm of the clock against that of LUTs; never positive."""
    offset: float


def ecp5_cost(config: AcceleratorConfig) -> Ecp5Cost:
    """Return counts and clock. Raises OptionError where a table is missing or broken."""
    model, part = _model(), Part(config, True)
    found = model.rows.get(_key(part))
    if found is not None:
        return found
    luts = config.lanes * part_figures(part, REFERENCE).gate_equivalents * model.luts
    return Ecp5Cost(luts, luts / LUTS_OF_CHIP, exp(model.offset + model.slope * log(luts)), "scaled")


@cache
def _model() -> _Model:
    rows = table_parts(TABLE, True, ("luts", "carries", "fmax_mhz"), ("luts", "fmax_mhz"))
    luts = [row["luts"] + 2 * row["carries"] for _, row in rows]
    gates = [part.build.lanes * part_figures(part, REFERENCE).gate_equivalents for part, _ in rows]
    clocks = [row["fmax_mhz"] for _, row in rows]
    sizes = np.log(luts)
    slope = min(0.0, float(np.polyfit(sizes, np.log(clocks), 1)[0])) if np.ptp(sizes) > 0 else 0.0
    return _Model(
        {
            _key(part): Ecp5Cost(count, count / LUTS_OF_CHIP, clock, "measured")
            for (part, _), count, clock in zip(rows, luts, clocks, strict=True)
        },
        mean_ratio([count / gate for count, gate in zip(luts, gates, strict=True)])[0],
        slope,
        float(np.mean(np.log(clocks)) - slope * np.mean(sizes)),
    )


def _key(part: Part) -> tuple[int, ...]:
    return (part.build.lanes, *part_key(part))
