"""Finished work out of the store, scored, as the results that ship."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from .concepts import SETS, has_all, has_all_words, read_sets
from .identity import identity
from .results import Results
from .run import CHECK, METRICS, TEXTS
from .scores import text_scores
from .study_folder import open_store
from .trainings import CURVE, KEPT_CURVE


def collect(folder: Path) -> Results:
    """Return all rows of finished configurations; one that lacks a set is left out. Raises OptionError."""
    store = open_store(folder)
    texts, hmm, checks = (store.all(kind) for kind in (TEXTS, METRICS, CHECK))
    curves = store.all(KEPT_CURVE) | store.all(CURVE)
    store.close()
    by_configuration: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for key, rows in texts.items():
        by_configuration[key.split(" | ")[0]] += rows
    return Results(
        texts=[row for name in by_configuration for row in _scored(name, by_configuration[name])],
        hmm=[{"configuration": name, **fields} for name, fields in hmm.items() if fields],
        curves=[{"run": name, **row} for name, rows in curves.items() for row in rows],
        checks=[{"check": name.split(" | ")[0], **row} for name, rows in checks.items() for row in rows],
        identity=identity(),
    )


def _scored(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sets = read_sets()
    if len(rows) != SETS:
        return []
    ordered = sorted(rows, key=lambda row: row["set"])
    scores = text_scores([row["text"] for row in ordered], [one.reference for one in sets])
    return [
        {
            "configuration": name,
            **row,
            "rouge": float(scores.rouge[number]),
            "cider": float(scores.cider[number]),
            "bleu": scores.bleu[number].tolist(),
            "success": has_all(row["text"], sets[number].concepts),
            "whole_words": has_all_words(row["text"], sets[number].concepts),
        }
        for number, row in enumerate(ordered)
    ]
