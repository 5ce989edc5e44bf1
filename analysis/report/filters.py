"""Widgets that choose points: buttons for a few values, a slider for a range."""

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from bokeh.layouts import column
from bokeh.models import (
    CheckboxButtonGroup,
    CustomJSTickFormatter,
    Div,
    InlineStyleSheet,
    MultiChoice,
    RangeSlider,
    UIElement,
)

from ..design_points import Quantity
from .table import ReportTable

BUTTONS = 12
"""More numbers than this get a slider, more texts a list."""
STEPS = 200
LIMITS = ("latency_us", "energy_uj", "area_mm2", "quality_nat_per_token")
"""Metrics that can be limited like a choice."""


@dataclass(frozen=True, eq=False)
class Filter:
    """One widget, and how the page reads it."""

    column: str
    widget: CheckboxButtonGroup | MultiChoice | RangeSlider
    values: list[float] | list[str] | None
    """What the buttons stand for, in their order; None for a slider."""
    is_log: bool = False
    """Whether the slider's numbers are powers of ten."""
    title: UIElement | None = None

    @property
    def root(self) -> UIElement:
        """The widget with its title."""
        return self.widget if self.title is None else column(self.title, self.widget, sizing_mode="stretch_width")

    @property
    def for_page(self) -> dict[str, object]:
        """What update.js takes."""
        return {"column": self.column, "widget": self.widget, "values": self.values, "log": self.is_log}


def filters_of(table: ReportTable, sheet: InlineStyleSheet) -> list[Filter]:
    """Return a filter for every choice, then for the metrics that decisions limit."""
    limits = [metric for metric in table.metrics if metric.name in LIMITS and _span(table.points[metric.name]) > 0]
    return [_filter(table, one, sheet) for one in table.choices] + [_slider(table, one, sheet) for one in limits]


def _filter(table: ReportTable, quantity: Quantity, sheet: InlineStyleSheet) -> Filter:
    cells = table.points[quantity.name]
    if table.is_number(quantity.name) and cells.nunique() > BUTTONS:
        return _slider(table, quantity, sheet)
    if cells.nunique() > BUTTONS:
        texts = sorted(map(str, cells.unique()))
        many = MultiChoice(
            options=[(text, escape(text)) for text in texts],
            title=quantity.label,
            name=_name(quantity),
            css_classes=[_name(quantity)],
            sizing_mode="stretch_width",
            stylesheets=[sheet],
        )
        return Filter(quantity.name, many, texts)
    values = sorted(cells.unique().tolist())
    labels = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    buttons = CheckboxButtonGroup(
        labels=labels,
        active=list(range(len(values))),
        name=_name(quantity),
        css_classes=[_name(quantity)],
        stylesheets=[sheet],
    )
    return Filter(quantity.name, buttons, values, title=Div(text=quantity.label, stylesheets=[sheet]))


def _slider(table: ReportTable, quantity: Quantity, sheet: InlineStyleSheet) -> Filter:
    """A slider between the least and the greatest value, along powers of ten where they span much."""
    cells, is_log = table.points[quantity.name].dropna().astype(float), table.is_wide(quantity.name)
    ends = np.log10([cells.min(), cells.max()]) if is_log else np.array([cells.min(), cells.max()])
    # rounded outwards, so that no point lies beyond an end
    step = (ends[1] - ends[0]) / STEPS
    low, high = float(ends[0] - step / 2), float(ends[1] + step / 2)
    code = "return Number((10 ** tick).toPrecision(3)).toLocaleString('en')" if is_log else _LINEAR
    slider = RangeSlider(
        start=low,
        end=high,
        value=(low, high),
        step=step,
        title=quantity.label,
        format=CustomJSTickFormatter(code=code),
        name=_name(quantity),
        css_classes=[_name(quantity)],
        sizing_mode="stretch_width",
        stylesheets=[sheet],
    )
    return Filter(quantity.name, slider, None, is_log)


_LINEAR = "return Number(tick.toPrecision(4)).toLocaleString('en')"


def _name(quantity: Quantity) -> str:
    return f"filter-{quantity.name}"


def _span(cells: pd.Series) -> float:
    return float(cells.max() - cells.min())
