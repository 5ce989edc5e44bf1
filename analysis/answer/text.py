"""Markdown tables, and numbers as the page shows them."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..sweep.columns import CONFIGURATION
from ..sweep.point import DesignPoint
from ..sweep.single import assignments_of
from .designs import Row

SHORT = {
    "hidden_states": "H",
    "bits": "b",
    "entries_per_cycle": "S",
    "lanes": "P",
    "elements_per_cycle": "W",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a row has as many cells as the head."""
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * len(head))} |"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def number(value: object) -> str:
    """Return three significant digits, with thousands apart; - for what is missing."""
    if not isinstance(value, int | float) or value != value:
        return "-"
    if abs(value) >= 1000:
        digits = len(str(int(abs(value)))) - 3
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def band(row: Row, low: str, typical: str, high: str) -> str:
    """Return "typical (low..high)"."""
    return f"{number(row[typical])} ({number(row[low])}..{number(row[high])})"


def design(row: Row) -> str:
    """Return a design in a line: "b=4 sparse, S=2 P=4 W=4, port 128, lpddr5-6400 x1, 400 MHz"."""
    sizes = " ".join(f"{SHORT[name]}={row[name]}" for name in ("entries_per_cycle", "lanes", "elements_per_cycle"))
    channels = f" x{row['channels']}" if row["channels"] else ""
    what = {"both": "model and vectors"}.get(row["residency"], row["residency"])
    kept = "" if what == "none" else f", {what} on chip ({int(row['local_bytes']) // 1024} KiB)"
    mantissa = "" if row["mantissa_bits"] == DesignPoint.mantissa_bits else f", M={row['mantissa_bits']}"
    memory = f"{row['memory']}{channels}"
    return (
        f"b={row['bits']} {row['layout']}, {sizes}{mantissa}, port {row['port_bits']}, {memory}{kept}, "
        f"{row['clock_mhz']} MHz"
    )


def command(row: Row) -> str:
    """Return the command that shows every figure of a point."""
    point = DesignPoint(**{name: _plain(row[name]) for name in CONFIGURATION})
    return f"normq point {' '.join(assignments_of(point))}"


def _plain(value: Any) -> Any:
    """A Python value of what a table holds."""
    return value if isinstance(value, str) else int(str(value))
