"""Quality against energy, latency and area: all points, and the front that no other point beats."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..design_points import QUANTITIES, Quantity, require, successful
from ..pareto import front
from .column import SIZE, SMALL, column_panels, legend, log_scale
from .style import BLUE

PUBLISHED = "published_"
COSTS = ("energy_uj", "latency_us", "area_mm2")


def pareto_fronts_figure(
    points: pd.DataFrame, quality: str = "quality_nat_per_token", costs: Sequence[str] = COSTS
) -> Figure:
    """Return a panel for each cost: every point grey, the front of (cost, quality) blue, with its band where known.

    The title names the size at which the quality was measured (`quality_size`). Raises OptionError where columns are
    missing.
    """
    points = successful(points)
    require(points, [quality, *costs])
    sides = QUANTITIES[quality]
    figure, axes = column_panels(len(costs), 1.75)
    for axis, cost in zip(axes, costs, strict=True):
        _panel(axis, points.dropna(subset=[cost, quality]), QUANTITIES[cost], sides)
    axes[0].set_title(_measured_at(points, quality), fontsize=SMALL)
    legend(figure, axes)
    return figure


def _panel(axis: Axes, points: pd.DataFrame, cost: Quantity, quality: Quantity) -> None:
    chosen = points[front(points, [cost.name, quality.name])].sort_values([cost.name, quality.name])
    rest = points.drop(chosen.index)
    axis.scatter(rest[cost.name], rest[quality.name], s=5, color="0.75", linewidths=0, label="dominated")
    if cost.spread and set(cost.spread) <= set(points.columns):
        low, high = cost.spread
        band = [chosen[cost.name] - chosen[low], chosen[high] - chosen[cost.name]]
        axis.errorbar(
            chosen[cost.name], chosen[quality.name], xerr=band, fmt="none", ecolor=BLUE, alpha=0.5, linewidth=0.7
        )
    axis.plot(
        chosen[cost.name],
        chosen[quality.name],
        "o-",
        color=BLUE,
        drawstyle="steps-post",
        markersize=3,
        linewidth=1,
        label="front",
    )
    log_scale(axis, "x", points[cost.name])
    axis.set_xlabel(cost.label, fontsize=SIZE)
    axis.set_ylabel(quality.label.replace(" (", "\n("), fontsize=SIZE)  # whole, it is longer than a panel is high


def _measured_at(points: pd.DataFrame, quality: str) -> str:
    if quality.startswith(PUBLISHED):
        return "quality as published at H = 4096 (arXiv 2509.25439)"
    if "quality_size" not in points.columns:
        return "quality: size unknown"
    return f"quality measured at {'; '.join(sorted(points['quality_size'].dropna().unique()))}"
