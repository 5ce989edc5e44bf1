"""The scatter plot of the page: its data, its axes, and what a pointer on a point shows."""

from html import escape

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    HoverTool,
    InlineStyleSheet,
    LinearScale,
    LogScale,
)
from bokeh.plotting import figure

from ..design_points import MEASURED, SOURCES, Quantity
from .table import NOTES, ReportTable

X_FIRST = ("energy_uj", "latency_us", "cycles")
Y_FIRST = ("quality_nat_per_token", "area_mm2", "bytes_total", "over_roofline")
"""Axes that the page begins with: the first that the table has."""
MARKERS = {"sparse": "circle", "dense": "square"}
HEIGHT = 460


def first_axes(table: ReportTable) -> tuple[str, str]:
    """Return the columns of the axes that the page begins with, two different ones."""
    names = [metric.name for metric in table.metrics]
    across = next((name for name in X_FIRST if name in names), names[0])
    rest = [name for name in names if name != across]
    return across, next((name for name in Y_FIRST if name in rest), rest[0])


def point_source(table: ReportTable) -> ColumnDataSource:
    """Return every column of the points, and those that the page computes: x, y, color, alpha and marker."""
    count = len(table.points)
    columns = {name: table.points[name].to_numpy() for name in table.points.columns}
    layouts = table.points["layout"] if "layout" in columns else ["sparse"] * count
    sources = table.points["source"] if "source" in columns else [""] * count
    return ColumnDataSource(
        {
            **columns,
            "x": np.full(count, np.nan),
            "y": np.full(count, np.nan),
            "color": ["#888888"] * count,
            "marker": [MARKERS.get(layout, "circle") for layout in layouts],
            # filled: measured in RTL; hollow: by the timing model
            "fill": np.array([0.9 if source == SOURCES[MEASURED] else 0.15 for source in sources]),
        }
    )


def scatter_plot(source: ColumnDataSource, front: ColumnDataSource, table: ReportTable) -> figure:
    """Return the plot, whose axes the page sets."""
    plot = figure(
        name="plot",
        height=HEIGHT,
        sizing_mode="stretch_width",
        tools="pan,wheel_zoom,box_zoom,box_select,tap,reset,save",
        active_drag="box_zoom",
        output_backend="canvas",
        background_fill_alpha=0,
        border_fill_alpha=0,
    )
    plot.toolbar.logo = None  # a link to a page that is not there offline
    points = plot.scatter(
        "x",
        "y",
        source=source,
        marker="marker",
        size=7,
        line_color="color",
        fill_color="color",
        fill_alpha="fill",
        nonselection_line_alpha=0.25,
        nonselection_fill_alpha=0.05,
        name="points",
    )
    plot.step("x", "y", source=front, mode="after", line_width=2, line_color="#D55E00", name="front-line")
    plot.scatter("x", "y", source=front, size=11, fill_alpha=0, line_width=2, line_color="#D55E00", name="front")
    plot.add_tools(HoverTool(renderers=[points], tooltips=tooltip(table), limit=1))
    return plot


def scales() -> dict[str, list[LinearScale | LogScale]]:
    """Return the scales that the axes are switched between, a linear and a logarithmic one for each."""
    return {"x": [LinearScale(), LogScale()], "y": [LinearScale(), LogScale()]}


def tooltip(table: ReportTable) -> str:
    """Return the whole configuration of a point and what was found out about it, as HTML with Bokeh's fields."""
    rows = [(quantity.label, _field(table, quantity)) for quantity in table.choices]
    rows += [(title, escape(value.replace("@", "&#64;"), quote=True)) for title, value in table.common.items()]
    found = [(quantity.label, _field(table, quantity)) for quantity in table.metrics]
    found += [(NOTES[name], f"@{{{name}}}") for name in table.notes]
    return '<div class="normq-tip">' + _block(rows) + _block(found) + "</div>"


def _block(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{escape(title)}</th><td>{value}</td></tr>" for title, value in rows)
    return f"<table>{cells}</table>"


def _field(table: ReportTable, quantity: Quantity) -> str:
    return f"@{{{quantity.name}}}" + ("{0,0.[0000]}" if table.is_number(quantity.name) else "")


def style_sheet(css: str) -> InlineStyleSheet:
    """Return a style sheet that every widget shares."""
    return InlineStyleSheet(css=css)
