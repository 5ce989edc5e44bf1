"""The native bench: whatever the cocotb bench says of the same jobs, it says too, bit by bit."""

from dataclasses import replace
from pathlib import Path

import pytest

from normq.analysis.bench.rtl import CycleByCycle
from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import VectorCode
from normq.rtl.operation import Status
from normq.rtl.register_map import QUEUE_DEPTH
from normq.sim.bench.top import SETTINGS
from normq.sim.descriptors import Chain, Job
from normq.sim.native.build import NativeSimulator
from normq.sim.native.header import header_text
from normq.sim.plan import Plan
from normq.sim.results import SimulationError
from normq.sim.session import MemoryBehavior, build_native_engine, run_jobs
from normq.tests.cosim.engine_cases import MEMORY_BYTES, STALLS, Session, simulator
from normq.tests.cosim.test_engine_equality import CONFIGS
from normq.tests.model.golden_cases import random_model

SHAPE: AcceleratorConfig = CONFIGS[2]


@pytest.fixture(scope="module")
def native() -> NativeSimulator:
    return build_native_engine(SHAPE, MEMORY_BYTES)


def _session() -> Session:
    session = Session(SHAPE)
    model = random_model(50, 90, 4, VectorCode(), 0.3)
    for layout in Layout:
        session.add_model(model, layout, [1, SHAPE.lanes + 1])
    return session


def _chains(jobs: list[Job]) -> list[Chain]:
    """One job alone, two together, and a chain that the queue cannot hold at once."""
    chains = [Chain("alone", (jobs[0],)), Chain("pair", tuple(jobs[1:3])), Chain("rest", tuple(jobs[3:]))]
    assert len(chains[-1].jobs) > QUEUE_DEPTH
    return chains


@pytest.mark.parametrize("behavior", [MemoryBehavior(), STALLS], ids=["even", "stalls"])
def test_native_equals_cocotb(native: NativeSimulator, behavior: MemoryBehavior, tmp_path: Path) -> None:
    """Dump, counters, status and beats; jobs one by one, so that both start each on an engine at rest."""
    session = _session()
    by_cocotb = run_jobs(simulator(SHAPE), SHAPE, session.memory, session.jobs, tmp_path / "cocotb", behavior)
    by_native = run_jobs(native, SHAPE, session.memory, session.jobs, tmp_path / "native", behavior)
    assert by_native.jobs == by_cocotb.jobs
    assert by_native.dump == by_cocotb.dump
    for _, check in session.checks:
        check(by_native.dump)


def test_chains_end_alike(native: NativeSimulator, tmp_path: Path) -> None:
    """Whatever the queue holds at a time, all jobs run, in order, and counters run over all of a chain."""
    session = _session()
    chains = _chains(session.jobs)
    outcomes = [
        run_jobs(bench, SHAPE, session.memory, chains, tmp_path / name)
        for name, bench in (("cocotb", simulator(SHAPE)), ("native", native))
    ]
    assert outcomes[0].jobs == outcomes[1].jobs
    assert outcomes[0].dump == outcomes[1].dump
    for _, check in session.checks:
        check(outcomes[1].dump)
    for done, chain in zip(outcomes[1].jobs, chains, strict=True):
        assert done.job is chain
        assert done.status is Status.DONE
        assert len(done.completed_at) == len(chain.jobs)
        assert list(done.completed_at) == sorted(done.completed_at)
        assert 0 < done.counters["engine.cycles"] <= done.completed_at[-1]


def test_python_in_every_cycle_changes_nothing_but_speed(tmp_path: Path) -> None:
    session = _session()
    jobs = _chains(session.jobs)
    outcomes = [
        run_jobs(bench, SHAPE, session.memory, jobs, tmp_path / name)
        for name, bench in (("event", simulator(SHAPE)), ("cycle", CycleByCycle(simulator(SHAPE))))
    ]
    assert outcomes[0].dump == outcomes[1].dump
    assert [done.counters for done in outcomes[0].jobs] == [done.counters for done in outcomes[1].jobs]


def test_a_chain_that_takes_too_long_is_an_error(native: NativeSimulator, tmp_path: Path) -> None:
    session = _session()
    with pytest.raises(
        SimulationError, match=r"(?s)^the native bench ended with 1\nnative bench: no interrupt within 50 cycles\n"
    ):
        run_jobs(native, SHAPE, session.memory, session.jobs[:1], tmp_path, limit_cycles=50)


def test_an_input_that_the_design_lacks_is_an_error(native: NativeSimulator, tmp_path: Path) -> None:
    with pytest.raises(
        SimulationError, match=r"(?s)^the native bench ended with 1\nnative bench: the design has no input 'depth'\n"
    ):
        native.run_plan(Plan([], {"depth": 1}, 1), tmp_path, [])


def test_progress_is_reported(native: NativeSimulator, tmp_path: Path) -> None:
    """A run that waits for more than a second says how far it is, and ends when it is interrupted."""
    said: list[tuple[int, float]] = []

    def stop(cycles: int, seconds: float) -> None:
        said.append((cycles, seconds))
        raise KeyboardInterrupt

    hanging = Plan([[1 << 39] * 10_000], {"latency": 65535}, 1 << 40)
    with pytest.raises(KeyboardInterrupt):
        replace(native, report=stop).run_plan(hanging, tmp_path, [])
    assert said[0][0] > 0
    assert said[0][1] >= 1


def test_header_knows_every_setting() -> None:
    text = header_text(SETTINGS)
    assert "constexpr unsigned REGISTER_DOORBELL = 20;" in text
    assert '    if (name == "write_latency") return top.write_latency = value, true;' in text
