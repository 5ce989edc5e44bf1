"""The tables of mapped logic, read, checked and fitted: what a lane, an engine and a whole build take in a library."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ...model.config import AcceleratorConfig
from ...model.errors import OptionError
from .designs import Part
from .fit import UNCHECKED, Fit, fit, mean_ratio
from .logic_terms import engine_terms, lane_terms
from .part_tables import has_engine, part_key, table_parts

REFERENCE = "nangate45"
"""The library with enough rows for a fit; others follow it by the mean ratio of the rows that both have."""
FIGURES = ("gate_equivalents", "flip_flops", "period_ns", "clock_pj", "leakage_mw", "logic_pj")


@dataclass(frozen=True)
class GateFigures:
    """Of a part or of a whole build, in a library; memories aside."""

    gate_equivalents: float
    flip_flops: float
    period_ns: float
    clock_pj: float
    """In a cycle, inside flip-flops."""
    leakage_mw: float
    control_pj: float
    """In a cycle, outside flip-flops, at a tenth of a toggle a net; of a build the engine's alone: a lane's arithmetic
    is counted by events."""
    is_measured: bool
    error: float
    """Relative, of gate equivalents and flip-flops; 0 where measured."""


def build_figures(config: AcceleratorConfig, library: str) -> GateFigures:
    """Return the figures of P lanes and the engine around them. Raises OptionError for a missing or broken table."""
    lane, engine = part_figures(Part(config, True), library), part_figures(Part(config, False), library)
    lanes = config.lanes
    gates = lanes * lane.gate_equivalents + engine.gate_equivalents
    error = (lanes * lane.gate_equivalents * lane.error + engine.gate_equivalents * engine.error) / gates
    return GateFigures(
        gates,
        lanes * lane.flip_flops + engine.flip_flops,
        max(lane.period_ns, engine.period_ns),
        lanes * lane.clock_pj + engine.clock_pj,
        lanes * lane.leakage_mw + engine.leakage_mw,
        engine.control_pj,
        lane.is_measured and engine.is_measured,
        error,
    )


def part_figures(part: Part, library: str) -> GateFigures:
    """Return the figures of a lane or of an engine: its row where the table has it, else the fit."""
    model = model_of(library, part.is_lane)
    found = model.rows.get(part_key(part))
    if found is not None:
        return found.figures
    terms = (lane_terms if part.is_lane else engine_terms)(part.build)
    reference = model_of(REFERENCE, part.is_lane)
    gates, flip_flops = model.gates * reference.gate_fit(terms), model.flip_flops * reference.flip_flop_fit(terms)
    fitted = max(reference.gate_fit.error, reference.flip_flop_fit.error)
    return GateFigures(
        gates,
        flip_flops,
        reference.period_of(part) * model.period,
        flip_flops * model.clock_pj,
        gates * model.leakage_mw,
        gates * model.logic_pj,
        False,
        (1 + fitted) * (1 + model.error) - 1,
    )


@dataclass(frozen=True)
class Row:
    """A measured part."""

    part: Part
    figures: GateFigures


@dataclass(frozen=True)
class Model:
    """Rows of lanes or of engines in one library, and what the others follow from."""

    rows: dict[tuple[int, ...], Row]
    gate_fit: Fit
    flip_flop_fit: Fit
    gates: float
    """Mean ratio to the reference's row."""
    flip_flops: float
    error: float
    """Greatest deviation from the two ratios."""
    period: float
    """Mean ratio to the reference's row."""
    clock_pj: float
    """Of a flip-flop."""
    leakage_mw: float
    """Of a gate equivalent."""
    logic_pj: float
    """Of a gate equivalent."""

    def period_of(self, part: Part) -> float:
        """Return the longest of the periods that each size of a part asks for, alone.

        That is the period of the fastest row at least as large in this size, or of the largest row. A critical path
        hangs on one size; the longest of several is what counts, and a larger size never asks for less.
        """
        rows = [(period_sizes(row.part), row.figures.period_ns) for row in self.rows.values()]
        asked: list[float] = []
        for number, wanted in enumerate(period_sizes(part)):
            size = min(wanted, max(sizes[number] for sizes, _ in rows))
            asked.append(min(period for sizes, period in rows if sizes[number] >= size))
        return max(asked)


