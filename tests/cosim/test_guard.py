"""hmm_guard on the engine: fields of descriptors and records, and no cycle more."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from normq.model.config import AcceleratorConfig, Layout
from normq.model.decoding.bit_engine import BitEngine
from normq.model.decoding.datapath import GoldenDatapath
from normq.model.decoding.engine import EosMode
from normq.model.formats import VectorCode
from normq.model.golden.constants import Operation
from normq.model.golden.vectors import Codes, Vectors
from normq.sim.decoding import SETUP, STEP, EngineDatapath
from normq.sim.edge_descriptors import Edge
from normq.sim.executors import RtlExecutor
from normq.sim.operand import place_vectors
from normq.sim.session import MemoryBehavior
from normq.tests.cosim.edge_cases import EdgeSession, random_edges
from normq.tests.cosim.engine_cases import STALLS, UNEVEN, Session, operands
from normq.tests.cosim.test_decoding import AUTOMATA, LENGTHS, walked
from normq.tests.cosim.test_decoding import CONFIG as GUIDED
from normq.tests.cosim.test_engine_chains import CONFIGS, Step
from normq.tests.cosim.test_other_rows import near
from normq.tests.cosim.timing_cases import TimingSession
from normq.tests.cosim.timing_draws import draw
from normq.tests.model.golden_cases import KINDS, Model, random_model, with_guard, with_rows

CONFIG: AcceleratorConfig = CONFIGS[0]
"""A build that other tests share."""
EOS = 0
GUARDED = (None, *(kind for kind in KINDS if kind not in ("least level", "k-means scale")))
"""hmm_guard refuses a level at index 0."""
STATES, TOKENS = 41, 61
ENDS = (0, 17, STATES - 1)


def guarded(kind: str | None, end: int, density: float = 0.2, bits: int = 4) -> Model:
    model = random_model(STATES, TOKENS, bits, VectorCode(), density, end)
    return with_guard(model if kind is None else with_rows(model, kind), end)


def with_ends(operand: tuple[Vectors, Codes]) -> tuple[Vectors, Codes]:
    """A third of the vectors consume end-of-text."""
    vectors, tokens = operand
    return vectors, np.where(np.arange(tokens.size) % 3 == 1, EOS, tokens).astype(np.uint16)


@pytest.mark.parametrize("config", CONFIGS, ids=["W1", "W4"])
def test_operations(config: AcceleratorConfig, tmp_path: Path) -> None:
    """Lanes of one group consume end-of-text and other tokens; the closed state is the first, the last, or between."""
    session = Session(config)
    for number, kind in enumerate(GUARDED):
        for layout in Layout:
            model = guarded(kind, ENDS[number % 3])
            golden = model.golden(layout)
            image = session.load(golden)
            vectors, tokens = with_ends(operands(model, 12, number))
            for operation in Operation:
                session.add(golden, image, operation, vectors, tokens)
    session.run(tmp_path, STALLS)


@pytest.mark.parametrize(("kind", "layout"), list(zip(GUARDED, (*Layout, *Layout), strict=True)))
def test_products_and_listed_scores(kind: str | None, layout: Layout, tmp_path: Path) -> None:
    """End-of-text in the middle of a list and alone, as any token (`ends`) and where its state counts as 0."""
    model = guarded(kind, ENDS[GUARDED.index(kind) % 3], density=0.06)
    step = Step(CONFIG, model.golden(layout))
    vectors, tokens = with_ends(operands(model, 7, 1))
    factors, vectors = near(operands(model, 7, 2)[0]), near(vectors)
    step.forward(vectors, tokens)
    a, c = place_vectors(step.memory, vectors), place_vectors(step.memory, factors)
    lists = [np.array(tokens, np.uint16) for tokens in ([3, 60, 11, EOS, 4, 32], [EOS], [5, 11])]
    for listed in lists:
        step.scores(a, step.golden.scores(vectors), listed=listed)
    for ends in (False, True):
        expected = step.golden.product_scores(vectors, factors, ends=ends)
        for listed in (*lists, None):
            step.scores(a, expected, second=c, listed=listed, ends=ends)
    step.run(tmp_path, UNEVEN[GUARDED.index(kind) % len(UNEVEN)], chained=True)


def test_edges(tmp_path: Path) -> None:
    """Edges of end-of-text alone, of it and others, of all but it."""
    session = EdgeSession(CONFIG)
    own = [Edge((EOS,)), Edge((EOS, 5)), Edge((EOS,), others=True), Edge((7,), others=True), Edge((9,))]
    for number, kind in enumerate(GUARDED):
        model = guarded(kind, ENDS[number % 3])
        for layout in Layout:
            edges = own + random_edges(np.random.default_rng(number), TOKENS, 6)
            session.add_weights(session.image(model, layout), model, layout, edges)
    session.run(tmp_path, STALLS)


def test_the_guard_costs_no_cycle(tmp_path: Path) -> None:
    """The timing model, which knows no guard, equals every counter."""
    rng = np.random.default_rng(6)
    session = TimingSession(CONFIG)
    for number, kind in enumerate(GUARDED):
        subject = session.subject(guarded(kind, ENDS[number % 3]).golden(list(Layout)[number % 2]).packed, rng)
        session.work += [*subject.image.loads(), *(draw(subject) for _ in range(2))]
    session.compare(tmp_path, MemoryBehavior(17, 5, 0))


def test_guidance_with_end_of_text_an_ordinary_token(tmp_path: Path) -> None:
    """Ctrl-G's reading asks for scores of end-of-text by a list of its own; the executor ends at the first bit."""
    golden = with_guard(random_model(64, 300, 4, VectorCode(), 0.05, 3), 40).golden(Layout.SPARSE)
    execute = RtlExecutor(GUIDED, tmp_path)
    ours, theirs = (
        walked(BitEngine.of(datapath, AUTOMATA, LENGTHS, EosMode.CTRLG, GUIDED.lanes))
        for datapath in (EngineDatapath(golden.packed, GUIDED, execute), GoldenDatapath(golden))
    )
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    assert set(execute.cycles) == {SETUP, STEP}


def test_a_list_names_end_of_text_once() -> None:
    step = Step(CONFIG, guarded(None, 3).golden(Layout.SPARSE))
    vectors = operands(guarded(None, 3), 1, 1)[0]
    with pytest.raises(ValueError, match=r"^listed has end-of-text 2 times, expected once with hmm_guard$"):
        step.image.operation(Operation.SCORES, vectors, listed=np.array([EOS, 5, EOS], np.uint16))
    unguarded = Step(CONFIG, replace(guarded(None, 3), end=None).golden(Layout.SPARSE))
    assert unguarded.image.operation(Operation.SCORES, vectors, listed=np.array([EOS, 5, EOS], np.uint16)).records
