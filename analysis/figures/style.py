"""One look for all figures: colors that the color-blind tell apart, labels, quiet axes."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..job.row import Row

# Okabe and Ito's palette, "Color universal design" (2008)
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
)
COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
MARKERS = ("o", "s", "^", "D", "v")
LINES = {"sparse": "-", "dense": "--"}
FILLS = {"sparse": "full", "dense": "none"}
"""Hollow markers, so that what lies below them shows."""
DPI = 130

Model = tuple[str, int, int]
"""Source, H and V."""


def models_of(rows: Sequence[Row]) -> list[Model]:
    """Return the models of the rows, in order of size."""
    return sorted({(row.source, row.hidden, row.vocab) for row in rows}, key=lambda model: model[1:])


def of_model(rows: Sequence[Row], model: Model, layout: str) -> list[Row]:
    """Return the rows of one model and layout by index width."""
    chosen = [row for row in rows if (row.source, row.hidden, row.vocab) == model and row.layout == layout]
    return sorted(chosen, key=lambda row: row.bits)


def model_name(model: Model) -> str:
    """Return what a legend calls a model."""
    source, hidden, vocab = model
    return f"H={hidden}, V={vocab} ({source})"


def panels(count: int, width: float = 4.2, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """Return a figure of `count` axes side by side with one scale."""
    figure = Figure(figsize=(0.6 + width * count, height), layout="constrained", dpi=DPI)
    axes: list[Axes] = [figure.add_subplot(1, count, place + 1) for place in range(count)]
    for axis in axes:
        axis.grid(True, axis="y", linewidth=0.4, color="0.85")
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def label_widths(axis: Axes, rows: Sequence[Row]) -> None:
    """Label the horizontal axis with index widths."""
    axis.set_xlabel("index width b (bits)")
    axis.set_xticks(sorted({row.bits for row in rows}))
