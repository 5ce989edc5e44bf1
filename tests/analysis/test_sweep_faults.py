"""What goes wrong in a sweep: a point, a worker, the scheduler, an option. Each is told in a line, the rest stays."""

import re
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import dask.config
import pytest
from typer.testing import CliRunner

from normq.analysis.commands.app import app
from normq.analysis.sweep.engine import DaskEngine, LostWorkersError, engine
from normq.analysis.sweep.evaluators import EVALUATORS, FAILED, OK, Known, evaluate
from normq.analysis.sweep.plan import Inline, Task, missing_tasks
from normq.analysis.sweep.point import DesignPoint
from normq.analysis.sweep.run import Sweep
from normq.analysis.sweep.spec import Space, SweepSpec
from normq.analysis.sweep.store import SweepStore
from normq.analysis.sweep.table import frame_of
from normq.analysis.sweep.timing import Fields
from normq.model.errors import OptionError
from normq.sim.results import SimulationError
from normq.tests.analysis import sweep_killer

SMALL = DesignPoint(hidden_states=64, vocab_size=300, beams=6, keywords=2, lanes=4)
SPEC = """
[[space]]
[space.point]
lanes = 4
"""


@pytest.mark.parametrize("error", [KeyError("gone"), MemoryError("two\nlines")])
def test_whatever_an_evaluator_raises_is_a_failed_row_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(point: DesignPoint, known: Known) -> Fields:
        if point.latency == 20:
            raise error
        return {"cycles_setup": point.latency}

    monkeypatch.setitem(EVALUATORS, "setup", replace(EVALUATORS["setup"], evaluate=broken))
    space = Space(point={"latency": [10, 20, 30]})
    with closing(SweepStore(tmp_path / "s.sqlite")) as store:
        progress = Sweep(SweepSpec(evaluators=("setup",), space=(space,)), store, Inline(), lambda _: None).run()
        frame = frame_of(store)
    assert (progress.done, progress.failed) == (3, 1)
    assert frame["status"].tolist() == [OK, FAILED, OK]
    message = " ".join(str(error).split())
    told = rf"{type(error).__name__}: {message} \(test_sweep_faults.py:\d+\)"
    assert re.fullmatch(told, frame["reason"][1])


def test_a_single_point_that_fails_is_no_fault_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(point: DesignPoint, known: Known) -> Fields:
        raise KeyError("gone")

    monkeypatch.setitem(EVALUATORS, "timing", replace(EVALUATORS["timing"], evaluate=broken))
    failed = CliRunner().invoke(app, ["point", "hidden_states=64", "vocab_size=300"]).exception
    assert isinstance(failed, SimulationError)
    assert re.fullmatch(r"timing: failed: KeyError: 'gone' \(test_sweep_faults.py:\d+\)", str(failed))


def test_ctrl_c_is_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(point: DesignPoint, known: Known) -> Fields:
        raise KeyboardInterrupt

    monkeypatch.setitem(EVALUATORS, "setup", replace(EVALUATORS["setup"], evaluate=interrupted))
    with pytest.raises(KeyboardInterrupt):
        evaluate(SMALL, "setup", {})


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--output", "none/s.sqlite"], "--output: none/s.sqlite cannot be written, none is no folder"),
        (["--parquet", "none/s.parquet"], "--parquet: none/s.parquet cannot be written, none is no folder"),
        (["--parquet", "."], "--parquet: . cannot be written, it is a folder"),
        (["--parquet", "./s.sqlite"], "--parquet: s.sqlite is the store, expected another file"),
        (["--scheduler", "tcp://127.0.0.1:1"], "--scheduler: 'tcp://127.0.0.1:1' given, no Dask scheduler answers"),
        (["--scheduler", "nonsense"], "--scheduler: 'nonsense' given, no Dask scheduler answers"),
    ],
)
def test_options_that_cannot_work_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: list[str], message: str
) -> None:
    monkeypatch.setattr("normq.analysis.sweep.engine.CONNECT_SECONDS", 0.2)
    monkeypatch.chdir(tmp_path)
    Path("s.toml").write_text(SPEC)
    result = CliRunner().invoke(app, ["sweep", "s.toml", "--workers", "0", *option])
    assert isinstance(result.exception, OptionError)
    assert str(result.exception)[: len(message)] == message
    assert [path.name for path in tmp_path.iterdir()] == ["s.toml"]


def test_an_address_without_a_scheduler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("normq.analysis.sweep.engine.CONNECT_SECONDS", 0.2)
    with (
        pytest.raises(OptionError, match=r"^--scheduler: 'tcp://127.0.0.1:1' given, no Dask scheduler answers there"),
        engine(0, "tcp://127.0.0.1:1"),
    ):
        pass


def test_a_killed_worker_is_told_with_the_points_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("normq.analysis.sweep.engine.run_chunk", sweep_killer.run_chunk)
    tasks = missing_tasks([SMALL, replace(SMALL, lanes=8)], ("timing",), {})
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        engine(1, None) as own,
        pytest.raises(
            LostWorkersError,
            match=r"^workers: 1 died, as for want of memory, while hidden_states=64 vocab_size=300 "
            r"beams=6 keywords=2 lanes=4 and 1 more were under way; what was answered before is stored, and the same "
            r"command goes on from there; fewer --workers leave more memory to each$",
        ),
    ):
        list(own.answers([tasks], {}))


class CutClient:
    """A client that has lost its scheduler: it stands for its own futures."""

    def submit(self, *arguments: object, **options: object) -> Self:
        return self

    def cancel(self, futures: object, force: bool) -> None:
        pass

    def result(self) -> None:
        raise CancelledError("scheduler-connection-lost")


def test_a_lost_scheduler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("normq.analysis.sweep.engine.as_completed", list)
    client: Any = CutClient()
    with pytest.raises(LostWorkersError, match=r"^--scheduler: the connection was lost; what was answered before is"):
        list(DaskEngine(client).answers([[Task(SMALL, ("timing",), {})]], {}))
