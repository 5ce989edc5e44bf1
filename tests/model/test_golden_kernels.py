"""Kernels without the compiler, where NumPy warns of overflow; threads; the distance to the float64 meaning."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from normq.model import parallel
from normq.model.config import Layout
from normq.model.formats import VectorCode
from normq.model.golden.bits import bit_length
from normq.model.golden.gather import Gather
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import Vectors, code_values, score_values
from normq.model.jit import kernel
from normq.model.packing.model import identity_codebook, pack_matrix, pack_model
from normq.model.quantize.normq import quantize
from normq.model.quantize.tensor import QuantizedHMM
from normq.model.reference import ReferenceModel
from normq.model.synthetic import synthetic_hmm
from normq.tests.model.golden_cases import random_model, vectors_of

same: Any = np.testing.assert_array_equal
DEFAULT = VectorCode()


def test_without_the_compiler() -> None:
    """Compiled integers wrap in silence; NumPy's scalars warn, and here a warning is an error."""
    chosen = "(b2- or b8- and identity or edge_sums and 129 or edges_of_its_range) and not (130 or 17 or 33 or every)"
    folder = Path(__file__).parent
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-qx",
            "-n0",
            "-p",
            "no:cacheprovider",
            folder / "test_golden.py",
            "-k",
            chosen,
        ],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=folder.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("bits", [3, 8])
def test_number_of_threads_changes_nothing(layout: Layout, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model(70, 90, bits, DEFAULT, 0.3)
    golden, vectors = model.golden(layout), vectors_of(70, DEFAULT)
    one = results(golden, vectors)
    monkeypatch.setattr(parallel, "workers", lambda: 5)
    monkeypatch.setattr(parallel, "LEAST_WORK", 1)
    for found, expected in zip(results(golden, vectors), one, strict=True):
        same(found, expected)


@pytest.mark.parametrize("density", [0.02, 1.0])
@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("batch", [1, 3])
def test_sums_of_long_matrices(bits: int, density: float, batch: int) -> None:
    """Lists of several words and blocks, few and many non-zero words side by side, against NumPy's exact integers."""
    rng = np.random.default_rng(bits)
    for outputs, inputs in ((300, 77), (200, 700)):
        levels = rng.integers(1, 1 << bits, (outputs, inputs), np.uint8)
        levels[rng.random(levels.shape) >= density] = 0
        values = rng.integers(0, 1 << 42, (inputs, batch))
        expected = levels.astype(np.int64) @ values
        listed = np.array([outputs - 1, 0, 7, 7])
        for layout in Layout:
            gather = Gather.of(pack_matrix(levels, bits, layout), identity_codebook(bits))
            found = gather.sums(values)
            same(found, expected[gather.directory.occupied])
            same(gather.listed_sums(listed, values), expected[listed])


def results(golden: GoldenModel, vectors: Vectors) -> list[Any]:
    tokens = np.arange(vectors.batch)
    scores = golden.scores(vectors)
    listed = golden.listed_scores(vectors, [5, 80, 0])
    steps = (golden.forward(vectors, tokens), golden.backward(vectors), golden.product(vectors, golden.initial(12)))
    return [
        scores.codes,
        scores.leak,
        listed.codes,
        *(step.codes for step in steps),
        *(step.exponents for step in steps),
    ]


def test_parts_raise_what_they_raised() -> None:
    def fail(part: parallel.Part) -> None:
        if part[0] == 1:
            raise KeyError(part)

    for parts in ([(0, 1), (1, 2), (2, 3)], [(0, 1), (1, 2)]):
        with pytest.raises(KeyError, match=r"^\(1, 2\)$"):
            parallel.run_parts(parts, fail)


def test_parts_cover_the_range() -> None:
    for count in (0, 1, 2, 7):
        parts = parallel.even_parts(count, 1 << 40)
        assert [k for first, end in parts for k in range(first, end)] == list(range(count))


@kernel
def compiled_lengths(values: Any, lengths: Any) -> None:
    for k in range(values.size):
        lengths[k] = bit_length(values[k])


def test_bit_length() -> None:
    values = np.array([0, *(n for k in range(63) for n in (1 << k, (2 << k) - 1))], np.int64)
    lengths = np.empty_like(values)
    compiled_lengths(values, lengths)
    same(lengths, [int(value).bit_length() for value in values])


STEPS = 32


@pytest.fixture(scope="module", params=[(64, 100, 3), (128, 300, 8)], ids=["b3", "b8"])
def quantized(request: pytest.FixtureRequest) -> QuantizedHMM:
    hidden, vocab, bits = request.param
    return quantize(synthetic_hmm(hidden, vocab, seed=3), bits)


@pytest.mark.parametrize("layout", Layout)
def test_distance_to_the_meaning_of_the_quantized_model(quantized: QuantizedHMM, layout: Layout) -> None:
    """Each step loses what its roundings may, so 32 stay within 2 %, absolute scale included.

    Two ENC, TOP_24's and kappa's truncations and the missing eps / n of a non-zero emission level are a step's loss; a
    score has one ENC more, and SCORE16 truncates 10 bits. Elements on the leak may be a unit of the vector off besides.
    """
    step_loss = (1 + 2**-12) ** 2 * (1 + 2**-13) * (1 + 1 / (1000 * quantized.vocab_size)) - 1
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, quantized.vocab_size, STEPS)
    golden = GoldenModel(pack_model(quantized, layout, {}))
    float_model = ReferenceModel.of_quantized(quantized)
    exact = float_model.forward(torch.from_numpy(tokens[np.newaxis]))
    vectors = golden.initial()
    for step in range(STEPS + 1):
        values, exponent = exact.values[0, step], int(exact.exponents[0, step])
        scale = int(vectors.exponents[0]) - exponent
        found, loss = np.ldexp(code_values(vectors.codes[0], DEFAULT), scale), (step + 1) * step_loss
        assert loss < 0.0205
        assert_close(found, values.numpy(), loss, loss, scale)
        scores = golden.scores(vectors)
        scale = int(scores.exponents[0]) - exponent
        found = np.ldexp(score_values(scores.expand(golden.nonempty_tokens)[0]), scale)
        exact_scores = float_model.scores(values[np.newaxis])[0].numpy()
        assert_close(found, exact_scores, loss + 2**-12, loss + 2**-12 + 2**-10, scale)
        if step < STEPS:
            vectors = golden.forward(vectors, tokens[step : step + 1])


def assert_close(found: Any, exact: Any, above: float, below: float, unit_exponent: int) -> None:
    unit = 2.0**unit_exponent
    assert (found <= exact * (1 + above) + unit).all()
    assert (found >= exact * (1 - below) - unit).all()
