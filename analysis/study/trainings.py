"""Which models the study trains, and what it does where one that is trained again comes out otherwise.

Results hold curves and no models: where work that is left needs a model, it is trained again, and its curve is compared
with the kept one. Another curve is another model, so that what was computed from the first is computed anew.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from .pool import Report, Tasks, run_tasks
from .run import check_tasks, study_tasks
from .spec import FEW_WIDTHS, INTERVALS, SEEDS, trained_configurations
from .store import Key, WorkStore
from .study_folder import open_store
from .trained import aware_name, model_file, models_of, seed_name
from .training import train_aware, train_seed

CURVE, KEPT_CURVE = "curve", "kept curve"
"""Kinds: of a model that was trained into the folder, and of one that only its results tell of."""


def run_training(folder: Path, processes: int, report: Report) -> list[str]:
    """Train what is missing: the seeds, then aware EM from the first. Return what is to be said."""
    seeds: Tasks = {(CURVE, seed_name(seed)): (train_seed, (seed, folder)) for seed in SEEDS}
    aware: Tasks = {
        (CURVE, aware_name(bits, interval)): (train_aware, (bits, interval, folder))
        for interval in INTERVALS
        for bits in FEW_WIDTHS
    }
    notes: list[str] = []
    for tasks in (seeds, aware):
        needed = models_needed(folder)
        lost = {(CURVE, name) for name in needed if not model_file(folder, name).exists()}
        wanted = _wanted(tasks, needed, folder)
        run_tasks(wanted, folder, processes, report, lost, partial(_put_curve, folder=folder, notes=notes))
    return notes


def models_needed(folder: Path) -> set[str]:
    """Return the models that work needs which the store lacks."""
    store = open_store(folder)
    needed: set[str] = set()
    for one in trained_configurations():
        work = study_tasks([one], folder) | check_tasks([one], folder)
        if any(key not in store for key in work):
            needed |= set(models_of(one))
    store.close()
    return needed


def same_curve(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> bool:
    """Return whether two curves are equal to the bit; results leave out what a row does not have."""
    return _rows(first) == _rows(second)


def _rows(curve: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if value is not None} for row in curve]


def _wanted(tasks: Tasks, needed: set[str], folder: Path) -> Tasks:
    """Return the tasks without those whose curve was kept and whose model nothing needs."""
    store = open_store(folder)
    wanted = {
        key: task
        for key, task in tasks.items()
        if key in store or key[1] in needed or (KEPT_CURVE, key[1]) not in store
    }
    store.close()
    return wanted


def _put_curve(store: WorkStore, key: Key, curve: list[dict[str, Any]], folder: Path, notes: list[str]) -> None:
    """Keep a new curve; where another one was there, what came from that one's model goes."""
    _, name = key
    before = store.get(KEPT_CURVE, name) or store.get(CURVE, name)
    drop: list[Key] = [(KEPT_CURVE, name)]
    if before is None or not same_curve(before, curve):
        dependent = [one for one in dict.fromkeys(_dependent(name, folder)) if one in store]
        if dependent:
            notes.append(
                f"{name}: trained again, its curve is not the one before: {len(dependent)} rows that came from that "
                "model are computed anew"
            )
        drop += dependent
    store.put(CURVE, name, curve, drop)


def _dependent(name: str, folder: Path) -> Iterator[Key]:
    """Yield the rows that are computed from a model, and the curves of models that are trained from it."""
    for one in trained_configurations():
        models = models_of(one)
        if name in models:
            yield from study_tasks([one], folder) | check_tasks([one], folder)
            for other in models[models.index(name) + 1 :]:
                yield from ((kind, other) for kind in (CURVE, KEPT_CURVE))
