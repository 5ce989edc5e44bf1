"""Methods of quantization against their definitions, written out once more on small tensors."""

import re
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from normq.model.default.load import default_hmm
from normq.model.errors import QuantizationError
from normq.model.formats import LEAST_SIGNIFICANT_BITS, VectorCode
from normq.model.hmm import HMM
from normq.model.packing.limits import significant_bits
from normq.model.quantize.dequantize import dequantize, float_weights
from normq.model.quantize.kmeans import KMEANS, KMeans, least_pseudocount
from normq.model.quantize.layerwise import ActivationQuantizer, ActivationScale
from normq.model.quantize.lloyd import cluster_of, lloyd
from normq.model.quantize.methods import METHODS, Setting
from normq.model.quantize.normq import quantize
from normq.model.quantize.prune import Renormalization, prune
from normq.model.quantize.row_mass_leak import LEAKS, leak_units
from normq.model.quantize.tensor import QuantizedTensor, ZeroRows

PACKED = [method for method in METHODS.values() if method.levels]
Floats = npt.NDArray[np.float64]


def small_hmm(hidden: int = 6, vocab: int = 20, seed: int = 0) -> HMM:
    """Rows with a few peaks; the last state emits end-of-text (0) and stays, no other has much of it."""
    rng = np.random.default_rng(seed)
    alpha = rng.dirichlet(np.full(hidden, 0.3), hidden)
    beta = rng.dirichlet(np.full(vocab, 0.2), hidden)
    beta[:, 0] = 1e-6
    alpha[-1], beta[-1] = 1e-6, 1e-6
    alpha[-1, -1] = beta[-1, 0] = 1
    gamma = rng.dirichlet(np.ones(hidden))
    alpha, beta = (p / p.sum(1, keepdims=True) for p in (alpha, beta))
    return HMM(alpha.astype(np.float32), beta.astype(np.float32), gamma.astype(np.float32), 0)


def by_definition(tensor: QuantizedTensor) -> Floats:
    """A row at a time in exact fractions: codebook values, the least of them and eps in the leak."""
    codebook = [int(c) for c in tensor.integer_levels]
    rows: list[list[float]] = []
    for levels in tensor.levels:
        n = len(levels)
        eps = tensor.pseudocount + n * codebook[0]
        above = [codebook[q] - codebook[0] for q in levels]
        total = sum(above)
        entries = [d + eps / n for d in above]
        if tensor.scale is not None:
            rows.append([float(entry) * tensor.scale for entry in entries])
        elif total:
            rows.append([float(entry / (total + eps)) for entry in entries])
        else:
            rows.append([1 / n if tensor.zero_rows is ZeroRows.UNIFORM else 0.0] * n)
    return np.array(rows)


@pytest.mark.parametrize("bits", [2, 3, 8])
@pytest.mark.parametrize("name", [method.name for method in PACKED])
def test_levels_mean_what_their_definition_says(name: str, bits: int) -> None:
    quantized = METHODS[name].quantize(small_hmm(), Setting(bits))
    weights = float_weights(quantized)
    assert quantized.method == name
    for tensor, found in ((quantized.alpha, weights.alpha), (quantized.beta, weights.beta)):
        np.testing.assert_allclose(found, by_definition(tensor), rtol=1e-12)
    np.testing.assert_allclose(weights.gamma, by_definition(quantized.gamma)[0], rtol=1e-12)


def test_linear_without_normalization_is_the_level_times_the_step() -> None:
    hmm = small_hmm()
    step = np.float32(hmm.beta.max()) / np.float32(7)
    wanted = np.clip(np.rint(hmm.beta / step), 0, 7).astype(np.float64) * float(step)
    np.testing.assert_array_equal(METHODS["linear"].weights(hmm, Setting(3)).beta, wanted)


def test_rows_without_a_level_are_empty_or_uniform_as_asked() -> None:
    p = np.full((3, 8), 1 / 8, np.float32)
    p[0] = 0
    p[0, 0] = 1
    hmm = HMM(np.full((3, 3), 1 / 3, np.float32), p, np.full(3, 1 / 3, np.float32), 0)
    empty = METHODS["linear-normalized"].weights(hmm, Setting(2)).beta
    np.testing.assert_array_equal(empty, [[1] + [0] * 7, [0] * 8, [0] * 8])
    uniform = METHODS["linear-normalized-uniform"].weights(hmm, Setting(2)).beta
    np.testing.assert_array_equal(uniform, [[1] + [0] * 7, [1 / 8] * 8, [1 / 8] * 8])


