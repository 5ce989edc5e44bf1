"""The timing model predicts every counter of the RTL, exactly, whatever is run on whatever memory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import VectorCode
from normq.model.golden.constants import Operation
from normq.sim.memory.dram import PRESETS, Dram
from normq.sim.memory.map import MemoryMap
from normq.sim.session import MemoryBehavior
from normq.sim.timing.predict import TimingError, predict
from normq.tests.cosim.engine_cases import STALLS
from normq.tests.cosim.test_engine_equality import CONFIGS, config, constant, label
from normq.tests.cosim.test_local_memory import CONFIGS as RESIDENT
from normq.tests.cosim.timing_cases import TimingSession, random_behavior, random_dram
from normq.tests.model.golden_cases import Model, random_model

FULL = (
    *CONFIGS,
    replace(config(8, 32, 4, 512, 512), local_bytes=1 << 18),
    replace(config(2, 64, 8, 256, 64), outstanding_reads=64, stream_buffer_bytes=32768),
    replace(config(1, 8, 2, 64, 256), outstanding_reads=1, stream_buffer_bytes=512, local_bytes=1 << 16),
    replace(config(4, 1, 8, 128, 128), outstanding_reads=3, stream_buffer_bytes=1024, local_bytes=1 << 20),
    replace(config(4, 16, 4, 512, 512), outstanding_reads=16, stream_buffer_bytes=65536, local_bytes=1 << 20),
    replace(config(2, 2, 2, 64), outstanding_reads=5, stream_buffer_bytes=2048, local_bytes=1 << 14),
)
"""The ring of score records is short in the sixth, a row of it wider and narrower than a beat in the others. Few bursts
and many under way, short and long buffers, and memories on chip into which all of a model fits, some, or little."""


@pytest.mark.parametrize("shape", CONFIGS, ids=label)
def test_equals_rtl(shape: AcceleratorConfig, tmp_path: Path) -> None:
    rng = np.random.default_rng([7, CONFIGS.index(shape)])
    session = TimingSession(shape)
    for _ in range(12):
        session.add_random(rng)
    session.compare(tmp_path, random_behavior(rng))


@pytest.mark.parametrize("shape", RESIDENT, ids=label)
def test_equals_rtl_with_local_memory(shape: AcceleratorConfig, tmp_path: Path) -> None:
    """Weights, operands and results are on either side of the readers, as drawn."""
    rng = np.random.default_rng([13, RESIDENT.index(shape)])
    session = TimingSession(shape)
    for _ in range(8):
        session.add_random(rng)
    outcome = session.compare(tmp_path, random_behavior(rng))
    for counter in ("local.weights", "local.vectors", "local.written"):
        assert sum(done.counters[counter] for done in outcome.jobs) > 0


@pytest.mark.parametrize(
    ("outstanding", "buffer"),
    [
        (1, 4096),
        (2, 512),
        pytest.param(3, 1024, marks=pytest.mark.full),
        pytest.param(64, 65536, marks=pytest.mark.full),
    ],
)
def test_outstanding_reads(outstanding: int, buffer: int, tmp_path: Path) -> None:
    """Equal with few and many bursts under way; a long way to the memory then bounds the reading."""
    shape = replace(config(2, 2, 2, 256), outstanding_reads=outstanding, stream_buffer_bytes=buffer)
    rng = np.random.default_rng([11, outstanding])
    session = TimingSession(shape)
    for _ in range(4):
        session.add_random(rng)
    session.add(random_model(100, 203, 5, VectorCode(), 0.4), Layout.SPARSE, Operation.FORWARD, 5, rng)
    behavior = MemoryBehavior(150, 20, 0)
    session.compare(tmp_path, behavior)
    counters = predict(shape, session.memory, session.work[-1].descriptors, behavior).counters
    bursts = counters["read.weights"] // 256
    if outstanding == 1:
        assert counters["engine.cycles"] > 150 * bursts
    else:
        assert counters["engine.cycles"] < 150 * bursts


def add_with_scores(session: TimingSession, rng: np.random.Generator) -> None:
    """Something of everything, results for the whole vocabulary included, so that reads and writes mix."""
    session.add_random(rng)
    session.add(random_model(100, 300, 4, VectorCode(), 0.3, 5), Layout.SPARSE, Operation.SCORES, 9, rng)


@pytest.mark.parametrize("preset", PRESETS)
def test_equals_rtl_with_dram(preset: str, tmp_path: Path) -> None:
    """As each kind of memory comes, and two channels of it behind a slower engine."""
    rng = np.random.default_rng([11, len(preset)])
    timings = PRESETS[preset]
    session = TimingSession(CONFIGS[2])
    add_with_scores(session, rng)
    for number, dram in enumerate((Dram(timings, timings.channels), Dram(timings, 2, 1024, 333))):
        session.compare(tmp_path / str(number), MemoryBehavior(12, 5, 0, dram=dram))


@pytest.mark.parametrize("shape", CONFIGS[1:4], ids=label)
def test_equals_rtl_with_any_dram(shape: AcceleratorConfig, tmp_path: Path) -> None:
    """Random organizations and timings."""
    rng = np.random.default_rng([12, CONFIGS.index(shape)])
    session = TimingSession(shape)
    for _ in range(2):
        add_with_scores(session, rng)
    for number in range(3):
        session.compare(tmp_path / str(number), replace(random_behavior(rng), dram=random_dram(rng)))


def full_ring() -> Model:
    """Outputs of one entry side by side: score records come faster than they are written."""
    beta = np.zeros((100, 1000), np.uint8)
    beta[np.arange(1000) % 100, np.arange(1000)] = 1 + np.arange(1000) % 63
    unlike = constant(100, 1000, 6, 1, 0)
    return Model(unlike.alpha, beta, unlike.gamma, 6, VectorCode())


def test_results_back_up(tmp_path: Path) -> None:
    """Gather waits for the writer, the writer for the memory."""
    rng = np.random.default_rng(3)
    session = TimingSession(CONFIGS[3])
    session.add(full_ring(), Layout.SPARSE, Operation.SCORES, 20, rng)
    behavior = MemoryBehavior(30, 700, 0)
    session.compare(tmp_path, behavior)
    counters = predict(session.config, session.memory, session.work[-1].descriptors, behavior).counters
    assert counters["gather.stall_output"] > 100


def test_random_stalls_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^the timing model knows no random stalls, got \{'ar_stall': 90, "):
        predict(CONFIGS[0], MemoryMap(), (0,), STALLS)


def test_limit(tmp_path: Path) -> None:
    session = TimingSession(CONFIGS[0])
    session.add(random_model(9, 9, 3, VectorCode(), 0.5), Layout.DENSE, Operation.SCORES, 1, np.random.default_rng(1))
    chain = session.work[-1].descriptors
    with pytest.raises(TimingError, match=f"^1 descriptors from {chain[0]:#x} on have not ended after 100 cycles$"):
        predict(session.config, session.memory, chain, MemoryBehavior(), 100)


@pytest.mark.full
@pytest.mark.parametrize("shape", FULL, ids=label)
def test_equals_rtl_everywhere(shape: AcceleratorConfig, tmp_path: Path) -> None:
    """25 random settings on each build, five memories, and a model with the statistics of distilled ones."""
    rng = np.random.default_rng([8, FULL.index(shape)])
    for turn in range(5):
        session = TimingSession(shape)
        for _ in range(5):
            session.add_random(rng)
        behavior = random_behavior(rng)
        session.compare(tmp_path / f"turn{turn}", behavior)
        session.compare(tmp_path / f"dram{turn}", replace(behavior, dram=random_dram(rng)))
    session = TimingSession(shape)
    for layout in Layout:
        session.add_synthetic(min(shape.hidden_capacity, 256), 500, 4, layout, rng)
    session.compare(tmp_path / "synthetic", MemoryBehavior())
