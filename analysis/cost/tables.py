"""Tables of finished runs of the tools, as small Parquet files that ship."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from ...model.atomic import replacing
from ...model.errors import OptionError

SHIPPED = Path(__file__).parent / "results"


def write_table(name: str, rows: Sequence[Any], folder: Path = SHIPPED) -> Path:
    """Write dataclass rows to `folder`/`name`.parquet, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.parquet"
    with replacing(path) as draft:
        pd.DataFrame([asdict(row) for row in rows]).to_parquet(draft, compression="zstd", index=False)
    return path


def read_table(name: str, folder: Path = SHIPPED) -> pd.DataFrame:
    """Return a table. Raises OptionError where it is missing."""
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise OptionError(f"{path}: no such file, expected results of the tools (normq cost --synthesize)")
    return pd.read_parquet(path)
