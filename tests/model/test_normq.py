"""Norm-Q against its formula, to the last bit: scalar by scalar, against torch, and against the reference vectors."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from normq.model import hmm as hmm_module
from normq.model.errors import QuantizationError
from normq.model.hmm import HMM
from normq.model.quantize.dequantize import dequantize
from normq.model.quantize.normq import quantize, quantize_tensor, reference_weights, tensor_scale
from normq.model.quantize.tensor import QuantizedTensor

VECTORS = Path(__file__).parents[1] / "vectors"
BITS = range(2, 9)
Matrix = npt.NDArray[np.float32]


def formula_levels(p: Matrix, bits: int) -> npt.NDArray[np.uint8]:
    """Norm-Q one entry at a time; float64 holds the quotient of two float32 well enough to round it to float32 once."""
    greatest = 2**bits - 1
    scale = np.float32(float(p.max()) / greatest)
    levels = np.zeros(p.shape, np.uint8)
    for place in np.ndindex(p.shape):
        quotient = np.float32(float(p[place]) / float(scale))
        levels[place] = min(max(round(Fraction(float(quotient))), 0), greatest)  # Fraction rounds half to even
    return levels


def torch_levels(p: Matrix, bits: int) -> npt.NDArray[np.uint8]:
    tensor = torch.tensor(p)
    scale = tensor.max() / (2**bits - 1)
    return torch.clamp(torch.round(tensor / scale), 0, 2**bits - 1).to(torch.uint8).numpy()


def ties(bits: int) -> Matrix:
    """Entries at every k + 0.5 steps, exactly: the step is 2**-9 and the greatest entry L of them."""
    greatest = 2**bits - 1
    halves = np.arange(2 * greatest + 1, dtype=np.float32) * np.float32(2.0**-10)
    return np.stack([halves, np.nextafter(halves, np.float32(0)), np.nextafter(halves, np.float32(1))]).clip(
        0, np.float32(greatest * 2.0**-9)
    )


def random_rows(shape: tuple[int, int], concentration: float) -> Matrix:
    rng = np.random.default_rng(list(shape))
    return rng.dirichlet(np.full(shape[1], concentration), shape[0]).astype(np.float32)


def single_peak(rows: int, columns: int) -> Matrix:
    p = np.zeros((rows, columns), np.float32)
    p[np.arange(rows), np.arange(rows) % columns] = 1
    return p


def flat_beside_a_peak() -> Matrix:
    """All rows but the last fall below half a step and lose every level."""
    return np.vstack([np.full((3, 600), 1 / 600, np.float32), single_peak(1, 600)])


TENSORS: dict[str, Callable[[int], Matrix]] = {
    "random sparse": lambda bits: random_rows((17, 53), 0.02),
    "random even": lambda bits: random_rows((9, 31), 1.0),
    "rows without a level": lambda bits: flat_beside_a_peak(),
    "single peaks": lambda bits: single_peak(5, 4),
    "ties": ties,
    "H = 1": lambda bits: np.ones((1, 1), np.float32),
    "V = 2": lambda bits: np.array([[0.3, 0.7], [1.0, 0.0], [0.5, 0.5]], np.float32),
    "subnormal entries": lambda bits: np.array([[1.0, 1e-45, 1e-39, 0.0]], np.float32),
    "greatest entry far below 1": lambda bits: np.full((2, 3), 1e-35, np.float32),
}


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("name", TENSORS)
def test_levels_equal_the_formula_to_the_last_bit(name: str, bits: int) -> None:
    p = TENSORS[name](bits)
    tensor = quantize_tensor(p, bits)
    assert tensor.bits == bits
    np.testing.assert_array_equal(tensor.levels, formula_levels(p, bits))
    np.testing.assert_array_equal(tensor.levels, torch_levels(p, bits))


def test_ties_go_to_the_even_level() -> None:
    assert quantize_tensor(ties(2), 2).levels[0].tolist() == [0, 0, 1, 2, 2, 2, 3]


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("name", TENSORS)
def test_weights_equal_the_published_formula_to_the_last_bit(name: str, bits: int) -> None:
    p = TENSORS[name](bits)
    level = formula_levels(p, bits).astype(np.float32) + np.float32(0.001 / p.shape[1])
    expected = np.stack([row / row.sum() for row in level])
    np.testing.assert_array_equal(reference_weights(quantize_tensor(p, bits)), expected)


@pytest.mark.parametrize("name", TENSORS)
def test_dequantize_is_the_exact_meaning_of_the_levels(name: str) -> None:
    tensor = quantize_tensor(TENSORS[name](3), 3)
    eps = Fraction(1, 1000)
    for row, levels in zip(dequantize(tensor), tensor.levels.tolist(), strict=True):
        exact = [(q + eps / len(levels)) / (sum(levels) + eps) for q in levels]
        np.testing.assert_allclose(row, [float(value) for value in exact], rtol=1e-15)


def test_a_row_without_a_level_is_uniform() -> None:
    tensor = quantize_tensor(flat_beside_a_peak(), 3)
    assert tensor.row_sums.tolist() == [0, 0, 0, 7]
    np.testing.assert_array_equal(dequantize(tensor)[:3], np.full((3, 600), 1 / 600))
    np.testing.assert_allclose(reference_weights(tensor)[:3], 1 / 600, rtol=1e-6)


@pytest.mark.parametrize("eps", [Fraction(0), Fraction(1, 2), Fraction(3)])
def test_dequantize_takes_any_pseudocount(eps: Fraction) -> None:
    tensor = QuantizedTensor(np.array([[1, 2, 0, 0], [0, 0, 0, 0]], np.uint8), 2, eps)
    share = float(eps) / 4
    expected = [[(q + share) / (3 + float(eps)) for q in (1, 2, 0, 0)], [0.25] * 4]
    np.testing.assert_allclose(dequantize(tensor), expected, rtol=1e-15)


@pytest.mark.parametrize("bits", [2, 3, 5, 8])
def test_a_checkpoint_quantizes_to_the_reference_vectors(bits: int) -> None:
    with np.load(VECTORS / f"b{bits}.npz") as vectors:
        beta, gamma = (np.exp(vectors[name].astype(np.float64)).astype(np.float32) for name in ("beta", "gamma"))
        model = quantize(HMM(vectors["alpha_exp"], beta, gamma, int(vectors["eos"]), {"label": "made up"}), bits)
        np.testing.assert_array_equal(model.alpha.levels, vectors["levels_alpha"])
        np.testing.assert_array_equal(model.beta.levels, vectors["levels_beta"])
        np.testing.assert_array_equal(model.gamma.levels, vectors["levels_gamma"])
        assert model.eos_token_id == int(vectors["eos"])
    assert (model.method, model.provenance) == ("norm-q", {"label": "made up"})


def test_the_scale_is_of_the_whole_tensor_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    p = random_rows((40, 30), 0.1)
    whole = quantize_tensor(p, 8).levels
    monkeypatch.setattr(hmm_module, "CHUNK_ELEMENTS", 7 * 30)
    np.testing.assert_array_equal(quantize_tensor(p, 8).levels, whole)


@pytest.mark.parametrize(
    ("p", "bits", "message"),
    [
        (np.ones((1, 1), np.float32), 1, "index bits must be 2..8, got 1"),
        (np.ones((1, 1), np.float32), 9, "index bits must be 2..8, got 9"),
        (np.zeros((2, 2), np.float32), 4, "tensor: greatest entry is 0.0, expected a finite one above 0"),
        (np.array([[1, np.inf]], np.float32), 4, "tensor: greatest entry is inf, expected a finite one above 0"),
        (np.array([[1, np.nan]], np.float32), 4, "tensor: least entry is nan, expected no entry below 0"),
        (np.array([[1, -0.5]], np.float32), 4, "tensor: least entry is -0.5, expected no entry below 0"),
        (
            np.ones((1, 2), np.float64),
            4,
            "tensor: is float64 of shape [1, 2], expected a float32 matrix, not empty",
        ),
        (
            np.ones((0, 2), np.float32),
            4,
            "tensor: is float32 of shape [0, 2], expected a float32 matrix, not empty",
        ),
        (
            np.full((1, 1), 1e-39, np.float32),
            4,
            "tensor: greatest entry is 1.0000002153053333e-39, expected a normal float32 after division by 15",
        ),
    ],
)
def test_what_cannot_be_quantized_is_refused_by_name(p: Matrix, bits: int, message: str) -> None:
    with pytest.raises(QuantizationError) as caught:
        quantize_tensor(p, bits)
    assert str(caught.value) == message


def test_the_scale_of_a_known_greatest_entry_is_that_of_its_tensor() -> None:
    assert tensor_scale(1.0, 3) == np.float32(1) / np.float32(7)
    assert tensor_scale(1.0, 3).dtype == np.float32
