"""Figures of design points at the width of a printed column, and how they say where a point comes from."""

from collections.abc import Iterable, Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..design_points import MEASURED, SOURCES
from .style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION

WIDTH = 3.3
"""Inches of a column in a two-column paper."""
SIZE, SMALL = 7, 6
"""Points: what is still read in print."""
DPI = 200
DECADES = 100
"""From this span on a logarithmic axis is labelled at powers of ten only."""
COLORS = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")


def column_panels(count: int, height: float, share_x: bool = False) -> tuple[Figure, list[Axes]]:
    """Return a figure of column width with `count` axes of `height` inches below each other."""
    figure = Figure(figsize=(WIDTH, height * count), layout="constrained", dpi=DPI)
    axes: list[Axes] = list(figure.subplots(count, 1, squeeze=False, sharex=share_x)[:, 0])
    for axis in axes:
        axis.grid(True, linewidth=0.3, color="0.85")
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(which="both", labelsize=SMALL, width=0.5)
        for text in (axis.xaxis.label, axis.yaxis.label, axis.title):
            text.set_fontsize(SIZE)
    return figure, axes


def log_scale(axis: Axes, which: str, values: Iterable[float]) -> None:
    """Make the "x" or "y" axis logarithmic with ticks that read well over the span of `values`."""
    side = axis.xaxis if which == "x" else axis.yaxis
    axis.set(**{f"{which}scale": "log"})
    numbers = list(values)
    wide = max(numbers) > DECADES * min(numbers)
    side.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    side.set_major_formatter(FuncFormatter(short))
    side.set_minor_formatter(NullFormatter())


def short(value: float, _place: int | None = None) -> str:
    """Return a number in few characters: 0.5, 20, 100 k, 3 M; matplotlib adds the place of the tick."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def legend(figure: Figure, axes: Sequence[Axes], columns: int = 2) -> None:
    """Put one legend above the axes, each label once."""
    found: dict[str, Artist] = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        found |= {label: handle for handle, label in zip(handles, labels, strict=True) if label not in found}
    handles = list(found.values())
    figure.legend(
        handles, list(found), loc="outside upper center", ncols=columns, fontsize=SMALL, frameon=False, handlelength=2.4
    )


def by_source(points: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Return (name in the legend, fill, rows) of each source: filled markers were measured in RTL, hollow ones not."""
    named = points["source"] if "source" in points.columns else pd.Series("timing model", index=points.index)
    parts = ((SOURCES[source], "full" if source == MEASURED else "none", points[named == source]) for source in SOURCES)
    return [part for part in parts if not part[2].empty]


def scatter(axis: Axes, places: pd.DataFrame, look: tuple[str, str, str], label: str = "") -> None:
    """Draw the two columns of `places` as markers of a look: marker, fill ("full" or "none"), color."""
    marker, fill, color = look
    across, up = (places[name] for name in places.columns)
    face = color if fill == "full" else "none"
    axis.scatter(
        across, up, 12, marker=marker, facecolors=face, edgecolors=color, linewidths=0.8, label=label, zorder=3
    )


def cycle_label(points: pd.DataFrame, what: str) -> str:
    """Return the label of an axis of cycles, with who counted them where it is one source alone."""
    parts = by_source(points)
    return f"{what} (cycles, {parts[0][0]})" if len(parts) == 1 else f"{what} (cycles)"
