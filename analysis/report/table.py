"""What of a table of design points goes into the page: what varies, what does not, what can be an axis."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from ...model.errors import OptionError
from ..design_points import COST, QUALITY, SOURCES, TIMING, Quantity, configuration_in, successful, varying

NONE = "none"
"""What a missing text is shown as."""
METRICS = (*TIMING, *COST, *QUALITY)
NOTES = {
    "source": "cycles",
    "roofline_limit": "roofline's limit",
    "fmax_kind": "greatest clock",
    "quality_size": "quality measured at",
}
"""Columns of text that say where figures come from."""
WIDE = 30
"""A column of positive numbers that spans more than this starts on a logarithmic axis."""


@dataclass(frozen=True, eq=False)
class ReportTable:
    """The evaluated points, ready to be shown."""

    points: pd.DataFrame
    """Numbers as they are, anything else as text; one row a point."""
    choices: tuple[Quantity, ...]
    """Configuration in which points differ."""
    metrics: tuple[Quantity, ...]
    """What was found out about them, where anything was."""
    notes: tuple[str, ...]
    """Columns of NOTES that the table has."""
    common: dict[str, str]
    """Configuration that all points share, by title."""
    failures: tuple[tuple[str, str, int], ...]
    """Status, reason and number of the points that were not evaluated."""

    @property
    def axes(self) -> tuple[Quantity, ...]:
        """Quantities that can stand on an axis: metrics, and numbers of the configuration."""
        return (*self.metrics, *(choice for choice in self.choices if self.is_number(choice.name)))

    def is_number(self, column: str) -> bool:
        """Whether a column holds numbers."""
        return pd.api.types.is_numeric_dtype(self.points[column].dtype)

    def is_wide(self, column: str) -> bool:
        """Whether a logarithmic axis suits a column."""
        values = self.points[column].dropna()
        return bool(len(values) and values.min() > 0 and values.max() > WIDE * values.min())


def report_table(rows: pd.DataFrame) -> ReportTable:
    """Sort out the columns of a table of design points.

    Raises OptionError where no point was evaluated, or there are fewer than two metrics to stand against each other.
    """
    points = successful(rows).reset_index(drop=True)
    if points.empty:
        raise OptionError(f"design points: none was evaluated of {len(rows)}, expected one of status 'ok'")
    metrics = [metric for metric in METRICS if metric.name in points.columns and points[metric.name].notna().any()]
    if len(metrics) < 2:
        expected = ", ".join(metric.name for metric in METRICS)
        raise OptionError(f"design points: {len(metrics)} metrics, expected at least two of {expected}")
    choices = varying(points)
    bands = [name for metric in metrics for name in metric.spread or () if name in points.columns]
    notes = [name for name in NOTES if name in points.columns and points[name].notna().any()]
    kept = [*(quantity.name for quantity in (*choices, *metrics)), *bands, *notes]
    fixed = [quantity for quantity in configuration_in(points) if quantity not in choices]
    return ReportTable(
        _plain(points[kept]),
        tuple(choices),
        tuple(metrics),
        tuple(notes),
        {quantity.label: str(points[quantity.name].iloc[0]) for quantity in fixed},
        tuple(_failures(rows)),
    )


def _plain(points: pd.DataFrame) -> pd.DataFrame:
    """Numbers stay, truth values and texts become texts; a missing text is NONE."""
    texts = [
        name
        for name in points.columns
        if not pd.api.types.is_numeric_dtype(points[name].dtype) or pd.api.types.is_bool_dtype(points[name].dtype)
    ]
    shown = points.copy()
    for name in texts:
        shown[name] = points[name].astype(object).where(points[name].notna(), NONE).astype(str)
    if "source" in shown.columns:
        shown["source"] = shown["source"].replace(SOURCES)
    return shown


def _failures(rows: pd.DataFrame) -> Iterable[tuple[str, str, int]]:
    if "status" not in rows.columns or "reason" not in rows.columns:
        return
    others = rows[rows["status"] != "ok"].fillna({"reason": ""})
    counts = Counter(zip(others["status"].astype(str), others["reason"].astype(str), strict=True))
    for (status, reason), count in counts.most_common():
        yield status, reason, count
