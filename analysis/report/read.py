"""Where design points come from: a sweep's store, or a Parquet file of its table."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ...model.errors import OptionError
from ..sweep.store import SweepStore
from ..sweep.table import frame_of

SQLITE = b"SQLite format 3\0"
"""What every SQLite file begins with."""


def read_points(path: Path) -> pd.DataFrame:
    """Return the flat table of a store or of a Parquet file. Raises OptionError naming the file."""
    try:
        with path.open("rb") as stream:
            is_store = stream.read(len(SQLITE)) == SQLITE
    except OSError as error:
        raise OptionError(
            f"{path}: cannot be read ({error.strerror}), expected design points of normq sweep"
        ) from error
    if is_store:
        with closing(SweepStore(path)) as store:
            return frame_of(store)
    try:
        return pd.read_parquet(path)
    except pa.ArrowException as error:
        raise OptionError(f"{path}: neither a store of normq sweep nor a Parquet file of its points") from error


def only(points: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    """Return the points that satisfy all conditions such as "lanes=16". Raises OptionError where none does."""
    for text in conditions:
        name, equals, value = text.partition("=")
        if not equals or name not in points.columns:
            raise OptionError(f"--only: {text!r} given, expected a column of the table, = and a value, as in lanes=16")
        points = points[points[name].map(str) == value]
        if points.empty:
            raise OptionError(f"--only: {text!r} given, no point has it")
    return points
