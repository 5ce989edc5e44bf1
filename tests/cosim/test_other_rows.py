"""Methods beside Norm-Q on the engine: 12-bit levels, leaks of any size or none, rows not normalized, empty rows.

Nothing of them is built in: codebooks, constants and maps are all that differs.
"""

from pathlib import Path

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import ZERO_EXPONENT, VectorCode
from normq.model.golden.constants import Operation
from normq.model.golden.vectors import Vectors
from normq.sim.descriptors import EMISSION_SLOT
from normq.sim.operand import place_vectors
from normq.sim.session import MemoryBehavior
from normq.tests.cosim.edge_cases import EdgeSession, random_edges
from normq.tests.cosim.engine_cases import STALLS, UNEVEN, Session, operands
from normq.tests.cosim.test_engine_chains import CONFIGS, TOKENS, Step
from normq.tests.cosim.timing_cases import TimingSession
from normq.tests.cosim.timing_draws import draw
from normq.tests.model.golden_cases import KINDS, Model, random_model, with_rows

CONFIG: AcceleratorConfig = CONFIGS[0]
"""A build that other tests share."""


def model_of(kind: str, bits: int = 4, density: float = 0.2) -> Model:
    return with_rows(random_model(41, 61, bits, VectorCode(), density, KINDS.index(kind)), kind)


def test_operations_of_every_kind(tmp_path: Path) -> None:
    session = Session(CONFIG)
    for number, kind in enumerate(KINDS):
        for layout in Layout:
            session.add_model(model_of(kind, 2 + number), layout, (12,), number)
    session.run(tmp_path, STALLS)


def near(vectors: Vectors) -> Vectors:
    """The same codes under exponents whose products stay in range."""
    return Vectors(vectors.codes, np.where(vectors.exponents == ZERO_EXPONENT, ZERO_EXPONENT, vectors.exponents // 2))


@pytest.mark.parametrize("kind", KINDS)
def test_products_and_listed_scores(kind: str, tmp_path: Path) -> None:
    model = model_of(kind, density=0.06)
    step = Step(CONFIG, model.golden(Layout.SPARSE))
    vectors, tokens = operands(model, 7, 1)
    factors = near(operands(model, 7, 2)[0])
    vectors = near(vectors)
    step.forward(vectors, tokens)
    a, c = place_vectors(step.memory, vectors), place_vectors(step.memory, factors)
    step.scores(a, step.golden.scores(vectors), listed=TOKENS)
    step.scores(a, step.golden.product_scores(vectors, factors), second=c)
    step.scores(a, step.golden.product_scores(vectors, factors), second=c, listed=TOKENS)
    step.run(tmp_path, UNEVEN[KINDS.index(kind) % len(UNEVEN)], chained=True)


def test_edges_of_every_kind(tmp_path: Path) -> None:
    session = EdgeSession(CONFIG)
    for number, kind in enumerate(KINDS):
        model = model_of(kind)
        for layout in Layout:
            image = session.image(model, layout)
            session.add_weights(image, model, layout, random_edges(np.random.default_rng(number), 61, 6))
    session.run(tmp_path, STALLS)


def test_time_does_not_depend_on_the_kind(tmp_path: Path) -> None:
    """The timing model, which knows no kinds, equals every counter, the third codebook included."""
    rng = np.random.default_rng(5)
    session = TimingSession(CONFIG)
    for number, kind in enumerate(KINDS):
        subject = session.subject(model_of(kind).golden(list(Layout)[number % 2]).packed, rng)
        session.work += [*subject.loads, *(draw(subject) for _ in range(2))]
    session.compare(tmp_path, MemoryBehavior(17, 5, 0))


def test_whole_levels_are_loaded_only_where_they_differ() -> None:
    """Norm-Q's loads stay the four they were."""
    for kind, count in (("codebook", 4), ("least level", 5)):
        step = Step(CONFIG, model_of(kind).golden(Layout.SPARSE))
        assert len(step.loads) == count
    assert EMISSION_SLOT == 2
    assert step.image.operation(Operation.FORWARD, *operands(model_of("least level"), 1, 1)).operation
