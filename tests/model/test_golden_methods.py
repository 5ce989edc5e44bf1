"""Every method with a codebook, packed and run by the golden model, against float64 of what its levels mean."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from normq.model.artifact import read_artifact, write_artifact
from normq.model.config import Layout
from normq.model.default.load import default_hmm
from normq.model.formats import VectorCode
from normq.model.golden.edges import edge_weights, other_edge_weights
from normq.model.golden.operations import GoldenModel
from normq.model.golden.run import run_tokens
from normq.model.golden.vectors import Vectors, code_values, score_values
from normq.model.packing.model import pack_model
from normq.model.quantize.dequantize import end_state
from normq.model.quantize.methods import METHODS, Setting
from normq.model.quantize.row_mass_leak import leaks as row_leaks
from normq.model.quantize.tensor import QuantizedHMM, QuantizedTensor
from normq.model.reference import ReferenceModel

PACKED = [method.name for method in METHODS.values() if method.levels]
TOKENS = [2, 40, 3, 700, 5, 17, 4, 90, 12, 6, 31, 8]
TOLERANCE = 0.02
"""Of every entry and score after 32 steps."""
FIX_BITS = VectorCode().fix_bits


def packed_golden(quantized: QuantizedHMM, folder: Path) -> GoldenModel:
    """Through a file, so that what the reader checks holds for every method."""
    write_artifact(pack_model(quantized, Layout.SPARSE, {}), folder / "model")
    return GoldenModel(read_artifact(folder / "model"))


def lost(quantized: QuantizedHMM) -> float:
    """What an entry on the leak may lose beside: 2**-F over its share, eps / (n * the greatest column of levels)."""
    worst = 0.0
    for tensor in (quantized.alpha, quantized.beta):
        column = int(tensor.above_least[tensor.levels].sum(axis=0, dtype=np.int64).max())
        eps = float(tensor.effective_pseudocount)
        worst = max(worst, 2.0**-FIX_BITS * tensor.levels.shape[1] * column / eps if eps else 0.0)
    return worst


def assert_close(found: np.ndarray, expected: np.ndarray, quantized: QuantizedHMM) -> None:
    """Within the bound; without a leak what lies 30 bits below the greatest is no part of it."""
    has_leak = all(tensor.effective_pseudocount for tensor in (quantized.alpha, quantized.beta))
    floor = 0.0 if has_leak else 2.0**-30 * expected.max()
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE + lost(quantized), atol=floor)


def whole(weights: torch.Tensor, tensor: QuantizedTensor) -> torch.Tensor:
    """In an emission and in the first vector a level counts without the leak that scores add to it."""
    levels = torch.from_numpy(tensor.integer_levels[tensor.levels].astype(np.float64))
    leaks = np.full(len(tensor.levels), float(tensor.effective_pseudocount))
    if tensor.leak_units is not None:
        leaks = row_leaks(tensor.leak_units)
    absent = torch.from_numpy(leaks / tensor.levels.shape[1])[:, None]
    above = torch.from_numpy(tensor.above_least[tensor.levels].astype(np.float64))
    return torch.where(torch.from_numpy(tensor.levels > 0), weights * levels / (above + absent), weights)


def whole_gamma(reference: ReferenceModel, quantized: QuantizedHMM) -> torch.Tensor:
    return whole(reference.gamma[None], quantized.gamma)[0]


@pytest.mark.parametrize("bits", [3, 8])
@pytest.mark.parametrize("name", PACKED)
def test_golden_stays_within_the_bounds_of_float64(name: str, bits: int, tmp_path: Path) -> None:
    quantized = METHODS[name].quantize(default_hmm(64), Setting(bits))
    golden, reference = packed_golden(quantized, tmp_path), ReferenceModel.of_quantized(quantized)
    run = run_tokens(golden, TOKENS)
    emitting = replace(reference, beta=whole(reference.beta, quantized.beta), gamma=whole_gamma(reference, quantized))
    floats = emitting.forward(torch.tensor([TOKENS]))
    for step in range(len(TOKENS) + 1):
        shift = float(run.exponents[step]) - float(floats.exponents[0, step])
        entries = np.ldexp(code_values(run.codes[step], golden.code), int(shift))
        expected = floats.values[0, step]
        assert_close(entries, expected.numpy(), quantized)
        scores = np.ldexp(score_values(run.scores[step]), int(run.score_exponents[step] - floats.exponents[0, step]))
        assert_close(scores, reference.scores(expected[None])[0].numpy(), quantized)


@pytest.mark.parametrize("name", PACKED)
def test_backward_and_edges_stay_within_the_bounds_of_float64(name: str, tmp_path: Path) -> None:
    quantized = METHODS[name].quantize(default_hmm(64), Setting(4))
    golden, reference = packed_golden(quantized, tmp_path), ReferenceModel.of_quantized(quantized)
    codes = np.random.default_rng(1).integers(1, golden.code.greatest_code, (1, 64)).astype(np.uint16)
    found = golden.backward(Vectors(codes, np.zeros(1, np.int32)))
    expected = reference.backward_step(torch.from_numpy(code_values(codes, golden.code)))
    assert_close(values(found, golden.code), expected[0].numpy(), quantized)
    listed, masks = [5, 17, 3000], torch.zeros(1, 4096)
    masks[0, listed] = 1
    assert_close(
        values(edge_weights(golden, [listed]), golden.code), reference.edge_weights(masks)[0].numpy(), quantized
    )
    others = values(other_edge_weights(golden, [listed]), golden.code)
    assert_close(others, reference.edge_weights(1 - masks)[0].numpy(), quantized)


def values(vectors: Vectors, code: VectorCode) -> np.ndarray:
    """The first vector in float64."""
    return np.ldexp(code_values(vectors.codes[0], code), int(vectors.exponents[0]))


@pytest.mark.parametrize("name", ["norm-q", "linear", "linear-normalized", "linear-normalized-uniform"])
def test_guard_stays_within_the_bounds_of_float64(name: str, tmp_path: Path) -> None:
    """End-of-text (0) as a token too, with levels of it in few rows; linear has no leak but that of uniform rows."""
    quantized = METHODS[name].quantize(default_hmm(64), Setting(3, guard=True))
    golden, reference = packed_golden(quantized, tmp_path), ReferenceModel.of_quantized(quantized)
    assert golden.packed.end_state == end_state(quantized)
    tokens = [2, 40, 3, 0]
    run, floats = run_tokens(golden, tokens), reference.forward(torch.tensor([tokens]))
    for step in range(len(tokens) + 1):
        shift = run.exponents[step] - int(floats.exponents[0, step])
        entries = np.ldexp(code_values(run.codes[step], golden.code), int(shift))
        assert_close(entries, floats.values[0, step].numpy(), quantized)
        scores = np.ldexp(score_values(run.scores[step]), int(run.score_exponents[step] - floats.exponents[0, step]))
        assert_close(scores, reference.scores(floats.values[0, step][None])[0].numpy(), quantized)
    masks = torch.zeros(2, 4096)
    masks[0, [0, 7]], masks[1, 9:] = 1, 1
    expected = reference.edge_weights(masks).numpy()
    assert_close(values(edge_weights(golden, [[0, 7]]), golden.code), expected[0], quantized)
    assert_close(values(other_edge_weights(golden, [range(9)]), golden.code), expected[1], quantized)


@pytest.mark.parametrize(
    ("name", "bits", "guard"),
    [
        ("norm-q", 3, False),
        ("norm-q", 3, True),
        ("norm-q", 8, False),
        ("linear-normalized", 4, True),
        ("kmeans-log-normalized", 4, False),  # guarded, end-of-text leaves others below the format: no bound covers it
    ],
)
def test_row_leaks_stay_within_the_bounds_of_float64(name: str, bits: int, guard: bool, tmp_path: Path) -> None:
    """row_mass_leak, alone and with hmm_guard; end-of-text (0) as a token too."""
    quantized = METHODS[name].quantize(default_hmm(64), Setting(bits, guard=guard, row_mass_leak=True))
    golden, reference = packed_golden(quantized, tmp_path), ReferenceModel.of_quantized(quantized)
    assert golden.packed.alpha_rows.leaks is not None
    emitting = replace(reference, beta=whole(reference.beta, quantized.beta), gamma=whole_gamma(reference, quantized))
    tokens = [*TOKENS, 0]
    run, floats = run_tokens(golden, tokens), emitting.forward(torch.tensor([tokens]))
    for step in range(len(tokens) + 1):
        shift = float(run.exponents[step]) - float(floats.exponents[0, step])
        entries = np.ldexp(code_values(run.codes[step], golden.code), int(shift))
        expected = floats.values[0, step]
        assert_close(entries, expected.numpy(), quantized)
        scores = np.ldexp(score_values(run.scores[step]), int(run.score_exponents[step] - floats.exponents[0, step]))
        assert_close(scores, reference.scores(expected[None])[0].numpy(), quantized)
    codes = np.random.default_rng(1).integers(1, golden.code.greatest_code, (1, 64)).astype(np.uint16)
    found = golden.backward(Vectors(codes, np.zeros(1, np.int32)))
    stepped = reference.backward_step(torch.from_numpy(code_values(codes, golden.code)))
    assert_close(values(found, golden.code), stepped[0].numpy(), quantized)
    masks = torch.zeros(2, 4096)
    masks[0, [0, 7]], masks[1, 9:] = 1, 1
    weights = reference.edge_weights(masks).numpy()
    assert_close(values(edge_weights(golden, [[0, 7]]), golden.code), weights[0], quantized)
    assert_close(values(other_edge_weights(golden, [range(9)]), golden.code), weights[1], quantized)
