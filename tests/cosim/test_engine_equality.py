"""Every code, exponent and score of the RTL equals the golden model's, bit for bit, however the memory behaves."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import cycle, product
from pathlib import Path

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import VectorCode
from normq.model.golden.constants import Operation
from normq.model.golden.operations import GoldenModel
from normq.model.quantize.tensor import QuantizedHMM
from normq.model.synthetic import synthetic_levels
from normq.sim.memory.map import CorruptedMemoryError
from normq.sim.session import MemoryBehavior
from normq.tests.cosim.engine_cases import AT_ONCE, SLOW, STALLS, UNEVEN, Session, operands
from normq.tests.model.golden_cases import Levels, Model, random_model, with_rows

DEFAULT = VectorCode()
CAPACITY = 128
SIZES = ((24, 61), (50, 128), (100, 77), (64, 203), (33, 5), (128, 65), (7, 300))
DENSITIES = (0.04, 0.3, 0.75)


def config(entries: int, lanes: int, elements: int, port_bits: int, capacity: int = CAPACITY) -> AcceleratorConfig:
    return AcceleratorConfig(entries, lanes, elements, port_bits, hidden_capacity=capacity)


CONFIGS = (
    config(1, 1, 1, 256),
    config(2, 4, 1, 64),
    config(4, 4, 4, 512),
    config(4, 16, 4, 128),
    config(8, 2, 8, 512, 4096),
)
"""With them a row of score records is narrower than a beat, as wide, and wider."""

NARROW = replace(
    config(2, 2, 2, 128),
    code=VectorCode(4, 8),
    layouts=frozenset({Layout.SPARSE}),
    least_index_bits=4,
    greatest_index_bits=6,
)
"""Built for less: one layout, three index widths, codes of 11 bits."""


def label(value: AcceleratorConfig | MemoryBehavior) -> str:
    if isinstance(value, AcceleratorConfig):
        return f"S{value.entries_per_cycle}P{value.lanes}W{value.elements_per_cycle}-{value.port_bits}"
    return "-".join(str(part) for part in (value.latency, value.stall_seed))


def batches(lanes: int) -> tuple[int, ...]:
    """Lanes unused, one group alone, three groups with the last one nearly empty, one vector."""
    return (max(1, lanes - 1), lanes, 2 * lanes + 1, 1)


def constant(hidden: int, vocab: int, bits: int, alpha: int, beta: int) -> Model:
    """Every level the same."""
    gamma = np.ones((1, hidden), np.uint8)
    return Model(
        np.full((hidden, hidden), alpha, np.uint8), np.full((hidden, vocab), beta, np.uint8), gamma, bits, DEFAULT
    )


def sparse_rows(hidden: int, vocab: int, bits: int) -> Model:
    """Outputs of one entry side by side, then one longer than a block, then none; zero rows in both tensors."""
    level = (1 << bits) - 1

    def diagonal(columns: int) -> Levels:
        levels = np.zeros((hidden, columns), np.uint8)
        for i in range(0, hidden, 2):
            levels[i, (i * 3) % (columns // 2)] = 1 + i % level
        levels[hidden // 3 :, columns - columns // 4] = level
        return levels

    gamma = np.zeros((1, hidden), np.uint8)
    gamma[0, hidden - 1] = level
    return Model(diagonal(hidden), diagonal(vocab), gamma, bits, DEFAULT)


def every_width(lanes: int, turn: int = 0) -> Iterator[tuple[Model, Layout, tuple[int, ...]]]:
    """Each index width and layout once; sizes, densities and batches go round."""
    for number, (bits, layout) in enumerate(product(range(2, 9), Layout), turn):
        hidden, vocab = SIZES[number % len(SIZES)]
        model = random_model(hidden, vocab, bits, DEFAULT, DENSITIES[number % len(DENSITIES)], number)
        yield model, layout, (batches(lanes)[number % 4],)


def adversarial(lanes: int, bits: int, layout: Layout) -> Iterator[tuple[Model, Layout, tuple[int, ...]]]:
    """Models that no random draw hits; all vectors of the pool go through them."""
    greatest = (1 << bits) - 1
    for model in (
        sparse_rows(100, 160, bits),
        constant(37, 41, bits, greatest, greatest),
        constant(20, 70, bits, 0, 0),
        constant(1, 2, bits, 1, greatest),
        with_rows(random_model(45, 50, bits, DEFAULT, 0.4), "codebook"),
    ):
        yield model, layout, (12,)


def synthetic(hidden: int, vocab: int, bits: int) -> Model:
    """Levels with the statistics of distilled models."""
    quantized: QuantizedHMM = synthetic_levels(hidden, vocab, bits)
    return Model(quantized.alpha.levels, quantized.beta.levels, quantized.gamma.levels, bits, DEFAULT)


def scattered(hidden: int, vocab: int, bits: int) -> Model:
    """A few levels a row, whatever the size: sparse entries of 20 and 24 bits."""
    rng = np.random.default_rng([hidden, vocab])

    def levels(columns: int) -> Levels:
        drawn = np.zeros((hidden, columns), np.uint8)
        for row in drawn[1:]:
            row[rng.integers(0, columns, 5)] = rng.integers(1, 1 << bits, 5)
        return drawn

    return Model(levels(hidden), levels(vocab), np.ones((1, hidden), np.uint8), bits, DEFAULT)


def session_of(shape: AcceleratorConfig, cases: Iterable[tuple[Model, Layout, tuple[int, ...]]]) -> Session:
    session = Session(shape)
    for number, (model, layout, sizes) in enumerate(cases):
        session.add_model(model, layout, sizes, number)
    return session


@pytest.mark.parametrize("behavior", [MemoryBehavior(), STALLS], ids=label)
@pytest.mark.parametrize("shape", CONFIGS, ids=label)
def test_every_width_and_layout(shape: AcceleratorConfig, behavior: MemoryBehavior, tmp_path: Path) -> None:
    session_of(shape, every_width(shape.lanes, CONFIGS.index(shape))).run(tmp_path, behavior)


@pytest.mark.parametrize(("shape", "behavior"), list(zip(CONFIGS, (*UNEVEN, AT_ONCE), strict=True)), ids=label)
def test_adversarial_models(shape: AcceleratorConfig, behavior: MemoryBehavior, tmp_path: Path) -> None:
    bits = 2 + 3 * CONFIGS.index(shape) % 7
    cases = [case for layout in Layout for case in adversarial(shape.lanes, bits, layout)]
    session_of(shape, cases).run(tmp_path, behavior)


def test_wide_entries(tmp_path: Path) -> None:
    """Entries of 20 and 24 bits, and a model with the statistics of distilled ones."""
    cases = [
        (scattered(300, 61, 8), Layout.SPARSE, (3,)),
        (scattered(2500, 33, 8), Layout.SPARSE, (3,)),
        (synthetic(300, 500, 8), Layout.SPARSE, (5,)),
        (synthetic(300, 100, 3), Layout.DENSE, (2,)),
    ]
    session_of(CONFIGS[-1], cases).run(tmp_path, SLOW)


def test_narrow_build(tmp_path: Path) -> None:
    """What was built works; test_engine_status sees that the rest is refused."""
    models = [replace(random_model(24, 61, bits, DEFAULT, 0.3, bits), code=NARROW.code) for bits in (4, 6)]
    session_of(NARROW, [(model, Layout.SPARSE, (3,)) for model in models]).run(tmp_path, STALLS)


def test_results_back_up(tmp_path: Path) -> None:
    """Outputs of one entry fill the ring of score records four times as fast as it is written: gather has to wait."""
    shape = CONFIGS[3]
    beta = np.zeros((100, 1000), np.uint8)
    beta[np.arange(1000) % 100, np.arange(1000)] = 1 + np.arange(1000) % 63
    model = replace(constant(100, 1000, 6, 1, 0), beta=beta)
    session = session_of(shape, [(model, Layout.SPARSE, (20,))])
    outcome = session.run(tmp_path, UNEVEN[1])
    assert outcome.jobs[-1].job.operation is Operation.SCORES
    assert outcome.jobs[-1].counters["gather.stall_output"] > 100


@pytest.mark.full
@pytest.mark.parametrize("port_bits", [64, 128, 256, 512])
@pytest.mark.parametrize("shape", CONFIGS, ids=label)
def test_everything(shape: AcceleratorConfig, port_bits: int, tmp_path: Path) -> None:
    """Every width, size, layout and adversarial model; each build meets every behavior of the memory."""
    shape = replace(shape, port_bits=port_bits)
    behaviors = cycle((MemoryBehavior(), AT_ONCE, SLOW, STALLS, *UNEVEN))
    for turn in range(len(SIZES)):
        session_of(shape, every_width(shape.lanes, turn)).run(tmp_path / f"turn{turn}", next(behaviors))
    for bits, layout in product(range(2, 9), Layout):
        cases = adversarial(shape.lanes, bits, layout)
        session_of(shape, cases).run(tmp_path / f"{layout.value}{bits}", next(behaviors))


def test_a_write_past_the_results_is_found(tmp_path: Path) -> None:
    """The comparison itself: with a block less reserved than the engine writes, the run must fail."""
    session = Session(CONFIGS[2])
    golden: GoldenModel = random_model(64, 61, 4, DEFAULT, 0.3).golden(Layout.DENSE)
    image = session.load(golden)
    reserve = session.memory.reserve
    session.memory.reserve = lambda name, size: reserve(name, size - 64)  # type: ignore[method-assign] -- the fault under test
    vectors, tokens = operands(random_model(64, 61, 4, DEFAULT, 0.3), 2, 0)
    session.add(golden, image, Operation.SCORES, vectors, tokens)
    with pytest.raises(CorruptedMemoryError, match=r"^byte 0x\w+ is 0x\w\w, it was 0x\w\w, 0 bytes behind the end of "):
        session.run(tmp_path)
