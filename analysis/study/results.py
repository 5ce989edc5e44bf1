"""The study's results as small Parquet files, from which tables and figures are drawn again."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...model.atomic import replacing
from ...model.errors import OptionError
from .corpus import TextScores

SHIPPED = Path(__file__).parent / "results"
COLUMNS = {
    "texts": ("configuration", "set", "text", "dead", "tokens", "rouge", "cider", "bleu", "success", "whole_words"),
    "hmm": ("configuration", "kl_nat", "kl_infinite_share"),
    "curves": ("run", "chunk", "dev"),
    "checks": ("check", "name"),
}
"""What each file must have, for tables and figures to be drawn."""
NAMES = tuple(COLUMNS)
IDENTITY = b"normq.study"
"""Of the files' metadata."""
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

    identity: Mapping[str, str] = field(default_factory=dict[str, str])
    """What decided the rows beside their keys; empty in results of before there was one."""

    @classmethod
    def read(cls, folder: Path = SHIPPED) -> "Results":
        """Read the files of a folder. Raises OptionError where one is missing, no Parquet, or of another study."""
        tables = [_read(folder / f"{name}.parquet", COLUMNS[name]) for name in NAMES]
        identities = [_identity(table) for table in tables]
        for name, found in zip(NAMES, identities, strict=True):
            if found != identities[0]:
                raise OptionError(f"{folder / name}.parquet: is of another study than {NAMES[0]}.parquet beside it")
        return cls(*(table.to_pylist() for table in tables), identity=identities[0])

    def write(self, folder: Path = SHIPPED) -> None:
        """Write the files, each whole."""
        folder.mkdir(parents=True, exist_ok=True)
        metadata = {IDENTITY: json.dumps(dict(self.identity))} if self.identity else None
        for name in NAMES:
            with replacing(folder / f"{name}.parquet") as temporary:
                table = _table(getattr(self, name)).replace_schema_metadata(metadata)
                pq.write_table(table, temporary, compression="zstd")

    def texts_of(self) -> Mapping[str, Rows]:
        """Return the texts of each configuration, in order of sets."""
        found: dict[str, Rows] = defaultdict(list)
        for row in self.texts:
            found[row["configuration"]].append(row)
        return found


def _read(file: Path, columns: Collection[str]) -> pa.Table:
    if not file.is_file():
        raise OptionError(f"{file}: no such file, expected results of the quality study")
    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().split("\n")[0]
        raise OptionError(f"{file}: cannot be read as Parquet ({reason}), expected results of the study") from error
    missing = [name for name in columns if name not in table.column_names]
    if table.num_rows and missing:
        raise OptionError(f"{file}: lacks column {missing[0]!r}, expected results of the quality study")
    return table


def _identity(table: pa.Table) -> dict[str, str]:
    return json.loads((table.schema.metadata or {}).get(IDENTITY, b"{}"))


def _table(rows: Rows) -> pa.Table:
    # pyarrow takes the columns of the first row, and not every row has all
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])


def scores_of(rows: Rows) -> TextScores:
    """Return the scores of one configuration's texts, in the order of its rows."""
    return TextScores(*(np.array([row[name] for row in rows]) for name in ("rouge", "cider", "bleu")))
