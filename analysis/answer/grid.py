"""What was swept: for each target and what it keeps on chip, the values of every field that a choice may take."""

from collections.abc import Iterator

import pandas as pd

from .designs import predicted
from .targets import Target

FIELDS = {
    "bits": "b",
    "entries_per_cycle": "S",
    "lanes": "P",
    "elements_per_cycle": "W",
    "port_bits": "port",
    "channels": "channels",
    "clock_mhz": "MHz",
    "mantissa_bits": "M",
    "local_bytes": "KiB on chip",
}
HEAD = ("target", "on chip", *FIELDS.values(), "points")


def grid_rows(points: pd.DataFrame, target: Target) -> Iterator[list[str]]:
    """Yield a row for each kind of residency among a target's evaluated points in the sparse layout."""
    own = predicted(points)
    for name, value in {**target.where, "layout": "sparse"}.items():
        own = own[own[name] == value]
    for residency, some in own.groupby("residency", sort=True):
        yield [target.title, str(residency), *(_values(some[name], name) for name in FIELDS), f"{len(some):,}"]


def _values(column: pd.Series, name: str) -> str:
    unit = 1024 if name == "local_bytes" else 1
    return " ".join(str(value // unit) for value in sorted({int(value) for value in column}))
