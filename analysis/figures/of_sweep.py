"""Every figure that a sweep's table can give, each of points that can be compared."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from ...model.footprint import bits_per_weight
from ..design_points import MEASURED, QUANTITIES, Quantity, configuration_in, require, successful, varying
from .machine_roofline import BUILD, machine_roofline_figure
from .pareto_fronts import COSTS, pareto_fronts_figure
from .scaling import scaling_figure
from .stalls import stalls_figure
from .storage import storage_figure
from .utilization_map import utilization_map_figure

MOST_BUILDS, MOST_BARS = 5, 16
"""What a column can show apart."""
QUALITIES = ("published_success", "quality_nat_per_token")
"""The first that the table has is what Pareto fronts are of: the published one was measured at H = 4096."""
PLACE = ("hidden_states", "vocab_size", "beams", "keywords", "memory", "node")
"""What points of a Pareto front have in common."""
ENGINE = ("entries_per_cycle", "lanes")
MODEL = ("bits", "hidden_states", "layout")
KINDS = {"embedded": "trained", "synthetic": "synthetic"}


@dataclass(frozen=True, eq=False)
class Drawn:
    """One figure, or why there is none."""

    name: str
    figure: Figure | None
    told: str
    """Of which points it is, or what they lack."""


def draw(table: pd.DataFrame) -> Iterator[Drawn]:
    """Yield the figures of a sweep's table. Raises OptionError for a table without an evaluated point.

    Points of a figure differ in what it shows and are alike in everything else: of all such sets the one that shows
    most is taken, the first of equals.
    """
    points = successful(table)
    require(points, ("cycles",))
    artist = _Artist(varying(points))
    yield artist.draw("roofline", of_few_builds(points), machine_roofline_figure)
    for against in ("bits", "hidden_states"):
        alike = alike_but(points, MODEL, against)
        yield artist.draw(f"scaling_{against}", alike, lambda rows, by=against: scaling_figure(rows, by), against)
    yield _pareto(points, artist)
    yield artist.draw("stalls", alike_but(points, ENGINE).head(MOST_BARS), stalls_figure)
    yield artist.draw("storage", storage_of(points), storage_figure, "bits")
    engines, models = alike_but(points, ENGINE), alike_but(points, ("bits", "hidden_states"))
    yield artist.draw("utilization_engine", engines, lambda rows: utilization_map_figure(rows, *ENGINE))
    yield artist.draw("utilization_model", models, utilization_map_figure)


def alike_but(points: pd.DataFrame, shown: Sequence[str], first: str | None = None) -> pd.DataFrame:
    """Return the points that differ in columns `shown` alone: the set with most values of `first`, else most rows."""
    others = [one.name for one in configuration_in(points) if one.name not in shown]
    if not others:
        return points
    groups = points.groupby(others, sort=True, dropna=False)
    values = groups[first].nunique() if first else 0
    counts = pd.DataFrame({"rows": groups.size()}).assign(values=values)
    best = counts.sort_values(["values", "rows"], ascending=False, kind="stable").index[0]
    numbers = groups.ngroup()
    return points[numbers == counts.index.get_loc(best)]


def of_few_builds(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points of the builds that have most of them, those that RTL ran first, at most MOST_BUILDS."""
    rtl = points["source"] == MEASURED if "source" in points.columns else pd.Series(False, index=points.index)
    counts = points.assign(rtl=rtl).groupby(BUILD)["rtl"].agg(["sum", "size"])
    kept = counts.sort_values(["sum", "size"], ascending=False, kind="stable").index[:MOST_BUILDS]
    return points[points.set_index(BUILD).index.isin(kept)]


def storage_of(points: pd.DataFrame) -> pd.DataFrame:
    """Return stored bits a weight of every model in the table; sizes of synthetic models are those of that model."""
    models = points.drop_duplicates(["model", "hidden_states", "vocab_size", "bits", "layout"])
    sizes = zip(models["model_bytes"], models["hidden_states"], models["vocab_size"], strict=True)
    return models.assign(
        bits_per_weight=[bits_per_weight(int(size), int(hidden), int(vocab)) for size, hidden, vocab in sizes],
        kind=models["model"].map(KINDS),
    )


@dataclass(frozen=True)
class _Artist:
    """Draws, and says of which points."""

    choices: Sequence[Quantity]
    """Configuration in which the points of the table differ."""

    def draw(
        self, name: str, points: pd.DataFrame, figure: Callable[[pd.DataFrame], Figure], shown: str | None = None
    ) -> Drawn:
        """Return the figure; none where all points have the same value of `shown`."""
        if shown is not None and points[shown].nunique() < 2:
            return Drawn(name, None, f"all points have the same {QUANTITIES[shown].title}")
        fixed = [one.name for one in self.choices if points[one.name].nunique(dropna=False) == 1]
        told = "".join(f", {name}={points[name].iloc[0]}" for name in fixed)
        return Drawn(name, figure(points), f"{len(points)} points{told}")


def _pareto(points: pd.DataFrame, artist: _Artist) -> Drawn:
    lacking = [name for name in COSTS if name not in points.columns or points[name].isna().all()]
    found = [name for name in QUALITIES if name in points.columns and points[name].notna().any()]
    if lacking or not found:
        return Drawn("pareto", None, f"no {lacking[0] if lacking else 'quality'} in the table")
    free = [one.name for one in configuration_in(points) if one.name not in PLACE]
    return artist.draw(
        "pareto", alike_but(points, free, "bits"), lambda rows: pareto_fronts_figure(rows, found[0]), "bits"
    )
