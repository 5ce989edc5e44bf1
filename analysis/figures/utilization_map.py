"""How near to the roofline the engine comes, over two parameters."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..design_points import QUANTITIES, SOURCES, require, successful
from .column import SIZE, SMALL, column_panels

DARK = 55
"""Shares below are dark in the palette: their text is white."""


def utilization_map_figure(points: pd.DataFrame, across: str = "bits", up: str = "hidden_states") -> Figure:
    """Return roofline over cycles (1 is the roofline) for each pair of values of two columns, in percent.

    A cell is the median of its points; a pair without points is empty. Raises OptionError where columns are missing.
    """
    points = successful(points)
    require(points, [across, up, "cycles", "roofline_cycles"])
    shares = (100 * points["roofline_cycles"] / points["cycles"]).rename("share")
    table = pd.concat([points[[across, up]], shares], axis=1).pivot_table(
        index=up, columns=across, values="share", aggfunc="median"
    )
    cells = table.to_numpy(dtype=float)
    figure, (axis,) = column_panels(1, 0.9 + 0.28 * len(table))
    axis.grid(visible=False)
    # cividis: made to look alike to people with and without color vision deficiency (Nunez et al., 2018)
    image = axis.imshow(cells, cmap="cividis", vmin=0, vmax=100, aspect="auto", origin="lower")
    for (row, column), share in np.ndenumerate(cells):
        if not np.isnan(share):
            color = "white" if share < DARK else "black"
            axis.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=SMALL, color=color)
    axis.set_xticks(range(len(table.columns)), [str(value) for value in table.columns])
    axis.set_yticks(range(len(table.index)), [str(value) for value in table.index])
    axis.set_xlabel(QUANTITIES[across].label, fontsize=SIZE)
    axis.set_ylabel(QUANTITIES[up].label, fontsize=SIZE)
    bar = figure.colorbar(image, ax=axis)
    bar.ax.tick_params(labelsize=SMALL)
    bar.set_label("roofline / cycles (%)", fontsize=SIZE)
    axis.set_title(f"cycles: {_counted_by(points)}", fontsize=SMALL)
    return figure


def _counted_by(points: pd.DataFrame) -> str:
    if "source" not in points.columns:
        return "timing model"
    return " and ".join(SOURCES[source] for source in SOURCES if (points["source"] == source).any())
