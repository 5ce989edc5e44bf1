"""Sweeps from end to end: columns, search, workers, the command line."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from distributed import LocalCluster

from normq.analysis.cost.dram import DRAM
from normq.analysis.simulate.spec import StepSpec
from normq.analysis.sweep.columns import COLUMNS, TIMING
from normq.analysis.sweep.cost import evaluate_point_cost
from normq.analysis.sweep.engine import engine
from normq.analysis.sweep.evaluators import IMPOSSIBLE, OK, Result, digest_of, evaluate
from normq.analysis.sweep.plan import Inline, Task, chunks, missing_tasks, run_chunk
from normq.analysis.sweep.point import DesignPoint
from normq.analysis.sweep.run import Sweep
from normq.analysis.sweep.search import search
from normq.analysis.sweep.setup import evaluate_setup
from normq.analysis.sweep.space import points_of
from normq.analysis.sweep.spec import Space, SweepSpec
from normq.analysis.sweep.store import SweepStore
from normq.analysis.sweep.table import frame_of
from normq.analysis.sweep.timing import Fields, evaluate_timing
from normq.analysis.timing.predict import predicted
from normq.analysis.timing.spec import TimingSpec, Work
from normq.analysis.timing.work import workload
from normq.model.config import Layout
from normq.model.errors import OptionError

SMALL = DesignPoint(hidden_states=64, vocab_size=300, beams=6, keywords=2, lanes=4)
SPEC = """
evaluators = ["timing", "cost"]
[[space]]
[space.point]
hidden_states = 64
vocab_size = 300
lanes = [3, 4]
latency = [10, 20, 30]
"""


@pytest.fixture(scope="module")
def timed() -> Fields:
    return evaluate_timing(SMALL)


def test_a_point_is_the_token_step_that_normq_timing_predicts(timed: Fields) -> None:
    """Same keywords, beams and addresses, though no vector is computed."""
    spec = TimingSpec("small", SMALL.bits, Layout.SPARSE, SMALL.beams, SMALL.keywords, config=SMALL.config())
    figures, _ = predicted(workload(spec), Work.STEP)
    assert timed["counters"] == figures.counters
    assert (timed["roofline_cycles"], timed["roofline_limit"]) == (figures.roofline_cycles, figures.roofline_limit)
    assert isinstance(spec, StepSpec)


def test_columns_are_whole_and_add_up(timed: Fields) -> None:
    assert set(TIMING) <= set(timed)
    assert set(TIMING) | {"counters"} == set(timed)
    phases = ("cycles_forward", "cycles_denominators", "cycles_numerators", "cycles_listed")
    assert sum(timed[name] for name in phases) == timed["cycles"]
    kinds = ("bytes_weights", "bytes_vectors", "bytes_scores", "bytes_other")
    assert sum(timed[name] for name in kinds) == timed["bytes_total"]
    gather = ("busy_cycles", "stall_input", "stall_output", "stall_memory", "stall_idle")
    assert sum(timed[name] for name in gather) == timed["cycles"]
    assert timed["latency_us"] == timed["cycles"] / SMALL.clock_mhz


def test_what_stays_on_chip_leaves_the_port(timed: Fields) -> None:
    model = evaluate_timing(replace(SMALL, residency="model", local_bytes=1 << 16))
    vectors = evaluate_timing(replace(SMALL, residency="vectors", local_bytes=1 << 16))
    assert model["bytes_weights"] == 0
    assert model["bytes_local"] >= timed["bytes_weights"] > 0
    assert model["bytes_vectors"] == timed["bytes_vectors"]
    # 6 vectors of 128 bytes read by forward and by the scores, 6 written; C of each group's numerators stays outside
    assert timed["bytes_vectors"] - vectors["bytes_vectors"] == 3 * 6 * 128
    assert vectors["bytes_weights"] == timed["bytes_weights"]


def test_both_stay_on_chip_together(timed: Fields) -> None:
    both = evaluate_timing(replace(SMALL, residency="both", local_bytes=1 << 16))
    assert both["bytes_weights"] == 0
    assert timed["bytes_vectors"] - both["bytes_vectors"] == 3 * 6 * 128


def test_rows_that_a_dram_opens_are_counted_and_priced() -> None:
    point = replace(SMALL, memory="ddr4-3200")
    found = evaluate_timing(point)
    opened = found["counters"]["dram.row_misses"] + found["counters"]["dram.row_conflicts"]
    assert opened > 0
    counted = evaluate_point_cost(point, found)["energy_device_uj"]
    unopened = {**found["counters"], "dram.row_misses": 0, "dram.row_conflicts": 0}
    least = evaluate_point_cost(point, {**found, "counters": unopened})["energy_device_uj"]
    assert counted - least == pytest.approx(opened * DRAM["ddr4-3200"].activation_nj * 1e-3)


def test_setup_counts_every_edge_and_every_length() -> None:
    fields = evaluate_setup(SMALL)
    states = evaluate_timing(SMALL)["automaton_states"]
    assert fields["table_bytes"] == states * 33 * 64 * 2  # lengths 0..32
    assert fields["table_step_bytes"] == states * 64 * 2
    longer = evaluate_setup(replace(SMALL, keywords=3))
    assert longer["cycles_setup"] > fields["cycles_setup"] > 33 * 2 * 64


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lanes": 3}, "lanes must be a power of two up to 64, got 3"),
        ({"beams": 0}, "beams must be 1..1024, got 0"),
        ({"channels": 2}, "channels must be 0 where memory is 'ideal', got 2"),
        ({"memory": "hbm2e", "channels": 3}, "HBM2E: channels is 3, expected a power of two to 32"),
        (
            {"model": "embedded"},
            "the embedded model has H of (64, 256) and V=4096, got 64 and 300",
        ),
        (
            {"residency": "vectors"},
            "a beam's vector: 128 bytes do not fit in the local memory, local_bytes must be at least 128, got 0",
        ),
        (
            {"exponent_bits": 4, "mantissa_bits": 8, "bits": 8},
            "alpha: min(M, F - ceil(log2(H * max(L, R_max) / eps + 1))) = ",
        ),
    ],
)
def test_impossible_points_have_their_reason(change: dict[str, Any], reason: str) -> None:
    result = evaluate(replace(SMALL, **change), "timing", {})
    assert (result.status, result.reason[: len(reason)]) == (IMPOSSIBLE, reason)
    assert "/" not in result.reason.partition("max(L, R_max) / eps")[0]  # no path of this machine


def test_tasks_share_models_and_ask_what_is_missing() -> None:
    points = points_of(Space(point={"bits": [3, 4], "lanes": [2, 4, 8], "hidden_states": [64, 128]}))
    tasks = missing_tasks(points, ("timing", "cost"), {})
    parts = chunks(tasks, 2)
    assert [len({(task.point.bits, task.point.hidden_states) for task in part}) for part in parts] == [1] * len(parts)
    assert parts[0][0].point.hidden_states == 128  # the longest first
    assert sorted(task.point.digest for part in parts for task in part) == sorted(point.digest for point in points)
    answers = run_chunk([Task(SMALL, ("timing", "cost"), {})], {"timing": digest_of("timing")})
    found = {(one.point, one.evaluator): one for one in answers.results}
    assert [one.status for one in answers.results] == [OK, OK]
    assert missing_tasks([SMALL], ("timing", "cost"), found) == []
    known = {key: one for key, one in found.items() if key[1] == "timing"}
    (task,) = missing_tasks([SMALL], ("timing", "cost"), known)
    assert task.evaluators == ("cost",)
    assert run_chunk([task], {}).results[0].fields == found[SMALL.digest, "cost"].fields


def test_a_worker_with_other_sources_is_refused() -> None:
    with pytest.raises(
        OptionError,
        match=r"^workers: sources of 'timing' have the digest [0-9a-f]{16} there, expected the client's, other",
    ):
        run_chunk([], {"timing": "other"})


def test_search_repeats_itself_and_finds_the_front() -> None:
    """Two objectives that pull apart: latency against lanes; a point of 8 lanes is impossible."""
    space = Space(
        search="nsga2",
        count=40,
        population=8,
        seed=3,
        objectives={"latency_us": "min", "area_mm2": "min"},
        point={"lanes": [1, 2, 4, 8], "latency": list(range(1, 30)), "entries_per_cycle": [1, 2, 4, 8]},
    )

    def answer(points: Sequence[DesignPoint]) -> list[Fields]:
        return [
            {}
            if point.lanes == 8
            else {"latency_us": point.latency + 10 / point.lanes, "area_mm2": point.lanes + 0.1 * point.latency}
            for point in points
        ]

    found = search(space, answer)
    assert found == search(space, answer)
    assert len(found) == 40
    early, late = (sum(point.latency for point in part) for part in (found[:8], found[-8:]))
    assert late < early


def test_the_command_sweeps_with_workers_exports_and_goes_on(tmp_path: Path) -> None:
    spec, store, table = (tmp_path / name for name in ("s.toml", "s.sqlite", "s.parquet"))
    spec.write_text(SPEC)
    command = [sys.executable, "-W", "error", "-m", "normq", "sweep", str(spec), "--parquet", str(table), "--workers"]
    first = subprocess.run([*command, "1"], capture_output=True, text=True, check=False)
    told = first.stderr.splitlines()
    assert (first.returncode, told[-3:]) == (
        0,
        [
            f"{store}: 6 points, 0 of them known before, 3 impossible, 0 failed",
            "  impossible, 6 answers: lanes must be a power of two up to 64, got 3",
            f"{table}: 6 rows, 3 of them impossible points",
        ],
    )
    frame = pd.read_parquet(table)
    assert list(frame.columns) == [*COLUMNS, "sources_cost", "sources_timing"]
    good = frame[frame["status"] == "ok"]
    assert good["latency"].tolist() == [10, 20, 30]
    assert good["cycles"].is_monotonic_increasing
    assert (good["area_mm2"] > 0).all()
    assert frame.loc[frame["status"] == "impossible", "cycles"].isna().all()


def test_workers_of_a_scheduler_answer_too() -> None:
    """As `--scheduler ADDRESS` does; the worker is a thread of this process, reached over the network."""
    tasks = missing_tasks([SMALL, replace(SMALL, lanes=3)], ("timing",), {})
    own: Any = LocalCluster(n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=":0")
    with own, engine(0, own.scheduler_address) as remote:
        answers = list(remote.answers(chunks(tasks, 1), {"timing": digest_of("timing")}))
    assert sorted(result.status for one in answers for result in one.results) == [IMPOSSIBLE, OK]


def test_a_search_reads_the_store_once_and_weighs_cost_against_quality(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = {
        "search": "nsga2",
        "count": 12,
        "population": 4,
        "objectives": {"energy_uj": "min", "quality_kl": "min"},
        "point": {"hidden_states": 64, "vocab_size": 300, "bits": [3, 8], "lanes": [3, 4, 8]},
    }
    spec = SweepSpec.model_validate({"evaluators": ["cost", "quality"], "space": [space]})
    reads: list[str] = []
    of_store = SweepStore.results

    def counted(self: SweepStore, evaluators: Mapping[str, str]) -> dict[tuple[str, str], Result]:
        reads.extend(evaluators)
        return of_store(self, evaluators)

    monkeypatch.setattr(SweepStore, "results", counted)
    with closing(SweepStore(tmp_path / "s.sqlite")) as store:
        progress = Sweep(spec, store, Inline(), lambda _: None).run()
        frame = frame_of(store)
    assert sorted(reads) == ["cost", "quality", "timing"]
    assert progress.done == progress.total >= len(frame) > 3
    good = frame[frame["status"] == "ok"]
    assert good[["energy_uj", "quality_kl"]].notna().all(axis=None)
    assert (frame.loc[frame["lanes"] == 3, "status"] == IMPOSSIBLE).all()


@pytest.mark.full
def test_ctrl_c_stops_cleanly(tmp_path: Path) -> None:
    """The whole group gets the signal, workers too, as from a terminal."""
    spec, store = tmp_path / "s.toml", tmp_path / "s.sqlite"
    spec.write_text(SPEC.replace("[10, 20, 30]", "{start = 1, stop = 20000, count = 3000}"))
    command = [sys.executable, "-m", "normq", "sweep", str(spec), "-o", str(store)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        kept = 0
        while kept < 100:
            time.sleep(0.5)
            with closing(sqlite3.connect(store)) as connection, suppress(sqlite3.OperationalError):
                (kept,) = connection.execute("SELECT count(*) FROM results").fetchone()
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=300)  # only a hang takes as long, on loaded cores too
    assert process.returncode == 130
    assert "Traceback" not in told
    for _ in range(100):
        if not running(process.pid):
            break
        time.sleep(0.1)
    assert running(process.pid) == []


def running(group: int) -> list[str]:
    """Processes of a group that are no zombies."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, pgrp = path.read_text().rpartition(")")[2].split()[:3]
            if int(pgrp) == group and state != "Z":
                found.append(path.parent.joinpath("cmdline").read_text())
    return found
