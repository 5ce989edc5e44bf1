"""The engine as a component: cocotbext-axi at both of its ports, every bit golden, every rule of the bus kept."""

from pathlib import Path

import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import VectorCode
from normq.model.golden.constants import Operation
from normq.rtl.operation import Status
from normq.sim.descriptors import Job
from normq.sim.system import SystemBehavior, run_on_system
from normq.tests.cosim.engine_cases import Session, operands
from normq.tests.cosim.test_engine_equality import config, label
from normq.tests.model.golden_cases import random_model

NARROW, WIDE = config(2, 2, 2, 64, 64), config(4, 4, 4, 512, 64)


@pytest.mark.parametrize("shape", [NARROW, WIDE], ids=label)
@pytest.mark.parametrize("pause", [0.0, 0.5])
def test_golden_bits(shape: AcceleratorConfig, pause: float, tmp_path: Path) -> None:
    session = Session(shape)
    for layout in Layout:
        session.add_model(random_model(40, 70, 4, VectorCode(), 0.3), layout, (shape.lanes + 1,))
    outcome = run_on_system(
        shape, session.memory, [(job, SystemBehavior(pause, seed=3)) for job in session.jobs], tmp_path
    )
    assert outcome.statuses == (Status.DONE,) * len(session.jobs)
    for _, check in session.checks:
        check(outcome.dump)


@pytest.mark.parametrize("shape", [NARROW, WIDE], ids=label)
def test_errors_at_random_beats(shape: AcceleratorConfig, tmp_path: Path) -> None:
    """A job with a refused beat ends in BUS_ERROR, one without in DONE, and the good one behind it is right."""
    model = random_model(40, 70, 4, VectorCode(), 0.3)
    golden = model.golden(Layout.SPARSE)
    session = Session(shape)
    image = session.load(golden)
    good = SystemBehavior(0.2, seed=5)
    rate = shape.port_bytes / 1000  # a wide port has fewer beats
    jobs: list[tuple[Job, SystemBehavior]] = [(job, good) for job in session.jobs]
    for round_ in range(6):
        operation = list(Operation)[round_ % 3]
        vectors, tokens = operands(model, shape.lanes + 1, round_)
        faults = SystemBehavior(read_faults=rate) if round_ < 3 else SystemBehavior(write_faults=4 * rate)
        bad = image.operation(operation, vectors, tokens if operation is Operation.FORWARD else None)
        jobs += [(bad, faults), (session.add(golden, image, operation, vectors, tokens), good)]
    outcome = run_on_system(shape, session.memory, jobs, tmp_path)
    expected = tuple(Status.BUS_ERROR if faults else Status.DONE for faults in outcome.faults)
    assert outcome.statuses == expected
    assert expected.count(Status.BUS_ERROR) >= 3
    for _, check in session.checks:
        check(outcome.dump)
