"""The study's results as small Parquet files, from which tables and figures are drawn again."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...model.atomic import replacing
from ...model.errors import OptionError
from .corpus import TextScores

SHIPPED = Path(__file__).parent / "results"
NAMES = ("texts", "hmm", "curves", "checks")
Rows = list[dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Results:
    """All rows, as they are in the files."""

    texts: Rows
    """configuration, set, text, lm_mean, dead, tokens, rouge, cider, bleu; success and whole_words."""
    hmm: Rows
    """configuration and the fields of HmmMetrics; bytes of the parts in both layouts, and of the whole packed file."""
    curves: Rows
    """run, chunk, quantized, train, dev."""
    checks: Rows
    """check, name, text, seconds, cycles: golden's and the engine's texts by set, its cycles, CPU seconds of a step."""

    @classmethod
    def read(cls, folder: Path = SHIPPED) -> "Results":
        """Read the files of a folder. Raises OptionError where one is missing."""
        tables: list[Rows] = []
        for name in NAMES:
            file = folder / f"{name}.parquet"
            if not file.is_file():
                raise OptionError(f"{file}: no such file, expected results of the quality study")
            tables.append(pq.read_table(file).to_pylist())
        return cls(*tables)

    def write(self, folder: Path = SHIPPED) -> None:
        """Write the files, each whole."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            with replacing(folder / f"{name}.parquet") as temporary:
                pq.write_table(_table(getattr(self, name)), temporary, compression="zstd")

    def texts_of(self) -> Mapping[str, Rows]:
        """Return the texts of each configuration, in order of sets."""
        found: dict[str, Rows] = defaultdict(list)
        for row in self.texts:
            found[row["configuration"]].append(row)
        return found


def _table(rows: Rows) -> pa.Table:
    # pyarrow takes the columns of the first row, and not every row has all
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])


def scores_of(rows: Rows) -> TextScores:
    """Return the scores of one configuration's texts, in the order of its rows."""
    return TextScores(*(np.array([row[name] for row in rows]) for name in ("rouge", "cider", "bleu")))
