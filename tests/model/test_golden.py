"""The golden model against the arithmetic in plain integers, bit for bit; what it refuses."""

import re
from typing import Any

import numpy as np
import pytest

from normq.model.config import Layout
from normq.model.errors import ArithmeticRangeError, OptionError
from normq.model.formats import VectorCode
from normq.model.golden.edges import Term, edge_sums, edge_weights, other_edge_weights
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import Scores, Vectors, code_values, score_values
from normq.tests.model.golden_cases import (
    KINDS,
    Model,
    assert_vectors,
    plain,
    random_model,
    vectors_of,
    with_guard,
    with_row_leaks,
    with_rows,
)
from normq.tests.model.oracle import score16

DEFAULT = VectorCode()
OTHER_CODES = [VectorCode(5, 8), VectorCode(4, 8), VectorCode(3, 2), VectorCode(5, 2), VectorCode(3, 12)]
same: Any = np.testing.assert_array_equal


PLAIN = [random_model(13, 37, bits, DEFAULT, 0.3, bits) for bits in range(2, 9)]
CASES = [
    *PLAIN,
    *(with_rows(PLAIN[bits - 2], kind) for kind, bits in zip(KINDS, (8, 2, 3, 5, 4), strict=True)),
    *(with_guard(model, end) for model, end in zip((PLAIN[0], PLAIN[3], PLAIN[6]), (12, 0, 5), strict=True)),
    *(with_guard(with_rows(PLAIN[1], kind), 7) for kind in ("codebook", "linear", "empty rows")),
    *(with_row_leaks(model) for model in (PLAIN[0], PLAIN[6])),
    *(with_row_leaks(with_rows(PLAIN[2], kind)) for kind in ("codebook", "least level", "empty rows")),
    with_row_leaks(with_guard(PLAIN[3], 0)),
    with_row_leaks(with_guard(with_rows(PLAIN[1], "empty rows"), 7)),
    with_row_leaks(random_model(1, 2, 3, DEFAULT, 1.0)),
    with_row_leaks(random_model(130, 9, 8, DEFAULT, 0.1)),
    *(with_row_leaks(random_model(11, 23, 5, code, 0.4)) for code in OTHER_CODES[:3]),
    *(random_model(11, 23, 5, code, 0.4) for code in OTHER_CODES),
    random_model(1, 2, 3, DEFAULT, 1.0),
    random_model(2, 3, 2, DEFAULT, 1.0),
    random_model(33, 5, 8, DEFAULT, 1.0),
    random_model(17, 70, 8, DEFAULT, 0.0),
    random_model(130, 9, 8, DEFAULT, 0.1),  # entries of 20 bits, lists longer than a block
]


def label(model: Model) -> str:
    code = model.code
    return f"{model.shape}-b{model.bits}-E{code.exponent_bits}M{code.significand_bits}" + f"-{model.method}"


@pytest.fixture(scope="module", params=CASES, ids=label)
def model(request: pytest.FixtureRequest) -> Model:
    return request.param


@pytest.fixture(params=Layout)
def golden(request: pytest.FixtureRequest, model: Model) -> GoldenModel:
    return model.golden(request.param)


def test_initial(model: Model, golden: GoldenModel) -> None:
    assert_vectors(golden.initial(3), [model.oracle().initial()] * 3)


def test_forward(model: Model, golden: GoldenModel) -> None:
    oracle, vectors = model.oracle(), vectors_of(model.shape[0], model.code)
    tokens = [v * 7 % model.shape[1] for v in range(vectors.batch)]
    pairs = list(zip(plain(vectors), tokens, strict=True))
    assert_vectors(golden.forward_input(vectors, tokens), [oracle.forward_z(*pair) for pair in pairs])
    assert_vectors(golden.forward(vectors, tokens), [oracle.forward(*pair) for pair in pairs])


def test_every_token(model: Model, golden: GoldenModel) -> None:
    """Each column of beta in turn, one vector at a time."""
    oracle, vectors = model.oracle(), vectors_of(model.shape[0], model.code)
    for token in range(model.shape[1]):
        v = np.array([token % vectors.batch])
        one = vectors.take(v)
        assert_vectors(golden.forward_input(one, [token]), [oracle.forward_z(plain(one)[0], token)])


def test_backward(model: Model, golden: GoldenModel) -> None:
    oracle, vectors = model.oracle(), vectors_of(model.shape[0], model.code)
    assert_vectors(golden.backward(vectors), [oracle.backward(vector) for vector in plain(vectors)])


