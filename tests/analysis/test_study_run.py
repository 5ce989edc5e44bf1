"""The quality study's store and results: what is kept, collected and drawn, and what is refused."""

import re
import shutil
import sqlite3
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from normq.analysis.commands.quality import quality
from normq.analysis.study import bit_tables, identity, stages
from normq.analysis.study.collect import collect
from normq.analysis.study.concepts import read_sets
from normq.analysis.study.draw import draw
from normq.analysis.study.kept import keep
from normq.analysis.study.pool import Tasks, run_tasks
from normq.analysis.study.results import Results
from normq.analysis.study.run import CHECK, METRICS, TEXTS, Work, work_of
from normq.analysis.study.spec import (
    CHUNK,
    Configuration,
    configurations,
    golden_check,
    golden_configurations,
    rtl_check,
    rtl_configurations,
    trained_configurations,
)
from normq.analysis.study.store import WorkStore
from normq.analysis.study.study_folder import open_store
from normq.analysis.study.summary import summary_of
from normq.analysis.study.trainings import CURVE, KEPT_CURVE, models_needed
from normq.model.errors import OptionError
from normq.model.quantize.methods import METHODS
from normq.tests.analysis.damage import damage

APP = typer.Typer()
APP.command()(quality)


def unheard(*_: object) -> None:
    """Tell nobody of progress."""


def test_every_configuration_has_its_own_name() -> None:
    everything = [*configurations(), *trained_configurations()]
    assert len({one.name for one in everything}) == len(everything)
    work = list(work_of(everything[:1]))
    assert [(one.kind, one.key) for one in work[:2]] == [
        (METRICS, "method=float eos=event source=default"),
        (TEXTS, "method=float eos=event source=default | 0"),
    ]


def test_a_store_keeps_what_is_whole(tmp_path: Path) -> None:
    store = WorkStore(tmp_path / "study.sqlite")
    store.put(METRICS, "a", {"kl_nat": float("inf")})
    # a process that is killed closes nothing
    again = WorkStore(tmp_path / "study.sqlite")
    assert again.all(METRICS) == {"a": {"kl_nat": float("inf")}}
    assert again.keys(TEXTS) == set()
    again.close()
    store.close()


@pytest.mark.parametrize("kind", ["text", "pages"])
def test_a_store_that_cannot_be_read_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "study.sqlite"
    if kind == "text":
        path.write_text("not a database, but long enough to be taken for one\n" * 20)
    else:
        filled(tmp_path)
        damage(path)
    with pytest.raises(
        OptionError, match=r"study.sqlite: .*(not a database|damaged).*, expected the store of a quality"
    ):
        open_store(tmp_path)


def filled(folder: Path) -> None:
    """A study of two configurations whose texts are the references, and one that lacks a piece."""
    sets = read_sets()
    store = WorkStore(folder / "study.sqlite")
    ones = (Configuration("float"), Configuration("norm-q", 3), Configuration("norm-q", 4))
    for one in ones:
        store.put(METRICS, one.name, {"kl_nat": 0.5, "kl_infinite_share": 0.0, "log_likelihood_nat": -5.0})
        for chunk in range(8 if one.bits != 4 else 7):
            rows: list[dict[str, Any]] = [
                {"set": n, "text": sets[n].reference, "lm_mean": -1.0, "dead": 0, "tokens": 5}
                for n in range(chunk * CHUNK, (chunk + 1) * CHUNK)
            ]
            store.put(TEXTS, Work(TEXTS, one, chunk).key, rows)
    store.close()


def test_results_are_collected_written_and_drawn(tmp_path: Path) -> None:
    filled(tmp_path)
    results = collect(tmp_path)
    assert {row["configuration"] for row in results.texts} == {
        "method=float eos=event source=default",
        "method=norm-q bits=3 eos=event source=default",
    }
    results.write(tmp_path / "results")
    page = tmp_path / "PAGE.md"
    page.write_text("before\n<!-- table: references -->\nold\n<!-- end -->\nafter\n")
    lines = list(draw(tmp_path / "results", tmp_path, page))
    assert "| float HMM, eos = event | 100.0 (98.1-100.0) |" in page.read_text()
    assert "old" not in page.read_text()
    assert re.search(r"^written: .*tables\.md, methods\.png, training\.png$", lines[-1])
    assert (tmp_path / "methods.png").stat().st_size > 10_000


