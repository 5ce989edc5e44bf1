"""The study's trained models: which are needed, and what becomes of rows whose model comes out otherwise."""

import re
from collections.abc import Collection
from pathlib import Path

import pytest

from normq.analysis.study import trainings
from normq.analysis.study.pool import Put, Report, Tasks
from normq.analysis.study.run import CHECK, METRICS, TEXTS, check_tasks, study_tasks
from normq.analysis.study.spec import (
    FEW_WIDTHS,
    INTERVALS,
    Configuration,
    golden_check,
    trained_configurations,
)
from normq.analysis.study.store import Key, WorkStore
from normq.analysis.study.trained import models_of
from normq.analysis.study.training import Curve
from normq.analysis.study.trainings import CURVE, KEPT_CURVE, models_needed, run_training


def test_models_are_needed_by_work_that_is_left(tmp_path: Path) -> None:
    every = {f"seed-{n}" for n in (1, 2, 3)} | {f"aware-{b}-{k}" for b in (2, 3, 4, 8) for k in (1, 2, 5, 10, 20, 50)}
    assert models_needed(tmp_path) == every
    store = WorkStore(tmp_path / "study.sqlite")
    for one in trained_configurations():
        if one.source == "seed-3" or one.interval == 50:
            finish(store, one)
    store.close()
    assert models_needed(tmp_path) == every - {"seed-3", *(f"aware-{bits}-50" for bits in (2, 3, 4, 8))}


def finish(store: WorkStore, one: Configuration) -> None:
    for key in study_tasks([one], Path()) | check_tasks([one], Path()):
        store.put(*key, [])


def unheard(*_: object) -> None:
    """Tell nobody of progress."""


class Trainer:
    """Trains a seed in no time: its curve is what it is told to be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.curves: dict[str, Curve] = {}
        self.trained: list[str] = []
        monkeypatch.setattr(trainings, "run_tasks", self.run_tasks)

    def run_tasks(
        self, tasks: Tasks, folder: Path, processes: int, report: Report, again: Collection[Key], put: Put
    ) -> None:
        store = WorkStore(folder / "study.sqlite")
        for key in tasks:
            if key not in store or key in again:
                self.trained.append(key[1])
                (folder / f"{key[1]}.npz").touch()
                put(store, key, self.curves.get(key[1], [{"chunk": 0, "train": None, "dev": -5.0}]))
        store.close()

    def run(self, folder: Path) -> list[str]:
        self.trained.clear()
        return run_training(folder, 1, unheard)


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    return Trainer(monkeypatch)


def kept_study(folder: Path) -> WorkStore:
    """A study whose kept results have everything but golden's texts of one configuration of seed 1."""
    store = WorkStore(folder / "study.sqlite")
    for one in trained_configurations():
        finish(store, one)
        for name in models_of(one):
            store.put(KEPT_CURVE, name, [{"chunk": 0, "dev": -5.0}])
    store.put(CURVE, "other", [], [(CHECK, f"{golden_check(LEFT)} | 0")])
    return store


LEFT = Configuration("norm-q", 3, source="seed-1")
COUNT_OF_SEED_1 = 2 * 4 + 1 + 4 * 6  # with and without guard, float, aware EM


def test_a_model_that_is_needed_is_trained_again(tmp_path: Path, trainer: Trainer) -> None:
    kept_study(tmp_path).close()
    assert trainer.run(tmp_path) == []
    assert trainer.trained == ["seed-1"]
    assert trainer.run(tmp_path) == []
    assert trainer.trained == []
    # the curve is the kept one: its rows stay, and no more is left than before
    assert models_needed(tmp_path) == {"seed-1"}
    # a file that was lost is made again
    (tmp_path / "seed-1.npz").unlink()
    assert trainer.run(tmp_path) == []
    assert trainer.trained == ["seed-1"]


def test_rows_of_another_model_are_dropped(tmp_path: Path, trainer: Trainer) -> None:
    store = kept_study(tmp_path)
    before = {kind: store.keys(kind) for kind in (METRICS, TEXTS, CHECK)}
    # one run of aware EM was trained here already, from the start of the seed that is trained again
    store.put(CURVE, "aware-3-5", [{"chunk": 0, "dev": -5.0}])
    (tmp_path / "aware-3-5.npz").touch()
    trainer.curves["seed-1"] = [{"chunk": 0, "train": None, "dev": -5.0000001}]
    (said,) = trainer.run(tmp_path)
    assert re.fullmatch(
        r"seed-1: trained again, its curve is not the one before: \d+ rows that came from that model are computed anew",
        said,
    )
    # aware EM starts from seed 1: all of it is trained again, too
    assert trainer.trained == ["seed-1", *(f"aware-{bits}-{k}" for k in INTERVALS for bits in FEW_WIDTHS)]
    left = {kind: store.keys(kind) for kind in before}
    assert len(before[METRICS]) - len(left[METRICS]) == COUNT_OF_SEED_1
    for kind in before:
        assert all("seed-1" in key for key in before[kind] - left[kind])
        assert not any("seed-1" in key for key in left[kind])
        assert any("seed-2" in key for key in left[kind])
    assert trainer.run(tmp_path) == []
    assert trainer.trained == []
    store.close()


def test_a_training_that_was_killed_before_its_curve_is_compared_later(tmp_path: Path, trainer: Trainer) -> None:
    """The file of a new model is no proof that its rows are of it."""
    store = kept_study(tmp_path)
    (tmp_path / "seed-1.npz").touch()
    trainer.curves["seed-1"] = [{"chunk": 0, "dev": -4.0}]
    assert len(trainer.run(tmp_path)) == 1
    assert not any("seed-1" in key for key in store.keys(METRICS))
    store.close()
