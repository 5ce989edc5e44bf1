"""The whole study in small, by its command: interrupted, resumed, kept, collected and drawn.

The embedded model decodes a few of the shipped sets, so that texts and metrics must be those of the shipped results.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from normq.analysis.commands.quality import quality
from normq.analysis.study import (
    bit_texts,
    collect,
    compute,
    concepts,
    kept,
    levels,
    pool,
    run,
    spec,
    stages,
    training,
    trainings,
)
from normq.analysis.study.results import Results
from normq.analysis.study.spec import Configuration, golden_check

APP = typer.Typer()
APP.command()(quality)

SETS, CHUNK = 4, 2
FLOAT, ALONE, THREE = Configuration("float"), Configuration("float", source="none"), Configuration("norm-q", 3)
UNREAD = Configuration("kmeans-linear-float", 2, has_texts=False)
LAYERWISE = Configuration("layerwise-vector", 8)
DEFAULTS = [FLOAT, ALONE, THREE, LAYERWISE, UNREAD]
SEED, AFTER = Configuration("float", source="seed-1"), Configuration("norm-q", 3, source="seed-1")
AWARE = Configuration("norm-q-aware-em", 3, interval=2, source="seed-1")
TRAINED = [AFTER, SEED, AWARE]
FUNCTIONS = ("compute_texts", "compute_metrics", "golden_texts", "latency", "train_seed", "train_aware")
CACHES = ("_weights", "_guide", "_original", "_stacked")


class Later(Future[Any]):
    """A piece of work that is computed when it is waited for."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self.work = work