def checked(folder: Path) -> Results:
    """The study of `filled`, with golden's texts of 50 sets, one of them another one, and the engine's of 3."""
    filled(folder)
    sets, one = read_sets(), Configuration("norm-q", 3)
    texts: list[dict[str, Any]] = [{"name": str(n), "text": sets[n].reference} for n in range(2 * CHUNK)]
    texts[7]["text"] = "another"
    store = WorkStore(folder / "study.sqlite")
    for chunk in range(2):
        store.put(CHECK, f"{golden_check(one)} | {chunk}", texts[chunk * CHUNK : (chunk + 1) * CHUNK])
    cycles = [{"name": "setup cycles", "cycles": 1_400_900}, {"name": "step cycles", "cycles": 93_600}]
    store.put(CHECK, rtl_check(one), [*texts[:3], *cycles])
    store.put(CHECK, "latency-64", [{"name": "language model", "seconds": 0.25}])
    store.put(CURVE, "seed-1", [{"chunk": 0, "dev": -5.0}, {"chunk": 1, "dev": -4.0}])
    store.close()
    return collect(folder)


def test_golden_and_the_engine_stand_beside_float64(tmp_path: Path) -> None:
    results = checked(tmp_path)
    assert bit_tables.golden(summary_of(results), results).splitlines()[2:] == [
        "| norm-q | embedded |  | event | - | 49 of 50 | - | - | - | - | - |"
    ]
    assert bit_tables.engine(results).splitlines()[2:] == [
        "| norm-q | embedded |  | event | - | 3 of 3, 1,401 + 94 | - | - | - | - | - |"
    ]


def test_results_are_finished_work(tmp_path: Path) -> None:
    """What was collected goes on in another folder; what is there already stays."""
    results = checked(tmp_path / "first")
    results.write(tmp_path / "results")
    keep(tmp_path / "results", tmp_path / "second")
    keep(tmp_path / "results", tmp_path / "second")
    again = collect(tmp_path / "second")
    again.write(tmp_path / "again")
    for name in ("texts", "hmm", "curves", "checks"):
        first, second = (getattr(Results.read(tmp_path / part), name) for part in ("results", "again"))
        assert first == second
    stores = [WorkStore(tmp_path / part / "study.sqlite") for part in ("first", "second")]
    for kind in (METRICS, CHECK):
        assert stores[0].keys(kind) >= stores[1].keys(kind) > set()
    assert stores[0].keys(CURVE) == stores[1].keys(KEPT_CURVE) == {"seed-1"}
    # of the configuration that lacks a piece nothing was collected
    assert len(stores[0].keys(TEXTS)) - len(stores[1].keys(TEXTS)) == 7
    for store in stores:
        store.close()


def test_what_has_levels_is_decoded_in_integers() -> None:
    golden = golden_configurations()
    in_float = {name for name, method in METHODS.items() if not method.levels} | {"float"}
    studied = {one.method for one in [*configurations(), *trained_configurations()]}
    assert {one.method for one in golden} == studied - in_float > {"norm-q-aware-em"}
    assert {one.source for one in golden} == {"default", "seed-1", "seed-2", "seed-3"}
    assert any(one.row_mass_leak for one in golden)
    assert any(one.row_mass_leak for one in rtl_configurations())
    assert {one.method for one in rtl_configurations()} == {one.method for one in golden}


def test_a_store_of_another_study_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(tmp_path).close()
    open_store(tmp_path).close()
    monkeypatch.setattr(identity, "BEAMS", 16)
    with pytest.raises(OptionError) as error:
        open_store(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: holds rows of another study: search is '8 beams, 4 to 20 tokens, 25 sets a piece', "
        "expected '16 beams, 4 to 20 tokens, 25 sets a piece'; take another folder, or remove it"
    )
    # every way to its rows is closed
    for use in (collect, models_needed, partial(run_tasks, {}, processes=1, report=unheard)):
        with pytest.raises(OptionError, match="holds rows of another study"):
            use(folder=tmp_path)


@pytest.mark.parametrize("changed", ["concepts", "hmm", "lm", "sentences", "passes", "computation"])
def test_what_decides_the_rows_is_in_the_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    before = identity.identity()
    model = tmp_path / "model"
    shutil.copytree(identity.FOLDER, model)
    monkeypatch.setattr(identity, "FOLDER", model)
    assert identity.identity() == before
    if changed == "concepts":
        (tmp_path / "concepts.json").write_bytes(identity.FILE.read_bytes() + b" ")
        monkeypatch.setattr(identity, "FILE", tmp_path / "concepts.json")
    elif changed == "passes":
        monkeypatch.setattr(identity.training, "PASSES", 21)
    elif changed == "computation":
        monkeypatch.setattr(identity, "COMPUTATION", 99)
    else:
        files = {"hmm": "hmm-256.safetensors", "lm": "lm/config.json", "sentences": "test_sentences.txt"}
        with (model / files[changed]).open("ab") as file:
            file.write(b" ")
    after = identity.identity()
    fields = {"concepts": "concept sets", "passes": "training", "computation": "computation"}
    assert {field for field in after if after[field] != before[field]} == {fields.get(changed, "embedded model")}


