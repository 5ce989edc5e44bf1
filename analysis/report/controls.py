"""The widgets over the plot: axes, colors, scales, and what the front is of."""

from dataclasses import dataclass
from typing import Any

from bokeh.layouts import column, row
from bokeh.models import Button, CheckboxButtonGroup, Div, InlineStyleSheet, Select, UIElement

from ..design_points import Quantity
from .plot import first_axes
from .table import NOTES, ReportTable

SCALES = ("log x", "log y")
SHOW = ("show the front", "only the front")
Options = list[str | tuple[Any, str]]
"""As Bokeh's selects take them: column and label."""
MANY = 20
"""A text with more values than this is no help as a color."""


@dataclass(frozen=True, eq=False)
class Controls:
    """Every widget that update.js reads beside the filters."""

    selects: dict[str, Select]
    """By what they choose: x, y, color."""
    scale_buttons: CheckboxButtonGroup
    objectives: CheckboxButtonGroup
    objective_names: list[str]
    show: CheckboxButtonGroup
    reset: Button
    count: Div
    legend: Div

    @property
    def root(self) -> UIElement:
        """The widgets in lines above the plot."""
        first = row(*self.selects.values(), sizing_mode="stretch_width")
        title = Div(text="front of (none chosen: of the two axes)", stylesheets=self.count.stylesheets)
        second = row(self.scale_buttons, self.show, sizing_mode="stretch_width")
        return column(first, second, title, self.objectives, self.count, self.legend, sizing_mode="stretch_width")


def controls_of(table: ReportTable, sheet: InlineStyleSheet) -> Controls:
    """Return the widgets as the page begins: first axes, their scales, colors by layout where it varies."""
    across, up = first_axes(table)
    options: Options = [(quantity.name, quantity.label) for quantity in table.axes]
    tints = _tints(table)
    goals = [metric for metric in table.metrics if metric.better]
    return Controls(
        selects={
            "x": Select(
                title="across",
                name="select-x",
                css_classes=["select-x"],
                value=across,
                options=options,
                stylesheets=[sheet],
            ),
            "y": Select(
                title="up", name="select-y", css_classes=["select-y"], value=up, options=options, stylesheets=[sheet]
            ),
            "color": Select(
                title="color",
                name="select-color",
                css_classes=["select-color"],
                value=tints[0][0],
                options=tints,
                stylesheets=[sheet],
            ),
        },
        scale_buttons=CheckboxButtonGroup(
            labels=list(SCALES),
            active=[place for place, name in enumerate((across, up)) if table.is_wide(name)],
            name="scales",
            stylesheets=[sheet],
        ),
        objectives=CheckboxButtonGroup(
            labels=[_short(goal) for goal in goals], active=[], name="objectives", stylesheets=[sheet]
        ),
        objective_names=[goal.name for goal in goals],
        show=CheckboxButtonGroup(labels=list(SHOW), active=[0], name="show", stylesheets=[sheet]),
        reset=Button(label="all filters open", name="reset", stylesheets=[sheet]),
        count=Div(name="count", stylesheets=[sheet]),
        legend=Div(name="legend", stylesheets=[sheet]),
    )


def _tints(table: ReportTable) -> Options:
    """What can color the points: texts of few values, then numbers."""
    texts = [(one.name, one.label) for one in table.choices if not table.is_number(one.name)]
    texts += [(name, NOTES[name]) for name in table.notes]
    few = [(name, label) for name, label in texts if table.points[name].nunique() <= MANY]
    return [*few, *((one.name, one.label) for one in table.axes)]


def _short(quantity: Quantity) -> str:
    return f"{quantity.title} ({quantity.unit})" if quantity.unit else quantity.title
