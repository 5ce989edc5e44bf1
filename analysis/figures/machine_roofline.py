"""Multiply-accumulates a cycle over multiply-accumulates a byte, under the roofs of the engine."""

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..design_points import require, successful
from .column import COLORS, SIZE, SMALL, by_source, column_panels, legend, log_scale, scatter

BUILD = ["entries_per_cycle", "lanes", "port_bits"]
NEEDED = [*BUILD, "layout", "multiply_accumulates", "bytes_total", "cycles"]
MARKERS = {"sparse": "o", "dense": "s"}


def machine_roofline_figure(points: pd.DataFrame) -> Figure:
    """Return the points of every build (S, P, port) under its roof: S * P multiply-accumulates, port bytes a cycle.

    Needs the columns NEEDED: multiply-accumulates, bytes and cycles of the same work. Raises OptionError without.
    """
    points = successful(points)
    require(points, NEEDED)
    work = points["multiply_accumulates"]
    placed = points.assign(intensity=work / points["bytes_total"], rate=work / points["cycles"])
    figure, (axis,) = column_panels(1, 2.8)
    span = np.array([placed["intensity"].min() / 3, placed["intensity"].max() * 3])
    for color, (_, rows) in zip(cycle(COLORS), placed.groupby(BUILD), strict=False):
        _draw(axis, rows, color)
        _roof(axis, rows.iloc[0], span, color)
    axis.margins(y=0.2)
    log_scale(axis, "x", span)
    log_scale(axis, "y", placed["rate"])
    axis.set_xlabel("multiply-accumulates a byte of traffic", fontsize=SIZE)
    axis.set_ylabel("multiply-accumulates a cycle", fontsize=SIZE)
    legend(figure, [axis])
    return figure


def _draw(axis: Axes, rows: pd.DataFrame, color: str) -> None:
    for name, fill, part in by_source(rows):
        for layout, marker in MARKERS.items():
            chosen = part[part["layout"] == layout]
            if not chosen.empty:
                scatter(axis, chosen[["intensity", "rate"]], (marker, fill, color), f"{layout}, {name}")


def _roof(axis: Axes, row: pd.Series, span: np.ndarray, color: str) -> None:
    entries, lanes, port = (int(row[name]) for name in BUILD)
    ridge = 8 * entries * lanes / port
    corners = np.unique([*span, np.clip(ridge, *span)])
    roof = np.minimum(entries * lanes, corners * port / 8)
    axis.plot(corners, roof, color=color, linewidth=1, label=f"roof S={entries} P={lanes} port={port}")
    axis.annotate(f"{entries * lanes}", (corners[-1], roof[-1]), (2, 0), textcoords="offset points", fontsize=SMALL)
