"""Edge weights and edge sums of the RTL equal the golden model's, bit for bit, however the memory behaves."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import ZERO_EXPONENT
from normq.model.golden.edges import Term, edge_sums
from normq.model.golden.vectors import Vectors
from normq.rtl.constraint.layouts import MOST_TERMS
from normq.sim.edge_descriptors import Edge, StoredTerm, term_groups
from normq.sim.operand import StoredVectors, place_vectors
from normq.tests.cosim.edge_cases import EdgeSession, Pair, golden_sum, pool_of, random_edges, random_terms
from normq.tests.cosim.engine_cases import STALLS, UNEVEN
from normq.tests.cosim.test_engine_equality import CONFIGS, NARROW, config, constant, label
from normq.tests.model.golden_cases import random_model, with_rows

SIZES = ((24, 61), (50, 128), (100, 77), (33, 5), (128, 65), (1, 3))
LONG = ((300, 61), (129, 20), (1000, 40))
"""More than a chunk of elements."""
LONG_BITS = 4
"""Their greatest index width: a full row of wider levels leaves too few significant bits: it is not packed."""
CUT = config(1, 2, 8, 64, 1024)
"""A word of W codes is two beats."""


def session_of(shape: AcceleratorConfig, seed: int, turns: int) -> EdgeSession:
    """Each layout in turn; widths, sizes, densities and numbers of terms go round."""
    session = EdgeSession(shape)
    sizes = [*SIZES, *(size for size in LONG if size[0] <= shape.hidden_capacity)]
    for turn in range(seed, seed + turns):
        rng = np.random.default_rng([seed, turn])
        hidden, vocab = sizes[-1 - turn % len(sizes)]
        bits, layout = 2 + 3 * turn % 7, list(Layout)[turn % 2]
        if (hidden, vocab) in LONG:
            bits = min(bits, LONG_BITS)
        model = random_model(hidden, vocab, bits, shape.code, (0.04, 0.3, 0.75)[turn % 3], turn)
        image = session.image(model, layout)
        session.add_weights(image, model, layout, random_edges(rng, vocab, 7))
        pool = pool_of(hidden, shape.code, turn)
        counts = [1, 1, 2, 3, 1, int(rng.integers(4, 20)), 2]
        session.add_sums(image, pool, [random_terms(rng, pool, count) for count in counts])
    return session


@pytest.mark.parametrize("shape", CONFIGS, ids=label)
def test_random_edges(shape: AcceleratorConfig, tmp_path: Path) -> None:
    seed = CONFIGS.index(shape)
    session_of(shape, seed, 3).run(tmp_path, (STALLS, *UNEVEN)[seed])


def far_apart(length: int, code_of_one: int) -> Vectors:
    """Ones under exponents at which an aligned term loses its last bits, and all of them."""
    drops = (0, 1, 31, 32, 33, 55, 56, 57, 63, 64, 65, 200, 30000)
    codes = np.full((len(drops) + 2, length), code_of_one, np.uint16)
    codes[:, ::3] += np.arange(len(drops) + 2, dtype=np.uint16)[:, np.newaxis]
    codes[-2], codes[-1] = 0, 0xFFFF
    exponents = np.array([*(-drop for drop in drops), ZERO_EXPONENT, 0], np.int32)
    return Vectors(codes, exponents)


def test_adversarial_sums(tmp_path: Path) -> None:
    """Sums that fill 63 bits, terms that vanish beside others, nothing but zeros, and the two kinds of a plain copy."""
    shape, hidden = CONFIGS[4], 300
    session = EdgeSession(shape)
    model = random_model(hidden, 5, 4, shape.code, 0.3)
    image = session.image(model, Layout.SPARSE)
    pool = far_apart(hidden, 1 << shape.code.fraction_bits)
    zero, most = pool.batch - 2, pool.batch - 1
    sums: list[list[Pair]] = [
        [(most, most)] * MOST_TERMS,
        [(most, None)] * MOST_TERMS,
        [(0, None), *((number, None) for number in range(1, zero))],
        [(number, 1) for number in range(zero - 1, -1, -1)],
        [(zero, zero), (zero, None), (zero, most)],
        [(zero, None)],
        [(zero, 3), (5, 6)],
        [(most, None)],
        [(6, 6)],
    ]
    for number in range(1, zero):
        sums.append([(0, None), (number, None)])
    session.add_sums(image, pool, sums)
    session.run(tmp_path)


def test_groups_of_terms(tmp_path: Path) -> None:
    """More terms than one sum holds: the sums of groups are the terms of a second descriptor."""
    shape, hidden = CONFIGS[4], 200
    session = EdgeSession(shape)
    image = session.image(random_model(hidden, 5, 4, shape.code, 0.3), Layout.SPARSE)
    pool = pool_of(hidden, shape.code, 3)
    stored = place_vectors(session.memory, pool)
    pairs = random_terms(np.random.default_rng(1), pool, 2 * MOST_TERMS + 3)
    terms = [StoredTerm(stored.take([a]), None if b is None else stored.take([b])) for a, b in pairs]
    groups = [len(group) for group in term_groups(terms)]
    assert groups == [MOST_TERMS, MOST_TERMS, 3]
    ends = np.cumsum([0, *groups])
    job = session.add_sums(image, pool, [pairs[a:b] for a, b in pairwise(ends)])
    partial = session.expected[len(session.jobs) - 1]
    assert job.vectors is not None
    stride = job.vectors.size // job.batch
    addresses = tuple(job.vectors.address + number * stride for number in range(job.batch))
    written = StoredVectors(addresses, tuple(partial.exponents.tolist()))
    lone = [StoredTerm(written.take([number])) for number in range(written.batch)]
    whole = golden_sum(shape, pool, pairs)
    assert edge_sums([Term(partial.take(np.array([n]))) for n in range(3)], shape.code).codes.tolist() == (
        whole.codes.tolist()
    )
    session.add(image.sums([lone]), [whole])
    session.run(tmp_path)


def test_adversarial_weights(tmp_path: Path) -> None:
    """Nothing but zero rows, the greatest sums, levels of 12 bits; every token, all but one, one alone."""
    shape = CONFIGS[2]
    session = EdgeSession(shape)
    for model in (
        constant(20, 30, 8, 0, 0),
        constant(37, 41, 8, 255, 255),
        with_rows(random_model(45, 30, 4, shape.code, 0.4), "codebook"),
    ):
        vocab = model.shape[1]
        for layout in Layout:
            image = session.image(model, layout)
            every = tuple(range(vocab))
            edges = [Edge(every), Edge(every[::-1][1:], others=True), Edge((), others=True), Edge((vocab // 2,))]
            session.add_weights(image, model, layout, edges)
    session.run(tmp_path)


def test_narrow_build(tmp_path: Path) -> None:
    """One layout, codes of 11 bits."""
    session = EdgeSession(NARROW)
    model = random_model(50, 61, 5, NARROW.code, 0.2)
    image = session.image(model, Layout.SPARSE)
    rng = np.random.default_rng(2)
    session.add_weights(image, model, Layout.SPARSE, random_edges(rng, 61, 5))
    pool = pool_of(50, NARROW.code, 2)
    session.add_sums(image, pool, [random_terms(rng, pool, count) for count in (1, 5, 2)])
    session.run(tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("shape", [*CONFIGS, CUT], ids=label)
def test_edges_everywhere(shape: AcceleratorConfig, tmp_path: Path) -> None:
    """Every size on every build."""
    for turn, behavior in enumerate((STALLS, *UNEVEN)):
        session_of(shape, 10 + 2 * turn, 2).run(tmp_path / f"turn{turn}", behavior)
