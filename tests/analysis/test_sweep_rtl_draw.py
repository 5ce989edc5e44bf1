"""Which points RTL runs beside the timing model, and what a sweep says of them; evaluators are stand-ins."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from normq.analysis.commands.app import app
from normq.analysis.sweep import rtl
from normq.analysis.sweep.evaluators import EVALUATORS, Known
from normq.analysis.sweep.point import DesignPoint, ImpossiblePointError
from normq.analysis.sweep.rtl import CountersDifferError, evaluate_rtl
from normq.analysis.sweep.timing import Fields, evaluate_timing
from normq.analysis.sweep.workload import place
from normq.rtl.operation import Status
from normq.sim.session import JobOutcome, Outcome
from normq.sim.timing.predict import predict

SPEC = """
evaluators = ["timing"]
[[space]]
[space.point]
hidden_states = 64
lanes = [3, 4]                   # three lanes cannot be
latency = {latencies}
node = ["nangate45", "asap7"]    # which RTL knows nothing of, nor of clocks
clock_mhz = [200, 400, 600]
[rtl]
count = {count}
"""
WARNING = (
    "warning: rtl.count: {} given, {} points could be drawn, expected as many that the timing model finds possible, "
    "that are different runs of the engine, and that have hidden_states <= 1024 and lanes <= 16"
)


def timed(point: DesignPoint, known: Known) -> Fields:
    if point.lanes == 3:
        raise ImpossiblePointError("lanes")
    return {"cycles": point.latency, "latency_us": point.latency / point.clock_mhz}


def ran(point: DesignPoint, known: Known) -> Fields:
    if point.latency == 99:
        raise CountersDifferError("cycles: RTL 1, timing model 99, expected the same")
    return known["timing"]


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, stand_in in (("timing", timed), ("rtl", ran)):
        monkeypatch.setitem(EVALUATORS, name, replace(EVALUATORS[name], evaluate=stand_in))


def given(answer: object, *arguments: object) -> object:
    """In place of a function: the answer, whatever it is asked."""
    return answer


def swept(folder: Path, spec: str) -> tuple[Result, pd.DataFrame]:
    """A sweep, and those of its rows that RTL ran."""
    (folder / "s.toml").write_text(spec)
    arguments = [str(folder / "s.toml"), "--workers", "0", "--parquet", str(folder / "s.parquet")]
    result = CliRunner().invoke(app, ["sweep", *arguments])
    frame = pd.read_parquet(folder / "s.parquet")
    return result, frame[frame["source"] == "RTL"]


def test_rtl_runs_possible_points_that_differ_for_it(tmp_path: Path) -> None:
    spec = SPEC.format(latencies=[10, 20, 30, 40], count=3)
    result, rows = swept(tmp_path, spec)
    assert result.exit_code == 0, result.output
    assert (set(rows["lanes"]), set(rows["status"])) == ({4}, {"ok"})
    assert rows["latency"].nunique() == len(rows) == 3
    assert "s.sqlite: 48 points, 0 of them known before, 24 impossible, 0 failed" in result.output
    assert "RTL ran 3 of 3 asked points, all counters as the timing model's" in result.output
    assert "warning" not in result.output


def test_another_order_or_a_second_run_draws_the_same(tmp_path: Path) -> None:
    _, first = swept(tmp_path, SPEC.format(latencies=[10, 20, 30, 40], count=3))
    (tmp_path / "other").mkdir()
    _, other = swept(tmp_path / "other", SPEC.format(latencies=[40, 30, 20, 10], count=3))
    again, resumed = swept(tmp_path, SPEC.format(latencies=[10, 20, 30, 40], count=3))
    assert "48 points, 48 of them known before" in again.output
    assert "RTL ran 3 of 3 asked points" in again.output
    columns = ["latency", "node", "clock_mhz"]
    assert first[columns].to_numpy().tolist() == other[columns].to_numpy().tolist()
    assert first[columns].to_numpy().tolist() == resumed[columns].to_numpy().tolist()


def test_fewer_points_than_asked_for_are_told(tmp_path: Path) -> None:
    result, rows = swept(tmp_path, SPEC.format(latencies=[10, 20], count=3))
    assert (result.exit_code, len(rows)) == (0, 2)
    assert "RTL ran 2 of 3 asked points, all counters as the timing model's\n" in result.output
    assert WARNING.format(3, 2) in result.output


def test_a_sweep_that_rtl_checks_nothing_of_says_so(tmp_path: Path) -> None:
    result, rows = swept(tmp_path, SPEC.format(latencies=[10], count=2).replace("64", "4096"))
    assert (result.exit_code, len(rows)) == (0, 0)
    assert "RTL ran 0 of 2 asked points\n" in result.output
    assert WARNING.format(2, 0) in result.output


def test_points_that_differ_are_not_among_those_that_agree(tmp_path: Path) -> None:
    result, rows = swept(tmp_path, SPEC.format(latencies=[10, 99], count=2))
    assert (result.exit_code, sorted(rows["status"])) == (1, ["failed", "ok"])
    assert "RTL ran 1 of 2 asked points, all counters as the timing model's; 1 failed\n" in result.output


def test_a_search_adds_no_more_than_is_missing(tmp_path: Path) -> None:
    search = """
    [[space]]
    search = "nsga2"
    count = 20
    population = 10
    objectives = {latency_us = "min"}
    [space.point]
    hidden_states = 64
    lanes = [3, 4]
    latency = [30, 40, 50, 60, 70]
    """
    result, rows = swept(tmp_path, SPEC.format(latencies=[10, 20], count=3) + search)
    assert "RTL ran 3 of 3 asked points" in result.output
    assert {10, 20} < set(rows["latency"])
    assert len(rows) == 3


def test_rows_of_rtl_leave_the_cycles_of_phases_to_the_timing_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator is one that counts as the timing model does."""
    point = DesignPoint(hidden_states=64, vocab_size=300, beams=6, keywords=2, lanes=4)
    placed = place(point)
    counted = predict(placed.config, placed.memory, placed.step.chain.descriptors, point.behavior())
    done = JobOutcome(placed.step.chain, Status.DONE, counted.completed_at, counted.counters, 0, 0, counted.dram)
    answers = {"build_native_engine": None, "run_jobs": Outcome((done,), b"", 0.0)}
    for name, answer in answers.items():
        monkeypatch.setattr(rtl, name, partial(given, answer))
    timing = evaluate_timing(point)
    found = evaluate_rtl(point, timing)
    phases = {"cycles_forward", "cycles_denominators", "cycles_numerators", "cycles_listed"}
    assert {name for name, value in found.items() if value is None} == phases
    assert {name for name in found if found[name] != timing[name]} == {*phases, "source"}