class Here:
    """An executor that computes in this process, where constants can be small, in the order of submission."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Later:
        return Later(partial(function, *arguments))

    def shutdown(self, *_: Any, **__: Any) -> None: ...


def in_order(futures: Iterable[Later]) -> Iterator[Later]:
    for future in list(futures):
        future.set_result(future.work())
        yield future


def clear() -> None:
    for name in CACHES:
        getattr(compute, name).cache_clear()
    levels.hmm_of.cache_clear()
    levels.levels_of.cache_clear()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """The study with a few sets, methods and sentences to train on; counts what is computed."""
    sets = concepts.read_sets()[:SETS]
    for module in (bit_texts, collect, compute):
        monkeypatch.setattr(module, "read_sets", lambda: sets)
    for module in (bit_texts, compute, kept):
        monkeypatch.setattr(module, "CHUNK", CHUNK)
    monkeypatch.setattr(collect, "SETS", SETS)
    monkeypatch.setattr(run, "CHUNKS", SETS // CHUNK)
    for module in (spec, stages):
        monkeypatch.setattr(module, "configurations", lambda: DEFAULTS)
    for module in (spec, stages, trainings):
        monkeypatch.setattr(module, "trained_configurations", lambda: TRAINED)
    for name, value in {"SEEDS": (1,), "INTERVALS": (2,), "FEW_WIDTHS": (3,)}.items():
        monkeypatch.setattr(trainings, name, value)
    monkeypatch.setattr(run, "HIDDEN", (64,))
    monkeypatch.setattr(run, "rtl_configurations", list)
    shrunk = {"SENTENCES": 120, "DEV_SENTENCES": 20, "PASSES": 2, "CHUNKS": 4, "CHUNK_SENTENCES": 30, "HIDDEN": 8}
    for name, value in shrunk.items():
        monkeypatch.setattr(training, name, value)
    monkeypatch.setattr(pool, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(pool, "as_completed", in_order)
    counted: Counter[str] = Counter()

    def count(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        counted[name] += 1
        return function(*arguments)

    for name in FUNCTIONS:
        module = trainings if name.startswith("train") else run
        monkeypatch.setattr(module, name, partial(count, name, getattr(module, name)))
    clear()
    yield counted
    clear()


def command(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def texts_of(results: Results) -> dict[tuple[str, int], dict[str, Any]]:
    return {(row["configuration"], row["set"]): row for row in results.texts if row["set"] < SETS}


def test_the_study_goes_on_where_it_was_interrupted(
    tmp_path: Path, calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run.compute_texts

    def interrupted(one: Configuration, chunk: int, folder: Path) -> Any:
        if one == THREE and chunk == 1:
            raise KeyboardInterrupt
        return whole(one, chunk, folder)

    page = tmp_path / "PAGE.md"
    page.write_text("<!-- table: aware -->\n<!-- end -->\n")
    with monkeypatch.context() as broken:
        broken.setattr(run, "compute_texts", interrupted)
        assert command("--compute", "-o", tmp_path / "study", "--processes", 1).exit_code != 0
    # float, language model and the first half of Norm-Q's sets were kept
    assert calls == {"compute_metrics": 2, "compute_texts": 5}
    found = command("--compute", "-o", tmp_path / "study", "--processes", 1, "--page", page)
    assert found.exit_code == 0, found.output
    # no piece was computed twice: 7 configurations with an HMM, 7 with texts, 3 of them in golden
    assert calls == {
        "compute_metrics": 7,
        "compute_texts": 14,
        "golden_texts": 6,
        "train_seed": 1,
        "train_aware": 1,
        "latency": 1,
    }
    results = Results.read(tmp_path / "study" / "results")
    check_results(results)
    aware = next(row for row in page.read_text().splitlines() if row.startswith("| 3 | 2 |"))
    assert "| - |" not in aware.replace("| - | +", "")  # every cell is filled
    assert (tmp_path / "study" / "training.png").is_file()

    # collected results are finished work in another folder: nothing is left but to draw them
    calls.clear()
    again = command("--compute", "-o", tmp_path / "again", "--from-results", tmp_path / "study" / "results")
    assert again.exit_code == 0, again.output
    assert calls == {}
    kept_results = Results.read(tmp_path / "again" / "results")
    assert [kept_results.texts, kept_results.hmm, kept_results.curves] == [results.texts, results.hmm, results.curves]


def check_results(results: Results) -> None:
    """Compare with the shipped results, which other code computed on all sets."""
    shipped, texts = Results.read(), texts_of(results)
    with_texts = [one for one in (*DEFAULTS, *TRAINED) if one.has_texts]
    assert set(texts) == {(one.name, number) for one in with_texts for number in range(SETS)}
    wanted = texts_of(shipped)
    for one in DEFAULTS:
        for number in range(SETS if one.has_texts else 0):
            found, expected = texts[one.name, number], wanted[one.name, number]
            assert {name: found[name] for name in ("text", "dead", "tokens", "success")} == {
                name: expected[name] for name in ("text", "dead", "tokens", "success")
            }
            assert found["lm_mean"] == pytest.approx(expected["lm_mean"])
    metrics = {row["configuration"]: row for row in results.hmm}
    shipped_metrics = {row["configuration"]: row for row in shipped.hmm}
    assert set(metrics) == {one.name for one in (*DEFAULTS, *TRAINED) if one != ALONE}
    for one in (FLOAT, THREE, LAYERWISE, UNREAD):
        for name, value in shipped_metrics[one.name].items():
            found = metrics[one.name].get(name)
            assert found == (pytest.approx(value, rel=1e-6, abs=1e-9) if isinstance(value, float) else value), name
    assert metrics[SEED.name]["kl_nat"] == 0 < metrics[AFTER.name]["kl_nat"]
    assert all(metrics[one.name]["sparse_file_bytes"] > 0 for one in (AFTER, AWARE))
    golden = {row["check"]: 0 for row in results.checks if row["check"].startswith("golden ")}
    assert set(golden) == {golden_check(one) for one in (THREE, AFTER, AWARE)}
    expected = {(row["check"], row["name"]): row["text"] for row in shipped.checks}
    for row in results.checks:
        if row["check"] == golden_check(THREE):
            assert row["text"] == expected[row["check"], row["name"]]
    assert {row["run"]: row["chunk"] for row in results.curves} == {"seed-1": 2, "aware-3-2": 4}
