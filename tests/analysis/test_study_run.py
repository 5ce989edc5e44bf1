"""The quality study's work: the store, what it lacks, kept results, and the whole study in small."""

import re
from pathlib import Path
from typing import Any

from normq.analysis.study import bit_tables
from normq.analysis.study.collect import collect
from normq.analysis.study.concepts import read_sets
from normq.analysis.study.draw import draw
from normq.analysis.study.kept import keep
from normq.analysis.study.pool import Tasks, run_tasks
from normq.analysis.study.results import Results
from normq.analysis.study.run import CHECK, CURVE, METRICS, TEXTS, Work, models_to_train_again, work_of
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
from normq.analysis.study.summary import summary_of
from normq.model.quantize.methods import METHODS


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
        "| norm-q | embedded |  | event | - | 3 of 3, 1,401 + 94 | - | - |"
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
    for kind in (METRICS, CHECK, CURVE):
        assert stores[0].keys(kind) >= stores[1].keys(kind) > set()
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


def test_a_model_is_trained_again_where_work_needs_it(tmp_path: Path) -> None:
    """Results hold curves and no models: what lacks its levels asks for them, what is finished does not."""
    every = {f"seed-{n}" for n in (1, 2, 3)} | {f"aware-{b}-{k}" for b in (2, 3, 4, 8) for k in (1, 2, 5, 10, 20, 50)}
    assert models_to_train_again(tmp_path) == {(CURVE, name) for name in every}
    store = WorkStore(tmp_path / "study.sqlite")
    for one in trained_configurations():
        if one.source == "seed-3" or one.interval == 50:
            for work in work_of([one]):
                store.put(work.kind, work.key, [])
            for key in (f"{golden_check(one)} | 0", f"{golden_check(one)} | 1", rtl_check(one)):
                store.put(CHECK, key, [])
    store.close()
    (tmp_path / "aware-3-5.npz").touch()
    left = every - {"seed-3", "aware-3-5", *(f"aware-{bits}-50" for bits in (2, 3, 4, 8))}
    assert models_to_train_again(tmp_path) == {(CURVE, name) for name in left}


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
