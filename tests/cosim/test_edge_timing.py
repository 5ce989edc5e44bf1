"""The timing model predicts every counter of edge descriptors, exactly, whatever is run on whatever memory."""

from pathlib import Path

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig
from normq.sim.session import MemoryBehavior
from normq.sim.timing.predict import predict
from normq.tests.cosim.edge_cases import EdgeSession
from normq.tests.cosim.test_edges import CUT, session_of
from normq.tests.cosim.test_engine_equality import CONFIGS, label
from normq.tests.cosim.timing_cases import random_behavior


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


@pytest.mark.full
@pytest.mark.parametrize("shape", [*CONFIGS, CUT], ids=label)
def test_equals_rtl_everywhere(shape: AcceleratorConfig, tmp_path: Path) -> None:
    """Every size on every build, five memories."""
    rng = np.random.default_rng([9, shape.port_bits])
    for turn in range(5):
        compare(session_of(shape, 10 + 2 * turn, 2), tmp_path / f"turn{turn}", random_behavior(rng))
