"""Results as finished work: a study goes on from them as it goes on from its own store."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from ...model.errors import OptionError
from .identity import check_identity
from .results import Results
from .run import CHECK, METRICS, TEXTS
from .spec import CHUNK
from .store import WorkStore
from .study_folder import open_store
from .trainings import CURVE, KEPT_CURVE, same_curve

COMPUTED = ("set", "text", "lm_mean", "dead", "tokens")
"""Of a text; what else its row has is scored again."""


def keep(results: Path, folder: Path) -> None:
    """Put the results of a folder into the store of `folder`; what is there already stays.

    Raises OptionError for results of another study, and of other trained models than those of `folder`.
    """
    found = Results.read(results)
    check_identity(results, found.identity)
    work = _work(found)
    store = open_store(folder)
    try:
        trained = _check_curves(store, work[KEPT_CURVE], results, folder)
        for kind, rows in work.items():
            done = store.keys(kind) | (trained if kind == KEPT_CURVE else set())
            for key, result in rows.items():
                if key not in done:
                    store.put(kind, key, result)
    finally:
        store.close()


def _check_curves(store: WorkStore, curves: dict[str, Any], results: Path, folder: Path) -> set[str]:
    """Return the models that were trained into the folder; the results must be of the same ones."""
    trained = store.all(CURVE)
    for name, curve in (store.all(KEPT_CURVE) | trained).items():
        if name in curves and not same_curve(curve, curves[name]):
            raise OptionError(
                f"{results}: {name} is not the model of {folder}: their training curves differ; take another folder"
            )
    return set(trained)


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
        KEPT_CURVE: curves,
        CHECK: checks,
    }


def _chunk(row: dict[str, Any]) -> str:
    """Return the end of the key: golden's sets are a chunk's."""
    return f" | {int(row['name']) // CHUNK}" if row["check"].startswith("golden ") else ""


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name and value is not None}
