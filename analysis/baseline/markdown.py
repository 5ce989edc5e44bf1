"""Cells and tables of Markdown."""

from collections.abc import Iterable, Sequence

from ..cost.band import Band


def number(value: float) -> str:
    """Return three significant digits, with commas, never as a power of ten."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if value >= 1e-4 else f"{value:.2e}"


def band(values: Band) -> str:
    """Return typical (low to high)."""
    return f"{number(values.typical)} ({number(values.low)} to {number(values.high)})"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without a line end after it."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
