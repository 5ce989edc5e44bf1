"""What crosses the memory port, by kind."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ...model.config import Layout
from ..job.row import Row
from .style import BLUE, GREEN, LINES, ORANGE, PURPLE, model_name, models_of, of_model, panels

KINDS = {
    "weights": (("read.weights",), BLUE, ""),
    "vectors": (("read.vectors", "write.vectors"), ORANGE, "//"),
    "scores": (("write.scores",), GREEN, ".."),
    "other": (
        ("read.descriptors", "read.tables", "read.records", "read.emissions", "write.headers"),
        PURPLE,
        "xx",
    ),
}
"""Counters, color and hatch of each kind."""


def kilobytes(row: Row, kind: str) -> float:
    """Return kB of one kind that a group moves in steady state, all operations together."""
    counters = KINDS[kind][0]
    return sum(timing.bytes_per_group[name] for timing in row.timings for name in counters) / 1000


def traffic_figure(rows: Sequence[Row]) -> Figure:
    """Return bytes of a group of each operation, stacked by kind; below each bar its index width and layout."""
    models = models_of(rows)
    figure, axes = panels(len(models), width=4.6, height=4.0)
    for place, (axis, model) in enumerate(zip(axes, models, strict=True)):
        bars = sorted((row for layout in LINES for row in of_model(rows, model, layout)), key=_position)
        positions = [_position(row) for row in bars]
        bottom = np.zeros(len(bars))
        for kind, (_, color, hatch) in KINDS.items():
            heights = np.array([kilobytes(row, kind) for row in bars])
            label = kind if place == 0 else None
            axis.bar(positions, heights, 0.36, bottom, color=color, hatch=hatch, edgecolor="white", label=label)
            bottom += heights
        axis.set_xticks(positions, [f"{row.bits}{row.layout[0]}" for row in bars], fontsize="x-small")
        axis.set_xlabel("index width b (bits), s sparse, d dense")
        axis.set_title(model_name(model), fontsize="medium")
    axes[0].set_ylabel("traffic of a group of vectors (kB)")
    figure.legend(loc="outside right center", fontsize="small", frameon=False)
    return figure


def _position(row: Row) -> float:
    return row.bits + (0.2 if row.layout == Layout.DENSE.value else -0.2)