def test_scores(model: Model, golden: GoldenModel) -> None:
    oracle, vectors = model.oracle(), vectors_of(model.shape[0], model.code)
    inputs = [oracle.scores_z(vector) for vector in plain(vectors)]
    assert_vectors(golden.scores_input(vectors), inputs)
    assert_scores(golden, golden.scores(vectors), [oracle.scores_of(z) for z in inputs])
    listed = [model.shape[1] - 1, 0, model.shape[1] // 2, 0]
    found = golden.listed_scores(vectors, listed)
    same(found.codes, golden.scores(vectors).expand(golden.nonempty_tokens).T[listed])
    same(found.exponents, golden.scores(vectors).exponents)


def assert_scores(golden: GoldenModel, found: Scores, expected: list[tuple[list[int], int, int]]) -> None:
    codes, leaks, exponents = zip(*expected, strict=True)
    same(found.expand(golden.nonempty_tokens), codes)
    same(found.leak, leaks)
    same(found.exponents, exponents)
    same(found.codes, np.array(codes).T[golden.nonempty_tokens])


def test_products(model: Model, golden: GoldenModel) -> None:
    oracle, hidden = model.oracle(), model.shape[0]
    vectors, others = vectors_of(hidden, model.code), vectors_of(hidden, model.code, 1)
    others = others.take(np.roll(np.arange(others.batch), 3))
    others = Vectors(others.codes, np.where(others.exponents == -32768, -32768, others.exponents // 2).astype(np.int32))
    pairs = list(zip(plain(vectors), plain(others), strict=True))
    inputs = [oracle.product_z(*pair) for pair in pairs]
    assert_vectors(golden.product(vectors, others), [oracle.product(*pair) for pair in pairs])
    assert_vectors(golden.product_scores_input(vectors, others), inputs)
    assert_scores(golden, golden.product_scores(vectors, others), [oracle.scores_of(z) for z in inputs])
    ends = [oracle.product_z(*pair, ends=True) for pair in pairs]
    assert_scores(golden, golden.product_scores(vectors, others, ends=True), [oracle.scores_of(z) for z in ends])


def test_edges(model: Model, golden: GoldenModel) -> None:
    oracle, vocab = model.oracle(), model.shape[1]
    edges = [[0], [vocab - 1], [0, vocab - 1], list(range(vocab))[::-1], list(range(0, vocab, 2))]
    assert_vectors(edge_weights(golden, edges), [oracle.edge(edge) for edge in edges])
    others = [edge for edge in edges if len(edge) < vocab]
    assert_vectors(other_edge_weights(golden, others), [oracle.other_edge(edge) for edge in others])


@pytest.mark.parametrize("count", [1, 2, 128, 129, 300])
@pytest.mark.parametrize("code", [DEFAULT, VectorCode(4, 8)], ids=str)
def test_edge_sums(count: int, code: VectorCode) -> None:
    oracle = random_model(9, 2, 3, code, 0.5).oracle()
    rng = np.random.default_rng(count)
    codes = rng.integers(0, code.greatest_code + 1, (2 * count, 2, 9)) * (rng.random((2 * count, 2, 9)) < 0.7)
    exponents = rng.integers(-60, 60, (2 * count, 2))
    codes[0], codes[1, :, 0] = code.greatest_code, 0
    codes[:, :, 4] = 0  # an element without a term
    codes[:, 1, 5:] = code.greatest_code  # sums as great as can be
    exponents[:, 1] = 7
    factors = [Vectors(c.astype(np.uint16), x.astype(np.int32)) for c, x in zip(codes, exponents, strict=True)]
    terms = [Term(factors[2 * t], factors[2 * t + 1] if t % 3 else None) for t in range(count)]
    expected = [
        oracle.edge_sum([(plain(t.first)[v], plain(t.second)[v] if t.second else None) for t in terms])
        for v in range(2)
    ]
    assert_vectors(edge_sums(terms, code), expected)


def test_encode_at_the_edges_of_its_range() -> None:
    """Ties, carries into the exponent, saturation, subnormals, mantissas of 63 bits, shifts far apart."""
    golden, oracle = CASES[0].golden(Layout.SPARSE), CASES[0].oracle()
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 64, (4000, 13))
    mantissas = rng.integers(0, 1 << 62, lengths.shape) >> (62 - np.minimum(lengths, 62))
    mantissas[::3] = ((1 << lengths[::3].astype(object)) - 1).astype(np.int64)  # rounding up carries all the way
    mantissas[1::3] = ((mantissas[1::3] >> 20) << 20) | (1 << 19)
    shifts = rng.integers(-90, 90, lengths.shape)
    mantissas[5], mantissas[6, 1:] = 0, 0
    shifts[7:300] = rng.integers(-3, 3, (293, 13))
    found = golden.encode(mantissas, shifts, np.zeros(len(mantissas), np.int64))
    elements = [list(zip(m, e, strict=True)) for m, e in zip(mantissas.tolist(), shifts.tolist(), strict=True)]
    assert_vectors(found, [oracle.code.enc(row, 0) for row in elements])
    assert int(found.codes.max()) == DEFAULT.greatest_code


@pytest.mark.parametrize(("exponent", "limit"), [(32767, 32767), (-32767, -32767)])
def test_greatest_exponents_are_used_and_passed_is_an_error(exponent: int, limit: int) -> None:
    golden = CASES[0].golden(Layout.SPARSE)
    one, sign = np.array([[1] + [0] * 12]), 1 if exponent > 0 else -1
    step = DEFAULT.fix_bits - 1  # ENC of 1 moves its leading one to the top
    found = golden.encode(one, one * 0, np.array([exponent + step]))
    assert found.exponents.tolist() == [limit]
    message = f"vector: vector 1 has the exponent {limit + sign}, expected -32767..32767"
    two = np.repeat(one, 2, axis=0)
    with pytest.raises(ArithmeticRangeError, match=f"^{re.escape(message)}$"):
        golden.encode(two, two * 0, np.array([exponent + step, exponent + step + sign]))


def test_every_operation_checks_its_exponents() -> None:
    golden = CASES[0].golden(Layout.SPARSE)
    codes = np.full((1, 13), DEFAULT.greatest_code, np.uint16)
    low, high = (Vectors(codes, np.array([x], np.int32)) for x in (-32767, 32767))
    tiny, faint = Vectors(np.eye(1, 13, dtype=np.uint16), low.exponents), Vectors(codes // codes, low.exponents)
    lowest_input = Vectors(tiny.codes, tiny.exponents + np.int32(63))  # its z lies on the limit
    for name, operation in (
        ("forward input", lambda: golden.forward(tiny, [0])),
        ("forward", lambda: golden.forward(lowest_input, [0])),
        ("backward", lambda: golden.backward(faint)),
        ("scores input", lambda: golden.scores(tiny)),
        ("product", lambda: golden.product(low, low)),
        ("product", lambda: golden.product(high, high)),
        ("product scores input", lambda: golden.product_scores(low, low)),
    ):
        with pytest.raises(ArithmeticRangeError, match=rf"^{name}: vector 0 has the exponent -?\d+, expected"):
            operation()


@pytest.mark.parametrize("layout", Layout)
def test_zero_vector_propagates(layout: Layout) -> None:
    golden = CASES[0].golden(layout)
    zero = Vectors.zeros(2, 13)
    for found in (
        golden.forward(zero, [0, 1]),
        golden.backward(zero),
        golden.product(zero, golden.initial(2)),
        golden.product(golden.initial(2), zero),
    ):
        assert_vectors(found, plain(zero))
    scores = golden.product_scores(golden.initial(2), zero)
    assert not scores.expand(golden.nonempty_tokens).any()
    assert scores.exponents.tolist() == [-32768, -32768]


def test_what_is_refused() -> None:
    golden = CASES[0].golden(Layout.SPARSE)
    vectors = golden.initial(2)
    wrong: Any = np.arange(3)
    for error, message, call in (
        (OptionError, "tokens: 37 given, expected 0..36", lambda: golden.forward(vectors, [3, 37])),
        (OptionError, "tokens: -1 given, expected 0..36", lambda: golden.listed_scores(vectors, [-1])),
        (ValueError, "tokens must be one for each of 2 vectors, got 1", lambda: golden.forward(vectors, [3])),
        (ValueError, "vectors have 5 elements, expected 13", lambda: golden.scores(Vectors.zeros(1, 5))),
        (ValueError, "vectors have 5 elements, expected 13", lambda: golden.product(vectors, Vectors.zeros(2, 5))),
        (
            ValueError,
            "a product needs equally many vectors, got 2 and 1",
            lambda: golden.product(vectors, golden.initial()),
        ),
        (OptionError, "edge 1: has no tokens, expected at least one", lambda: edge_weights(golden, [[1], []])),
        (OptionError, "edge 0: has no tokens, expected at least one", lambda: other_edge_weights(golden, [range(37)])),
        (
            OptionError,
            "tokens: 4 is given 3 times, expected once on an edge",
            lambda: edge_weights(golden, [[4, 4, 4]]),
        ),
        (ValueError, "an edge sum needs at least one term, got none", lambda: edge_sums([])),
        (
            ValueError,
            "terms must have one shape [B, n], got [(1, 13), (2, 13)]",
            lambda: edge_sums([Term(vectors), Term(golden.initial())]),
        ),
        (
            ValueError,
            "nonempty marks 1 outputs, expected 36, one a record",
            lambda: golden.scores(vectors).expand(np.arange(37) == 0),
        ),
        (
            ValueError,
            "codes must be a uint16 matrix [B, n], got int64 (3,)",
            lambda: Vectors(wrong, vectors.exponents),
        ),
        (
            ValueError,
            "exponents must be int32 [2], got int64 (1,)",
            lambda: Vectors(vectors.codes, wrong[:1]),
        ),
    ):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            call()


def test_values_of_all_codes() -> None:
    for code in (DEFAULT, *OTHER_CODES):
        codes = np.arange(code.greatest_code + 1, dtype=np.uint16)
        same(code_values(codes, code), [float(code.fix(c)) for c in range(codes.size)])
    numbers = [0, *(n << k for k in range(53) for n in (1024, 1025, 2047))]
    codes = np.array([score16(n) for n in numbers], np.uint16)
    same(score_values(codes), [float(n) for n in numbers])
