"""Where the cycles of a token step go."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..design_points import require, successful, varying
from .column import COLORS, SIZE, SMALL, column_panels, cycle_label, legend

PREFIX = "stall_"
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++")
SHORT = {
    "hidden_states": "H",
    "vocab_size": "V",
    "bits": "b",
    "entries_per_cycle": "S",
    "lanes": "P",
    "elements_per_cycle": "W",
    "port_bits": "port",
    "beams": "B",
    "exponent_bits": "E",
    "mantissa_bits": "M",
}
"""What a row's label calls its configuration; names that are their own values ("sparse") are shown bare."""


def stalls_figure(points: pd.DataFrame) -> Figure:
    """Return a bar for each point: shares of the cycles by every column `stall_*`, the rest as "not stalled".

    Rows are labelled by what tells them apart. Raises OptionError where there are no such columns or points.
    """
    points = successful(points)
    kinds = [name for name in points.columns if name.startswith(PREFIX)]
    require(points, ["cycles", *(kinds or [f"{PREFIX}memory"])])
    figure, (axis,) = column_panels(1, 0.9 + 0.22 * len(points))
    parts = {"not stalled": points["cycles"] - points[kinds].sum(axis=1)}
    parts |= {name.removeprefix(PREFIX).replace("_", " "): points[name] for name in kinds}
    places, left = np.arange(len(points)), np.zeros(len(points))
    looks = [("0.8", ""), *zip(COLORS, HATCHES, strict=True)]
    for place, (label, cycles) in enumerate(parts.items()):
        color, hatch = looks[place % len(looks)]
        shares = 100 * (cycles / points["cycles"]).to_numpy(dtype=float)
        axis.barh(places, shares, 0.7, left, color=color, hatch=hatch, edgecolor="white", linewidth=0.3, label=label)
        left += shares
    axis.set_yticks(places, labels_of(points), fontsize=SMALL)
    axis.invert_yaxis()
    axis.set_xlim(0, 100)
    axis.set_xlabel(cycle_label(points, "share of the token step").replace("cycles", "% of cycles"), fontsize=SIZE)
    legend(figure, [axis], columns=3)
    return figure


def labels_of(points: pd.DataFrame) -> list[str]:
    """Return what tells each row from the others: "b=4 P=16 sparse"; "point N" where nothing does."""
    names = [quantity.name for quantity in varying(points)]
    if not names:
        return [f"point {place + 1}" for place in range(len(points))]
    return [
        " ".join(f"{SHORT[name]}={row[name]}" if name in SHORT else str(row[name]) for name in names)
        for row in points[names].astype(object).to_dict("records")
    ]
