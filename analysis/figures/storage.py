"""What a weight costs in storage, by layout."""

from itertools import cycle

import pandas as pd
from matplotlib.figure import Figure

from ..design_points import require
from .column import COLORS, MARKERS, SIZE, SMALL, column_panels, legend, log_scale
from .style import FILLS, LINES

FLOAT_BITS = 32
CLAIM = 0.99
"""The compression rate that Norm-Q states (arXiv 2509.25439)."""


def storage_figure(models: pd.DataFrame) -> Figure:
    """Return stored bits per weight against the index width: a line for each H, V and layout.

    Needs `hidden_states`, `vocab_size`, `bits`, `layout`, `bits_per_weight`; a column `kind` ("trained", "synthetic")
    is named in the legend. Lines mark float32 and 1 % of it. Raises OptionError where columns are missing.
    """
    require(models, ["hidden_states", "vocab_size", "bits", "layout", "bits_per_weight"])
    figure, (axis,) = column_panels(1, 3.2)
    keys = ["hidden_states", "vocab_size", *(["kind"] if "kind" in models.columns else [])]
    for color, marker, (key, rows) in zip(cycle(COLORS), cycle(MARKERS), models.groupby(keys), strict=False):
        for layout, line in LINES.items():
            chosen = rows[rows["layout"] == layout].sort_values("bits")
            if not chosen.empty:
                name = " ".join([f"H={key[0]} V={key[1]}", *map(str, key[2:]), layout])
                axis.plot(
                    chosen["bits"],
                    chosen["bits_per_weight"],
                    line,
                    color=color,
                    marker=marker,
                    markersize=3.5,
                    linewidth=1,
                    fillstyle=FILLS[layout],
                    label=name,
                )
    least = models["bits"].min()
    for height, text in ((FLOAT_BITS, "float32"), ((1 - CLAIM) * FLOAT_BITS, f"{CLAIM:.0%} smaller than float32")):
        axis.axhline(height, color="0.4", linewidth=0.7)
        axis.annotate(text, (least, height), (0, 2), textcoords="offset points", fontsize=SMALL)
    log_scale(axis, "y", [models["bits_per_weight"].min(), FLOAT_BITS])
    axis.set_xticks(sorted(models["bits"].unique()))
    axis.set_xlabel("index width b (bits)", fontsize=SIZE)
    axis.set_ylabel("stored bits per weight (computed)", fontsize=SIZE)
    legend(figure, [axis], columns=1)
    return figure
