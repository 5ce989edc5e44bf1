"""Bits that a weight costs on disk."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from ..job.row import Row
from .style import COLORS, FILLS, LINES, MARKERS, label_widths, model_name, models_of, of_model, panels

FLOAT_BITS = 32


def size_figure(rows: Sequence[Row]) -> Figure:
    """Return stored bits per weight over the index width, each model and layout a line."""
    figure, (axis,) = panels(1, width=6.4, height=4.2)
    for model, color, marker in zip(models_of(rows), COLORS, MARKERS, strict=False):
        for layout, line in LINES.items():
            chosen = of_model(rows, model, layout)
            axis.plot(
                [row.bits for row in chosen],
                [row.bits_per_weight for row in chosen],
                line,
                color=color,
                marker=marker,
                fillstyle=FILLS[layout],
                label=f"{model_name(model)} {layout}",
            )
    axis.axhline(FLOAT_BITS, color="0.4", linewidth=0.8)
    axis.annotate("float32", (min(row.bits for row in rows), FLOAT_BITS), (0, 3), textcoords="offset points")
    axis.set_yscale("log")
    axis.set_ylabel("packed model file (bits per weight)")
    label_widths(axis, rows)
    figure.legend(loc="outside right center", fontsize="small", frameon=False)
    return figure
