"""The two shipped tables: what was measured on a machine, and what the timing model counted."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from ...model.atomic import replacing
from ...model.errors import OptionError
from .engine import Counted
from .measure import Measured

SHIPPED = Path(__file__).parent / "results"
MEASURED, COUNTED = "measured.parquet", "counted.parquet"
Row = TypeVar("Row", Measured, Counted)


def write_rows(path: Path, rows: Sequence[Any]) -> None:
    """Write dataclass rows as Parquet, whole or not at all. Raises OptionError where that is impossible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            pd.DataFrame([asdict(row) for row in rows]).to_parquet(draft, compression="zstd", index=False)
    except OSError as error:
        raise OptionError(f"--results: {path} cannot be written ({error.strerror})") from error


def read_rows(kind: type[Row], path: Path) -> list[Row]:
    """Return the rows of a table. Raises OptionError where it is missing or has other columns."""
    if not path.is_file():
        raise OptionError(f"--results: {path} is no file, expected what `normq baseline --measure` wrote")
    frame = pd.read_parquet(path)
    names = [field.name for field in fields(kind)]
    if list(frame.columns) != names:
        raise OptionError(f"--results: {path} has the columns {list(frame.columns)!r}, expected {names!r}")
    return [kind(**{str(name): value for name, value in row.items()}) for row in frame.to_dict("records")]
