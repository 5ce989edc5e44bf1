"""Points of a sweep as designs: an engine with its memory, evaluated at several numbers of beams."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ...model.errors import OptionError
from ..design_points import PREDICTED, successful
from ..simulate.scenario import GREATEST_TOKENS
from ..sweep.columns import CONFIGURATION
from .card import CARD, CARD_LIMIT
from .latency import TokenLatency
from .targets import AWAKE_ENERGY, CARD_SHARE, TEXT_ENERGY, THROUGHPUT, TIE, Target

Row = Mapping[str, Any]
"""A point of the table, by column."""
KEY = tuple(name for name in CONFIGURATION if name != "beams")
"""What makes a design."""


def predicted(table: pd.DataFrame) -> pd.DataFrame:
    """Return the evaluated points that the timing model counted, with the share of the card that each takes."""
    points = successful(table)
    points = points[points["source"] == PREDICTED]
    shares = [points[name] / total for name, total in CARD.resources.items() if name in points.columns]
    share = pd.concat(shares, axis=1).max(axis=1, skipna=False) if shares else float("nan")
    return points.assign(card_share=share)


def designs_of(table: pd.DataFrame, target: Target) -> pd.DataFrame:
    """Return the points of a target's designs, those evaluated at all its beams, with two columns more.

    `design`: a number of the design; `slowdown`: a token beside the language model over the model's own step. Raises
    OptionError where the sweep has none.
    """
    points = predicted(table)
    for name, value in target.where.items():
        points = points[points[name] == value]
    points = points[points["beams"].isin(target.beams)]
    points = points.assign(design=points.groupby([*KEY], sort=True).ngroup())
    counts = points.groupby("design")["beams"].nunique()
    points = points[points["design"].isin(counts.index[counts == len(target.beams)])]
    if points.empty:
        wanted = ", ".join(f"{name}={value}" for name, value in target.where.items())
        raise OptionError(f"design points: none of target {target.name!r}, expected some with {wanted}")
    slow = [TokenLatency.of(row).beside(target.lm_ms) / target.lm_ms for row in records(points)]
    return points.assign(slowdown=slow)


def feasible(points: pd.DataFrame, target: Target) -> pd.DataFrame:
    """Return the points of the designs that satisfy the target's rules at every number of beams."""
    bad = (points["slowdown"] > target.slowdown) | (points["published_success"] < target.least_success)
    if target.has_counts:
        bad |= ~(points["card_share"] <= CARD_LIMIT)
    if not target.is_fpga:
        bad |= points["clock_mhz"] > target.clock_share * points["fmax_mhz"]
    if target.greatest_area_mm2 is not None:
        bad |= points[target.area] > target.greatest_area_mm2
    return points[~points["design"].isin(points.loc[bad, "design"])]


def objective(points: pd.DataFrame, target: Target) -> pd.Series:
    """Return what the target makes least, of each point."""
    weight = {THROUGHPUT: "area_mm2", CARD_SHARE: "card_share"}.get(target.least)
    if weight is not None:
        return points["latency_us"] * points[weight]
    if target.least == TEXT_ENERGY:
        return points["energy_setup_uj"] + GREATEST_TOKENS * points["energy_uj"]
    if target.least == AWAKE_ENERGY:
        idle = [idle_leakage_uj(row, target.lm_ms) for row in records(points)]
        return points["energy_uj"] + pd.Series(idle, index=points.index)
    return points[target.energy]


def idle_leakage_uj(row: Row, lm_ms: float) -> float:
    """Return what leaks of the engine while it waits for the language model, microjoules a token."""
    spent = TokenLatency.of(row)
    return row["leakage_mw"] * (spent.beside(lm_ms) - spent.alone)


def ranked(table: pd.DataFrame, target: Target) -> pd.DataFrame:
    """Return the feasible designs at the target's greatest number of beams, best first, with `objective`.

    The first is the choice: of those within TIE of the least, the smallest. Raises OptionError where none is feasible.
    """
    points = feasible(designs_of(table, target), target)
    main = points[points["beams"] == target.main]
    if main.empty:
        raise OptionError(f"design points: none satisfies the rules of target {target.name!r}")
    main = main.assign(objective=objective(main, target))
    size = "card_share" if target.has_counts else "area_mm2"
    near = main["objective"] <= TIE * main["objective"].min()
    first = main[near].sort_values([size, "objective", "design"])
    rest = main[~near].sort_values(["objective", size, "design"])
    return pd.concat([first, rest])


def at_beams(table: pd.DataFrame, chosen: Row, beams: Sequence[int]) -> list[Row]:
    """Return the rows of a design in the order of `beams`, those that the table has."""
    own = same(predicted(table), chosen, KEY)
    by_beams = {row["beams"]: row for row in records(own)}
    return [by_beams[count] for count in beams if count in by_beams]


def same(points: pd.DataFrame, chosen: Row, names: Iterable[str]) -> pd.DataFrame:
    """Return the points that equal `chosen` in all these columns."""
    alike = pd.Series(True, index=points.index)
    for name in names:
        alike &= points[name] == chosen[name]
    return points[alike]


def records(points: pd.DataFrame) -> list[Row]:
    """Return the rows."""
    return [{str(name): value for name, value in row.items()} for row in points.to_dict("records")]
