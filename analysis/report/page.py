"""The page: widgets, plot and table laid out, with the code that joins them, in one file."""

from pathlib import Path
from typing import Any

from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.events import ButtonClick, DocumentReady
from bokeh.layouts import column
from bokeh.models import (
    BasicTicker,
    BooleanFilter,
    CDSView,
    ColumnDataSource,
    CustomJS,
    CustomJSTickFormatter,
    DataTable,
    InlineStyleSheet,
    LogTicker,
    NumberFormatter,
    StringFormatter,
    TableColumn,
)
from bokeh.palettes import Cividis256
from bokeh.resources import INLINE

from ..figures.column import COLORS
from .controls import Controls, controls_of
from .filters import Filter, filters_of
from .plot import point_source, scales, scatter_plot
from .table import NOTES, ReportTable

FOLDER = Path(__file__).parent
TABLE_HEIGHT = 340
COLUMN_WIDTH = 120
TICK = "return tick.toLocaleString('en', {notation: 'compact', maximumSignificantDigits: 4})"
"""10M instead of 1.000e+7."""
ORIGIN = (
    "Cycles are measured in RTL (filled) or counted by the timing model (hollow), which equals RTL's counters. Area, "
    "energy and frequency are estimates. Quality was measured at the size that each point names, not at the point's "
    "own. Times assume the clock that each point names."
)


def report_page(table: ReportTable, title: str) -> str:
    """Return the page as HTML that holds its data, its code and its styles, and asks for nothing else."""
    sheet = InlineStyleSheet(css=_text("widget.css"))
    filters, controls = filters_of(table, sheet), controls_of(table, sheet)
    source, front = point_source(table), ColumnDataSource({"x": [], "y": []})
    keep = BooleanFilter(booleans=[True] * len(table.points))
    plot = scatter_plot(source, front, table)
    document = Document()
    update = CustomJS(
        args={
            **_joined(table, filters, controls),
            "source": source,
            "front": front,
            "keep": keep,
            "plot": plot,
            "scales": scales(),
            "tickers": [BasicTicker(), LogTicker()],
            "formatters": [CustomJSTickFormatter(code=TICK), CustomJSTickFormatter(code=TICK)],
        },
        code=_text("update.js"),
    )
    _connect(filters, controls, update, {"plot": plot, "log_axes": _log_axes(table)})
    document.js_on_event(DocumentReady, update, CustomJS(code="window.applyTheme()"))
    aside = column(controls.reset, *(one.root for one in filters), name="filters", sizing_mode="stretch_width")
    rows = _data_table(table, source, keep, sheet)
    main = column(controls.root, plot, rows, name="main", sizing_mode="stretch_width")
    document.add_root(aside)
    document.add_root(main)
    return file_html(
        document,
        INLINE,
        title=title,
        template=_text("page.html"),
        template_variables={
            "css": _text("page.css"),
            "theme": _text("theme.js"),
            "origin": ORIGIN,
            "common": table.common,
            "failures": table.failures,
            "failed": sum(count for *_, count in table.failures),
        },
    )


def _joined(table: ReportTable, filters: list[Filter], controls: Controls) -> dict[str, Any]:
    """What update.js takes of the table and of the widgets."""
    shown = {quantity.name: quantity for quantity in (*table.axes, *table.choices)}
    few = [one.name for one in table.choices if table.points[one.name].nunique() <= len(COLORS)]
    texts = [name for name in (*shown, *table.notes) if not table.is_number(name)]
    return {
        "filters": [one.for_page for one in filters],
        "sides": {name: quantity.better for name, quantity in shown.items()},
        "titles": {name: quantity.label for name, quantity in shown.items()},
        "log_axes": _log_axes(table),
        "texts": {name: sorted(table.points[name].unique().tolist()) for name in dict.fromkeys([*few, *texts])},
        "selects": controls.selects,
        "scale_buttons": controls.scale_buttons,
        "objectives": {"names": controls.objective_names, "widget": controls.objectives},
        "show": controls.show,
        "count": controls.count,
        "legend": controls.legend,
        "palette": list(COLORS),
        "ramp": list(Cividis256),
    }


def _log_axes(table: ReportTable) -> dict[str, bool]:
    return {quantity.name: table.is_wide(quantity.name) for quantity in table.axes}


def _connect(filters: list[Filter], controls: Controls, update: CustomJS, args: dict[str, Any]) -> None:
    """Let every widget call the code that it is for."""
    for one in filters:
        changes = "value" if one.values is None or not hasattr(one.widget, "active") else "active"
        one.widget.js_on_change(changes, update)
    for group in (controls.scale_buttons, controls.objectives, controls.show):
        group.js_on_change("active", update)
    controls.selects["color"].js_on_change("value", update)
    chosen = {"selects": controls.selects, "scale_buttons": controls.scale_buttons, "update": update, **args}
    choose = CustomJS(args=chosen, code=_text("choose.js"))
    for name in ("x", "y"):
        controls.selects[name].js_on_change("value", choose)
    opened = CustomJS(args={"filters": [one.for_page for one in filters]}, code=_text("reset.js"))
    controls.reset.js_on_event(ButtonClick, opened)


def _data_table(
    table: ReportTable, source: ColumnDataSource, keep: BooleanFilter, sheet: InlineStyleSheet
) -> DataTable:
    columns = [
        TableColumn(
            field=quantity.name,
            title=quantity.label,
            width=COLUMN_WIDTH,
            formatter=NumberFormatter(format="0,0.[000]", nan_format="-")
            if table.is_number(quantity.name)
            else StringFormatter(),
        )
        for quantity in (*table.choices, *table.metrics)
    ]
    columns += [TableColumn(field=name, title=NOTES[name], width=COLUMN_WIDTH) for name in table.notes]
    return DataTable(
        source=source,
        view=CDSView(filter=keep),
        columns=columns,
        name="points-table",
        css_classes=["points-table"],
        height=TABLE_HEIGHT,
        sizing_mode="stretch_width",
        autosize_mode="none",
        reorderable=False,
        stylesheets=[sheet],
    )


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
