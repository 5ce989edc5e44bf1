"""LUTs, flip-flops and DSP slices of a lane and of the engine around the lanes on an UltraScale+ chip.

A part that Yosys counted is its row. Other lanes are sums of S, W and W M, fitted to the rows; what else distinguishes
them (port, E, H, leaks of rows) changes them as it changes nangate45's gate equivalents and flip-flops. Other engines
follow those by the mean ratio of the rows.
"""

from dataclasses import dataclass
from functools import cache

from .designs import Part, small_build
from .fit import Fit, fit, mean_ratio
from .logic_tables import REFERENCE, part_figures
from .part_tables import part_key, table_parts
from .plain_lanes import beside

TABLE = "ultrascale"
COLUMNS = ("luts", "flip_flops", "dsps")


@dataclass(frozen=True)
class Counts:
    """One part; a fit's are no whole numbers."""

    luts: float
    flip_flops: float
    dsps: float
    is_measured: bool
    error: float
    """Relative, greatest of the three; 0 where measured."""


@dataclass(frozen=True)
class _Lanes:
    rows: dict[tuple[int, ...], Counts]
    luts: Fit
    flip_flops: Fit
    dsps: Fit


@dataclass(frozen=True)
class _Engines:
    rows: dict[tuple[int, ...], Counts]
    luts: float
    """To gate equivalents."""
    flip_flops: float
    dsps: Fit
    error: float


def lane_counts(part: Part) -> Counts:
    """Return the counts of one lane. Raises OptionError where a table is missing or broken."""
    model = _lanes()
    found = model.rows.get(part_key(part))
    if found is not None:
        return found
    terms, (gates, flops) = _terms(part), _beside_plain(part)
    return Counts(
        model.luts(terms) * gates,
        model.flip_flops(terms) * flops,
        model.dsps(terms),
        False,
        (1 + part_figures(part, REFERENCE).error) * (1 + _greatest_error(model)) - 1,
    )


def engine_counts(part: Part) -> Counts:
    """Return the counts of the engine around the lanes. Raises OptionError where a table is missing or broken."""
    model = _engines()
    found = model.rows.get(part_key(part))
    if found is not None:
        return found
    gates = part_figures(part, REFERENCE)
    return Counts(
        gates.gate_equivalents * model.luts,
        gates.flip_flops * model.flip_flops,
        model.dsps((1.0, part.build.elements_per_cycle)),
        False,
        (1 + gates.error) * (1 + model.error) - 1,
    )


@cache
def _lanes() -> _Lanes:
    rows = table_parts(TABLE, True, COLUMNS)
    terms = [_terms(part) for part, _ in rows]
    over_plain = [_beside_plain(part) for part, _ in rows]
    return _Lanes(
        _measured(rows),
        fit(terms, [row["luts"] / gates for (_, row), (gates, _) in zip(rows, over_plain, strict=True)]),
        fit(terms, [row["flip_flops"] / flops for (_, row), (_, flops) in zip(rows, over_plain, strict=True)]),
        fit(terms, [row["dsps"] for _, row in rows]),
    )


@cache
def _engines() -> _Engines:
    rows = table_parts(TABLE, False, COLUMNS)
    gates = [part_figures(part, REFERENCE) for part, _ in rows]
    pairs = [(row, found) for (_, row), found in zip(rows, gates, strict=True)]
    luts, error = mean_ratio([row["luts"] / found.gate_equivalents for row, found in pairs])
    flops, flop_error = mean_ratio([row["flip_flops"] / found.flip_flops for row, found in pairs])
    dsps = fit([(1.0, part.build.elements_per_cycle) for part, _ in rows], [max(1.0, row["dsps"]) for _, row in rows])
    return _Engines(_measured(rows), luts, flops, dsps, max(error, flop_error, dsps.error))


def _measured(rows: list[tuple[Part, dict[str, float]]]) -> dict[tuple[int, ...], Counts]:
    return {part_key(part): Counts(row["luts"], row["flip_flops"], row["dsps"], True, 0.0) for part, row in rows}


def _terms(part: Part) -> tuple[float, ...]:
    """What a lane multiplies: a product each slot and each element, and two more an element, one of M bits."""
    build = part.build
    elements = build.elements_per_cycle
    return 1.0, build.entries_per_cycle, elements, elements * build.code.significand_bits


def _beside_plain(part: Part) -> tuple[float, float]:
    build = part.build
    code = 5, build.code.significand_bits
    return beside(part, small_build(slots=build.entries_per_cycle, elements=build.elements_per_cycle, code=code))


def _greatest_error(model: _Lanes) -> float:
    return max(model.luts.error, model.flip_flops.error, model.dsps.error)
