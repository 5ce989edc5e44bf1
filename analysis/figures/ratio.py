"""How close the engine comes to its roofline."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from ..job.row import Row
from .style import COLORS, FILLS, LINES, MARKERS, label_widths, model_name, models_of, of_model, panels


def ratio_figure(rows: Sequence[Row]) -> Figure:
    """Return steady-state cycles over the roofline, a panel for each operation; 1 is the roofline."""
    operations = [timing.operation for timing in rows[0].timings]
    figure, axes = panels(len(operations), width=3.6, height=3.8)
    for place, (axis, operation) in enumerate(zip(axes, operations, strict=True)):
        for model, color, marker in zip(models_of(rows), COLORS, MARKERS, strict=False):
            for layout, line in LINES.items():
                chosen = of_model(rows, model, layout)
                axis.plot(
                    [row.bits for row in chosen],
                    [row.timings[place].over_roofline for row in chosen],
                    line,
                    color=color,
                    marker=marker,
                    fillstyle=FILLS[layout],
                    label=f"{model_name(model)} {layout}" if place == 0 else None,
                )
        axis.axhline(1, color="0.4", linewidth=0.8)
        axis.set_title(operation, fontsize="medium")
        axis.set_ylim(bottom=0)
        label_widths(axis, rows)
    axes[0].set_ylabel("cycles of a group / roofline")
    figure.legend(loc="outside right center", fontsize="small", frameon=False)
    return figure
