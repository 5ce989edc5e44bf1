"""Cycles and traffic of a token step against the index width or the number of hidden states."""

from itertools import cycle

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..design_points import QUANTITIES, require, successful
from .column import COLORS, MARKERS, SIZE, by_source, column_panels, cycle_label, legend, log_scale, scatter
from .style import LINES

AGAINST = {"bits": "hidden_states", "hidden_states": "bits"}
"""The horizontal axis, and what tells lines apart."""
SHORT = {"bits": "b", "hidden_states": "H"}


def scaling_figure(points: pd.DataFrame, against: str = "bits") -> Figure:
    """Return cycles (above) and bytes (below) of a token step against "bits" or "hidden_states".

    One line for each of the other's values and each layout, through the least point at each position: where points
    differ in more than that, all are drawn and the line is their lower bound. Raises OptionError where columns are
    missing.
    """
    other = AGAINST[against]
    points = successful(points)
    require(points, [against, other, "layout", "cycles", "bytes_total"])
    figure, (above, below) = column_panels(2, 2.0, share_x=True)
    for axis, column in ((above, "cycles"), (below, "bytes_total")):
        log_scale(axis, "y", points[column])
        for color, marker, (value, rows) in zip(cycle(COLORS), cycle(MARKERS), points.groupby(other), strict=False):
            for layout, line in LINES.items():
                chosen = rows[rows["layout"] == layout]
                if not chosen.empty:
                    label = f"{SHORT[other]}={value} {layout}"
                    _line(axis, chosen, (against, column), label, (line, color, marker))
    positions = sorted(points[against].unique())
    if against == "hidden_states":
        below.set_xscale("log", base=2)
    below.set_xticks(positions, [str(position) for position in positions])
    below.minorticks_off()
    below.set_xlabel(QUANTITIES[against].label, fontsize=SIZE)
    above.set_ylabel(cycle_label(points, "token step"), fontsize=SIZE)
    below.set_ylabel("traffic of a token step (bytes)", fontsize=SIZE)
    legend(figure, [above])
    return figure


def _line(axis: Axes, rows: pd.DataFrame, columns: tuple[str, str], label: str, look: tuple[str, str, str]) -> None:
    across, up = columns
    line, color, marker = look
    least = rows.groupby(across)[up].min()
    axis.plot(least.index, least.to_numpy(), line, color=color, linewidth=1, label=label)
    for _, fill, part in by_source(rows):
        scatter(axis, part[[across, up]], (marker, fill, color))