@cache
def model_of(library: str, is_lane: bool) -> Model:
    """Return the lanes or the engines of a library. Raises OptionError for a missing or broken table.

    A library without an engine's row has engines that follow the reference's as its lanes do.
    """
    if not is_lane and library != REFERENCE and not has_engine(f"asic-{library}"):
        lanes, known = model_of(library, True), model_of(REFERENCE, False)
        error = max(lanes.error, UNCHECKED)
        return replace(lanes, rows={}, gate_fit=known.gate_fit, flip_flop_fit=known.flip_flop_fit, error=error)
    measured = rows_of(library, is_lane)
    reference = measured if library == REFERENCE else rows_of(REFERENCE, is_lane)
    rows = {part_key(row.part): row for row in measured}
    others = {part_key(row.part): row.figures for row in reference}
    shared = [(row.figures, others[key]) for key, row in rows.items() if key in others]
    if not shared:
        raise OptionError(f"asic-{library}: no {'lane' if is_lane else 'engine'} that asic-{REFERENCE} has too")
    gates, gate_error = mean_ratio([row.gate_equivalents / other.gate_equivalents for row, other in shared])
    flops, flop_error = mean_ratio([row.flip_flops / other.flip_flops for row, other in shared])
    terms = [(lane_terms if is_lane else engine_terms)(row.part.build) for row in reference]
    return Model(
        rows,
        fit(terms, [row.figures.gate_equivalents for row in reference]),
        fit(terms, [row.figures.flip_flops for row in reference]),
        gates,
        flops,
        max(gate_error, flop_error),
        mean_ratio([row.period_ns / other.period_ns for row, other in shared])[0],
        _mean([row.figures.clock_pj / row.figures.flip_flops for row in measured]),
        _mean([row.figures.leakage_mw / row.figures.gate_equivalents for row in measured]),
        _mean([row.figures.control_pj / row.figures.gate_equivalents for row in measured]),
    )


@cache
def rows_of(library: str, is_lane: bool) -> list[Row]:
    """Return the rows of lanes or of engines. Raises OptionError where there is none, or one is broken."""
    return [
        Row(part, GateFigures(*(row[name] for name in FIGURES), is_measured=True, error=0.0))
        for part, row in table_parts(f"asic-{library}", is_lane, FIGURES, FIGURES[:3])
    ]


def period_sizes(part: Part) -> tuple[int, ...]:
    """Return the sizes that a period hangs on."""
    build = part.build
    shared = (build.entries_per_cycle, build.elements_per_cycle, int(build.row_leaks))
    return shared if part.is_lane else (*shared, build.lanes, build.port_bits, build.greatest_index_bits)


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def fit_errors(libraries: Sequence[str]) -> list[tuple[str, str, int, int, float, float]]:
    """Return for lanes and engines of each library: its name, the part, rows, those unchecked, and how far off it is.

    Of the reference the errors are those of the fits, of gate equivalents and of flip-flops; of another library the
    greatest deviation from the mean ratio, for both, and nothing checks the ratio of a single row.
    """
    found: list[tuple[str, str, int, int, float, float]] = []
    for library in libraries:
        for is_lane, kind in ((True, "lane"), (False, "engine")):
            model = model_of(library, is_lane)
            rows, gates, flops = len(model.rows), model.gate_fit, model.flip_flop_fit
            if library == REFERENCE:
                found.append((library, kind, rows, max(gates.alone, flops.alone), gates.error, flops.error))
            else:
                found.append((library, kind, rows, int(rows == 1), model.error, model.error))
    return found