@pytest.mark.parametrize("k", [1, 2, 7, 16])
def test_lloyd_ends_where_every_center_is_the_mean_of_its_values(k: int) -> None:
    values = np.random.default_rng(k).lognormal(0, 2, 3000)
    clusters = lloyd(values, k)
    numbers = cluster_of(values, clusters)
    found = clusters.centers.size
    # clusters that lose their values on the way are gone
    assert 0.8 * k <= found <= k
    means = np.array([values[numbers == number].mean() for number in range(found)])
    np.testing.assert_allclose(clusters.centers, means, rtol=1e-9)
    nearest = np.abs(values[:, None] - clusters.centers).argmin(1)
    np.testing.assert_array_equal(numbers, nearest)


def test_lloyd_is_optimal_where_every_partition_can_be_tried() -> None:
    values = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 9.0, 9.3, 9.1])
    clusters = lloyd(values, 3)
    np.testing.assert_allclose(clusters.centers, np.array([0.3 / 3, 10.1 / 2, 27.4 / 3]))


def test_lloyd_gives_no_more_clusters_than_distinct_values() -> None:
    clusters = lloyd(np.array([[3.0, 1.0], [1.0, 3.0]]), 8)
    np.testing.assert_array_equal(clusters.centers, [1, 3])


@pytest.mark.parametrize("kind", KMEANS, ids=[kind.name for kind in KMEANS])
def test_kmeans_in_hardware_approaches_its_float_codebook(kind: KMeans) -> None:
    hmm = default_hmm(64)
    floats, packed = kind.float_weights(hmm, 4), float_weights(kind.quantize(hmm, 4))
    if not kind.normalized:
        # half a unit of 1/4095 of the greatest center, and what shares index 0 has one mean
        assert np.abs(floats.beta - packed.beta).max() < 0.6 / 4095
    assert np.abs(floats.beta - packed.beta).sum() / 64 < 0.1


def test_entries_that_share_index_0_keep_their_mass() -> None:
    hmm = default_hmm(64)
    tensor = KMeans(log_domain=True, normalized=False).quantize(hmm, 8).beta
    assert tensor.scale is not None
    absent = tensor.levels == 0
    leak = float(tensor.pseudocount) / hmm.vocab_size * tensor.scale
    assert absent.mean() > 0.5
    np.testing.assert_allclose(leak, hmm.beta[absent].mean(dtype=np.float64), rtol=0.05)


@pytest.mark.parametrize("kind", KMEANS, ids=[kind.name for kind in KMEANS])
def test_a_tensor_of_equal_entries_is_one_level(kind: KMeans) -> None:
    alpha, beta, gamma = (np.full(shape, 1 / shape[-1], np.float32) for shape in ((4, 4), (4, 8), (4,)))
    weights = float_weights(kind.quantize(HMM(alpha, beta, gamma, 0), 2))
    np.testing.assert_allclose(weights.beta, beta, rtol=1e-6)
    np.testing.assert_allclose(weights.gamma, gamma, rtol=1e-6)


def test_eps_is_raised_until_the_least_element_keeps_its_bits() -> None:
    tensor = KMeans(log_domain=False, normalized=True).quantize(default_hmm(64), 8).alpha
    least = least_pseudocount(tensor)
    greatest = max(int(tensor.above_least[-1]), int(tensor.row_sums.max()))
    assert significant_bits(64, greatest, least, VectorCode()) >= LEAST_SIGNIFICANT_BITS
    assert tensor.effective_pseudocount >= least