def test_an_older_store_is_of_this_study(tmp_path: Path) -> None:
    """A study that began before stores had an identity goes on, and has one from then on."""
    connection = sqlite3.connect(tmp_path / "study.sqlite")
    connection.execute("CREATE TABLE work (kind TEXT, key TEXT, result TEXT, PRIMARY KEY (kind, key))")
    connection.execute("INSERT INTO work VALUES ('metrics', 'a', '{\"kl_nat\": 1}')")
    connection.commit()
    connection.close()
    assert [row["kl_nat"] for row in collect(tmp_path).hmm] == [1]
    store = WorkStore(tmp_path / "study.sqlite")
    assert store.fields() == identity.identity()
    store.close()


def test_results_of_another_study_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked(tmp_path / "first").write(tmp_path / "results")
    with monkeypatch.context() as changed:
        changed.setattr(identity, "COMPUTATION", 99)
        with pytest.raises(OptionError) as error:
            keep(tmp_path / "results", tmp_path / "second")
        expected = "holds rows of another study: computation is '2', expected '99'; take another folder, or remove it"
        assert str(error.value) == f"{tmp_path}/results: {expected}"
        replace(Results.read(tmp_path / "results"), identity=identity.identity()).write(tmp_path / "others")
    shutil.copy(tmp_path / "others" / "curves.parquet", tmp_path / "results")
    with pytest.raises(OptionError) as error:
        Results.read(tmp_path / "results")
    assert str(error.value) == f"{tmp_path}/results/curves.parquet: is of another study than texts.parquet beside it"


def test_results_of_other_models_are_refused(tmp_path: Path) -> None:
    results = checked(tmp_path / "first")
    results.write(tmp_path / "results")
    store = WorkStore(tmp_path / "second" / "study.sqlite")
    store.put(CURVE, "seed-1", [{"chunk": 0, "train": None, "dev": -5.0}, {"chunk": 1, "dev": -4.0}])
    keep(tmp_path / "results", tmp_path / "second")
    assert (store.keys(KEPT_CURVE), len(store.keys(TEXTS))) == (set(), 16)
    store.put(CURVE, "seed-1", [{"chunk": 0, "dev": -5.0}, {"chunk": 1, "dev": -4.5}])
    store.close()
    with pytest.raises(OptionError) as error:
        keep(tmp_path / "results", tmp_path / "second")
    assert str(error.value) == (
        f"{tmp_path}/results: seed-1 is not the model of {tmp_path}/second: their training curves differ; "
        "take another folder"
    )


def test_damaged_results_are_one_clear_line(tmp_path: Path) -> None:
    checked(tmp_path / "first").write(tmp_path / "results")
    file = tmp_path / "results" / "curves.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    with pytest.raises(OptionError) as error:
        Results.read(tmp_path / "results")
    assert re.fullmatch(
        rf"{file}: cannot be read as Parquet \([^\n]+\), expected results of the study", str(error.value)
    )
    pq.write_table(pa.table({"run": ["a"], "chunk": [0]}), file)
    with pytest.raises(OptionError) as error:
        Results.read(tmp_path / "results")
    assert str(error.value) == f"{file}: lacks column 'dev', expected results of the quality study"


@pytest.mark.parametrize("extra", [[], ["--compute"]])
def test_a_page_is_looked_at_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: list[str]
) -> None:
    page = tmp_path / "PAGE.md"
    arguments = ["-o", str(tmp_path / "out"), "--page", str(page), "--from-results", str(tmp_path / "none"), *extra]
    monkeypatch.delattr(stages, "run_stage")
    found = CliRunner().invoke(APP, arguments)
    assert str(found.exception) == f"{page}: no such file, expected the page with places for tables"
    page.write_text("<!-- table: unknown -->\n<!-- end -->\n")
    found = CliRunner().invoke(APP, arguments)
    assert str(found.exception).startswith("page: place 'unknown' is unknown, expected one of references, published, ")
    page.write_bytes(b"\xff")
    found = CliRunner().invoke(APP, arguments)
    assert str(found.exception).startswith(f"{page}: cannot be read (")


def test_what_is_kept_is_not_computed_but_where_it_is_asked_for(tmp_path: Path) -> None:
    tasks: Tasks = {(CURVE, name): (pow, (2, number)) for number, name in enumerate("abc")}
    store = WorkStore(tmp_path / "study.sqlite")
    for name in "ab":
        store.put(CURVE, name, 0)
    reports: list[tuple[int, int, str]] = []

    def report(done: int, total: int, last: str) -> None:
        reports.append((done, total, last))

    run_tasks(tasks, tmp_path, 1, report, again={(CURVE, "b"), (CURVE, "other")})
    assert store.all(CURVE) == {"a": 0, "b": 2, "c": 4}
    assert reports == [(1, 3, ""), (2, 3, "b"), (3, 3, "c")]
    run_tasks(tasks, tmp_path, 1, report)
    assert reports[3:] == [(3, 3, "")]
    store.close()
