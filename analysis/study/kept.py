"""Results as finished work: a study goes on from them as it goes on from its own store."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from .pool import DATABASE
from .results import Results
from .run import CHECK, CURVE, METRICS, TEXTS
from .spec import CHUNK
from .store import WorkStore

COMPUTED = ("set", "text", "lm_mean", "dead", "tokens")
"""Of a text; what else its row has is scored again."""


def keep(results: Path, folder: Path) -> None:
    """Put the results of a folder into the store of `folder`; what is there already stays. Raises OptionError."""
    store = WorkStore(folder / DATABASE)
    for kind, rows in _work(Results.read(results)).items():
        done = store.keys(kind)
        for key, result in rows.items():
            if key not in done:
                store.put(kind, key, result)
    store.close()


def _work(results: Results) -> dict[str, dict[str, Any]]:
    """Return what the store would hold, by kind and key: `collect` the other way round."""
    texts: dict[str, Any] = defaultdict(list)
    for row in results.texts:
        texts[f"{row['configuration']} | {row['set'] // CHUNK}"].append({name: row[name] for name in COMPUTED})
    curves: dict[str, Any] = defaultdict(list)
    for row in results.curves:
        curves[row["run"]].append(_without(row, "run"))
    checks: dict[str, Any] = defaultdict(list)
    for row in results.checks:
        checks[row["check"] + _chunk(row)].append(_without(row, "check"))
    return {TEXTS: texts, METRICS: {row["configuration"]: _without(row, "configuration") for row in results.hmm}} | {
        CURVE: curves,
        CHECK: checks,
    }


def _chunk(row: dict[str, Any]) -> str:
    """Return the end of the key: golden's sets are a chunk's."""
    return f" | {int(row['name']) // CHUNK}" if row["check"].startswith("golden ") else ""


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name and value is not None}