def test_guard_closes_the_end_and_nothing_else() -> None:
    hmm = small_hmm()
    plain, guarded = (METHODS["norm-q"].weights(hmm, Setting(3, guard=guard)) for guard in (False, True))
    levels = quantize(hmm, 3)
    absent = levels.beta.levels[:, 0] == 0
    assert absent[:-1].all()
    assert (plain.beta[:-1, 0] > 0).all()
    assert not guarded.beta[:-1, 0].any()
    np.testing.assert_array_equal(guarded.alpha[-1], [0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(guarded.beta[-1], [1] + [0] * 19)
    np.testing.assert_allclose(guarded.beta.sum(1), 1)
    np.testing.assert_array_equal(guarded.alpha[:-1], plain.alpha[:-1])
    np.testing.assert_array_equal(guarded.gamma, plain.gamma)
    # eps (V - 1) / V is kept: an ordinary entry is eps / V over the row's sum and that
    row = int(np.flatnonzero(levels.beta.row_sums[:-1] > 0)[0])
    column = int(np.flatnonzero(levels.beta.levels[row] == 0)[1])
    assert guarded.beta[row, column] == pytest.approx(0.001 / 20 / (levels.beta.row_sums[row] + 0.001 * 19 / 20))


def test_row_mass_leak_is_rounded_up_and_holds_the_mass_that_is_gone() -> None:
    hmm = default_hmm(64)
    tensor = quantize(hmm, 3).beta
    units = leak_units(tensor, hmm.beta)
    absent = np.where(tensor.levels == 0, hmm.beta, 0).sum(1, dtype=np.float64) / hmm.beta.sum(1, dtype=np.float64)
    occupied = tensor.row_sums > 0
    wanted = np.maximum(tensor.row_sums * absent / np.where(occupied, 1 - absent, 1), 0.001)
    assert (LEAKS[units][occupied] >= wanted[occupied]).all()
    assert (LEAKS[units - 1][occupied] < wanted[occupied]).all()
    # 4 fraction bits: at most a sixteenth too much, but for the steps of 2**-10 at the bottom
    assert (LEAKS[units][occupied] <= np.maximum(wanted * 17 / 16, wanted + 2**-10)[occupied]).all()
    np.testing.assert_array_equal(LEAKS[[0, 1, 15, 16, 31, 32, 255]] * 1024, [0, 1, 15, 16, 31, 32, 31 << 14])


@pytest.mark.parametrize("kind", list(Renormalization))
def test_pruning_takes_the_smallest_and_all_ties(kind: Renormalization) -> None:
    beta = np.array([[0.1, 0.1, 0.2, 0.6], [0.25, 0.25, 0.25, 0.25]], np.float32)
    hmm = HMM(np.array([[0.4, 0.6], [0.1, 0.9]], np.float32), beta, np.array([0.5, 0.5], np.float32), 0)
    found = prune(hmm, 0.5, kind).beta
    wanted = {
        Renormalization.NONE: [[0, 0, 0, float(beta[0, 3])], [0, 0, 0, 0]],
        Renormalization.ROWS: [[0, 0, 0, 1], [0, 0, 0, 0]],
        Renormalization.PSEUDOCOUNT: [[0.00025 / 0.601, 0.00025 / 0.601, 0.00025 / 0.601, 0.60025 / 0.601], [0.25] * 4],
    }
    np.testing.assert_allclose(found, wanted[kind], rtol=1e-6)


def test_activations_are_rounded_to_steps_of_their_greatest() -> None:
    x = np.array([[[3.0, 1.5, 0.4], [0.0, 0.0, 0.0]], [[0.5, 0.25, 7.0], [1.0, 2.0, 14.0]]])
    vector = ActivationQuantizer(2, ActivationScale.VECTOR)(x)
    np.testing.assert_allclose(vector, [[[3, 2, 0], [0, 0, 0]], [[0, 0, 7], [0, 0, 14]]])
    operand = ActivationQuantizer(2, ActivationScale.OPERAND)(x)
    np.testing.assert_allclose(operand[1], [[0, 0, 2 * 14 / 3], [0, 0, 14]])


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("norm-q", Setting(), "method norm-q: needs an index width in bits, none was given"),
        ("norm-q", Setting(9), "index bits must be 2..8, got 9"),
        ("norm-q", Setting(3, share=0.5), "method norm-q: prunes nothing, share 0.5 was given"),
        ("prune", Setting(3), "method prune: needs the share to prune, and no index width"),
        ("prune", Setting(share=1.0), "share to prune: 1.0 given, expected a number above 0 and below 1"),
        ("layerwise-vector", Setting(25), "bits: 25 given, expected 2..24 for layer-wise quantization"),
        (
            "prune",
            Setting(share=0.5, guard=True),
            "method prune: hmm_guard and row_mass_leak need integer levels",
        ),
        (
            "linear",
            Setting(3, row_mass_leak=True),
            "alpha: row_mass_leak needs normalized rows, this method leaves them as they are",
        ),
    ],
)
def test_what_a_method_cannot_do_is_said(name: str, setting: Setting, message: str) -> None:
    with pytest.raises(QuantizationError, match=f"^{re.escape(message)}$"):
        METHODS[name].weights(small_hmm(), setting)


def test_guard_needs_one_state_of_the_end() -> None:
    hmm = small_hmm()
    beta = hmm.beta.copy()
    beta[0] = beta[-1]
    twice = HMM(hmm.alpha, beta, hmm.gamma, 0)
    message = "beta: 2 states emit end-of-text (0) with more than 0.5, hmm_guard needs one"
    with pytest.raises(QuantizationError, match=f"^{re.escape(message)}$"):
        METHODS["norm-q"].quantize(twice, Setting(3, guard=True))


def test_float_only_methods_have_no_levels() -> None:
    message = "method prune: has no integer levels to pack, only float weights"
    with pytest.raises(QuantizationError, match=f"^{re.escape(message)}$"):
        METHODS["prune"].quantize(small_hmm(), Setting(share=0.5))


def test_dequantized_norm_q_is_unchanged_by_the_wider_tensor() -> None:
    tensor = QuantizedTensor(np.array([[1, 2, 0, 0], [0, 0, 0, 0]], np.uint8), 2, Fraction(1, 2))
    np.testing.assert_allclose(dequantize(tensor), [[1.125 / 3.5, 2.125 / 3.5, 0.125 / 3.5, 0.125 / 3.5], [0.25] * 4])
