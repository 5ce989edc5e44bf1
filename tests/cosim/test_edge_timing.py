"""The timing model predicts every counter of edge descriptors, exactly, whatever is run on whatever memory."""

from pathlib import Path

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.sim.descriptors import Chain
from normq.sim.memory.dram import DDR4_3200, Dram
from normq.sim.session import MemoryBehavior
from normq.sim.timing.predict import predict
from normq.tests.cosim.edge_cases import EdgeSession
from normq.tests.cosim.test_edges import CUT, session_of
from normq.tests.cosim.test_engine_equality import CONFIGS, label
from normq.tests.cosim.timing_cases import TimingSession, random_behavior
from normq.tests.cosim.timing_draws import backward, copied, edge_sums, edge_weights, forward, product_scores, scores
from normq.tests.model.golden_cases import random_model


def compare(session: EdgeSession, folder: Path, behavior: MemoryBehavior) -> None:
    """Every counter of every edge descriptor."""
    outcome = session.run(folder, behavior)
    for number in session.expected:
        done = outcome.jobs[number]
        found = predict(session.config, session.memory, done.job.descriptors, behavior).counters
        assert (number, done.job.name, behavior, found) == (number, done.job.name, behavior, done.counters)


@pytest.mark.parametrize("shape", CONFIGS, ids=label)
def test_equals_rtl(shape: AcceleratorConfig, tmp_path: Path) -> None:
    seed = CONFIGS.index(shape)
    compare(session_of(shape, seed + 2, 2), tmp_path, random_behavior(np.random.default_rng(seed)))


@pytest.mark.parametrize("dram", [None, Dram(DDR4_3200, 2)], ids=["plain", "dram"])
def test_edges_in_a_chain(dram: Dram | None, tmp_path: Path) -> None:
    """Among other descriptors: fetched while those before run, at work once they are over."""
    rng = np.random.default_rng(4)
    session = TimingSession(CONFIGS[2])
    subject = session.subject(random_model(100, 77, 4, CONFIGS[2].code, 0.2).golden(Layout.SPARSE).packed, rng)
    kinds = (forward, edge_weights, scores, edge_sums, edge_weights, copied, backward, product_scores, edge_sums)
    jobs = (*subject.loads, *(kind(subject, 6, False) for kind in kinds))
    session.work = [Chain("with edges", jobs)]
    behavior = MemoryBehavior(30, 10, 0, dram=dram)
    (done,) = session.compare(tmp_path, behavior).jobs
    alone = [predict(session.config, session.memory, job.descriptors, behavior).counters for job in jobs]
    assert sum(counters["edges.cycles"] for counters in alone) > 0
    assert done.counters["engine.cycles"] < sum(counters["engine.cycles"] for counters in alone)


def test_unanswered_results(tmp_path: Path) -> None:
    """Vectors of one element follow each other faster than the memory answers their writes: nothing waits for it."""
    compare(session_of(CONFIGS[2], 18, 1), tmp_path, MemoryBehavior(7, 300, 0))


@pytest.mark.full
@pytest.mark.parametrize("shape", [*CONFIGS, CUT], ids=label)
def test_equals_rtl_everywhere(shape: AcceleratorConfig, tmp_path: Path) -> None:
    """Every size on every build, five memories."""
    rng = np.random.default_rng([9, shape.port_bits])
    for turn in range(5):
        compare(session_of(shape, 10 + 2 * turn, 2), tmp_path / f"turn{turn}", random_behavior(rng))
