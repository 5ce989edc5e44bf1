"""row_mass_leak on an engine built for it: leaks of rows in LEAK, emissions, backward and edge weights."""

from dataclasses import replace
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.model.errors import EngineError
from normq.model.formats import VectorCode
from normq.model.golden.constants import Operation
from normq.rtl.operation import Status
from normq.sim.edge_descriptors import Edge
from normq.sim.operand import place_vectors
from normq.sim.row_leaks import EdgeLevels
from normq.sim.session import MemoryBehavior, run_jobs
from normq.tests.cosim.edge_cases import EdgeSession, random_edges
from normq.tests.cosim.engine_cases import LIMIT_CYCLES, STALLS, UNEVEN, Session, operands, simulator
from normq.tests.cosim.test_edge_timing import compare
from normq.tests.cosim.test_engine_chains import CONFIGS, Step
from normq.tests.cosim.test_guard import EOS, STATES, TOKENS, guarded, with_ends
from normq.tests.cosim.test_other_rows import near
from normq.tests.cosim.timing_cases import TimingSession
from normq.tests.cosim.timing_draws import draw
from normq.tests.model.golden_cases import Model, Rows, random_model, with_row_leaks, with_rows
from normq.tests.model.oracle import row_leak

BUILDS = tuple(replace(config, row_leaks=True) for config in CONFIGS)
CONFIG: AcceleratorConfig = BUILDS[0]


def models(density: float = 0.2) -> list[Model]:
    """Norm-Q, a codebook above 0, empty rows, each with hmm_guard and without, and leaks of one tensor only."""
    plain = random_model(STATES, TOKENS, 4, VectorCode(), density, 1)
    both = with_row_leaks(plain, 2)
    alpha, beta, gamma = both.rows
    return [
        both,
        with_row_leaks(with_rows(plain, "least level"), 3),
        with_row_leaks(with_rows(plain, "empty rows"), 4),
        with_row_leaks(guarded(None, 17, density), 5),
        with_row_leaks(guarded("empty rows", STATES - 1, density), 6),
        replace(both, rows=(alpha, Rows(), gamma)),
        replace(both, rows=(Rows(), beta, gamma)),
        plain,
    ]


@pytest.mark.parametrize("config", BUILDS, ids=["W1", "W4"])
def test_operations(config: AcceleratorConfig, tmp_path: Path) -> None:
    session = Session(config)
    for number, model in enumerate(models()):
        for layout in Layout:
            golden = model.golden(layout)
            image = session.load(golden)
            vectors, tokens = with_ends(operands(model, 12, number))
            for operation in Operation:
                session.add(golden, image, operation, vectors, tokens)
    session.run(tmp_path, STALLS)


def test_many_inputs_and_few(tmp_path: Path) -> None:
    """Fix values lose low bits from 9 inputs on (Gr > 0); lists longer than a block, one state alone."""
    session = Session(CONFIG)
    for hidden, vocab in ((1, 2), (2, 3), (8, 70), (9, 70), (128, 9), (100, 300)):
        model = with_row_leaks(random_model(hidden, vocab, 3, VectorCode(), 0.3, hidden), hidden)
        session.add_model(model, Layout.SPARSE, (5,), hidden)
    session.run(tmp_path)


@pytest.mark.parametrize("number", [0, 3])
def test_products_and_listed_scores(number: int, tmp_path: Path) -> None:
    model = models(0.06)[number]
    step = Step(CONFIG, model.golden(list(Layout)[number % 2]))
    vectors, tokens = with_ends(operands(model, 7, 1))
    factors, vectors = near(operands(model, 7, 2)[0]), near(vectors)
    step.forward(vectors, tokens)
    a, c = place_vectors(step.memory, vectors), place_vectors(step.memory, factors)
    listed = np.array([3, 60, 11, EOS, 4, 32], np.uint16)
    step.scores(a, step.golden.scores(vectors), listed=listed)
    for ends in (False, True):
        expected = step.golden.product_scores(vectors, factors, ends=ends)
        step.scores(a, expected, second=c, ends=ends)
        step.scores(a, expected, second=c, listed=listed, ends=ends)
    step.run(tmp_path, UNEVEN[number], chained=True)


@pytest.mark.parametrize("config", BUILDS, ids=["W1", "W4"])
def test_edges(config: AcceleratorConfig, tmp_path: Path) -> None:
    """Every bit golden's, every counter the timing model's: a pass takes three cycles more."""
    session = EdgeSession(config)
    own = [Edge((EOS,)), Edge((EOS, 5)), Edge((EOS,), others=True), Edge((7,), others=True), Edge((9,))]
    for number, model in enumerate(models()):
        for layout in Layout:
            edges = own + random_edges(np.random.default_rng(number), TOKENS, 4)
            session.add_weights(session.image(model, layout), model, layout, edges)
    compare(session, tmp_path, MemoryBehavior(9, 4, 1))


@pytest.mark.parametrize("columns", [1, 2, 3, 61, 300, 4095, 4096, 4097, 50257, 131071, 1 << 20])
def test_the_inverse_rounds_as_the_quotient_does(columns: int) -> None:
    """Every leak code."""
    levels = EdgeLevels.of(columns)
    for code in range(256):
        exact = Fraction(2**30 * row_leak(code), columns)
        assert levels.level(code) == floor(exact + Fraction(1, 2)), code
    assert levels.inverse < 1 << 52
    assert levels.shift < 1 << 6


def test_time_is_that_of_the_timing_model(tmp_path: Path) -> None:
    """A table more for each LOAD_ROWS with leaks; operations take what they take without."""
    rng = np.random.default_rng(6)
    session = TimingSession(CONFIG)
    for number, model in enumerate(models()):
        subject = session.subject(model.golden(list(Layout)[number % 2]).packed, rng)
        session.work += [*subject.image.loads(), *(draw(subject) for _ in range(2))]
    session.compare(tmp_path, MemoryBehavior(17, 5, 0))


def test_a_build_without_row_leaks_refuses_them(tmp_path: Path) -> None:
    """The host by name; the engine, should the host not, by its status."""
    golden = models()[0].golden(Layout.SPARSE)
    step = Step(CONFIG, golden)
    vectors, tokens = operands(models()[0], 3, 1)
    step.forward(vectors, tokens)
    plain = CONFIGS[0]
    message = r"^alpha: has a leak for each row \(row_mass_leak\), expected an engine with row_leaks$"
    with pytest.raises(EngineError, match=message):
        Step(plain, golden)
    jobs = [*step.loads, *step.jobs]
    outcome = run_jobs(simulator(plain), plain, step.memory, jobs, tmp_path, None, LIMIT_CYCLES)
    found = {done.job.name: done.status for done in outcome.jobs}
    assert found["load alpha rows"] == found["load beta rows"] == found["forward of 3"] == Status.BAD_FORMAT
