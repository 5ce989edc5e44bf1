"""Packed bytes against ARITHMETIC's statement of them with big integers, the reference vectors, and themselves."""

import itertools
import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from normq.model import hmm as hmm_module
from normq.model.config import Layout
from normq.model.errors import PackingError
from normq.model.formats import VectorCode
from normq.model.packing import matrix as matrix_module
from normq.model.packing.bitmap import pack_bitmap, unpack_bitmap
from normq.model.packing.directory import directory_of, read_output
from normq.model.packing.limits import LevelScale, LevelSums, TensorLeaks, check_datapath, significant_bits
from normq.model.packing.matrix import EntryFormat, PackedMatrix
from normq.model.packing.model import pack_matrix, pack_model, unpack_matrix
from normq.model.packing.rows import RowNormalizer
from normq.model.packing.rule import RowRule, TensorRule
from normq.model.quantize.tensor import Levels, QuantizedHMM, QuantizedTensor

VECTORS = Path(__file__).parents[1] / "vectors"
BITS = range(2, 9)
EPS = Fraction(1, 1000)


def random_levels(outputs: int, inputs: int, bits: int, density: float, seed: int = 0) -> Levels:
    rng = np.random.default_rng([seed, outputs, inputs, bits])
    levels = rng.integers(1, 1 << bits, (outputs, inputs), np.uint8)
    return np.where(rng.random(levels.shape) < density, levels, 0).astype(np.uint8)


def stated_dense(levels: Levels, bits: int) -> bytes:
    """Each output's list as one big integer."""
    size = -(-levels.shape[1] * bits // 64) * 8
    lists = (sum(int(level) << k * bits for k, level in enumerate(row)) for row in levels)
    return b"".join(number.to_bytes(size, "little") for number in lists)


def stated_sparse(levels: Levels, bits: int) -> tuple[bytes, bytes]:
    """Each block as one big integer; the map as another."""
    index_bits = max(0, levels.shape[1] - 1).bit_length()
    width = next(width for width in (16, 20, 24) if width >= 1 + index_bits + bits)
    entries: list[int] = []
    for row in levels:
        places = [place for place, level in enumerate(row) if level]
        entries += [(place == places[-1]) << width - 1 | place << bits | int(row[place]) for place in places]
    slots = {16: 32, 20: 24, 24: 20}[width]
    blocks = (entries[start : start + slots] for start in range(0, len(entries), slots))
    numbers = (sum(entry << t * width for t, entry in enumerate(block)) for block in blocks)
    marks = sum(1 << output for output, row in enumerate(levels) if row.any())
    return b"".join(number.to_bytes(64, "little") for number in numbers), marks.to_bytes(
        -(-levels.shape[0] // 64) * 8, "little"
    )


def assert_packs(levels: Levels, bits: int) -> None:
    """Both layouts give the stated bytes, unpack to the levels, and read every output alone."""
    dense, sparse = (pack_matrix(levels, bits, layout) for layout in (Layout.DENSE, Layout.SPARSE))
    assert dense.data.tobytes() == stated_dense(levels, bits)
    assert (sparse.data.tobytes(), sparse.nonempty.tobytes()) == stated_sparse(levels, bits)
    assert (dense.entries, sparse.entries) == (0, np.count_nonzero(levels))
    for matrix in (dense, sparse):
        np.testing.assert_array_equal(unpack_matrix(matrix), levels)
        assert_reads(matrix, levels)


def assert_reads(matrix: PackedMatrix, levels: Levels) -> None:
    directory = directory_of(matrix)
    everything = matrix.layout is Layout.DENSE
    assert directory.offsets.shape == (matrix.outputs + 1,)
    rank = 0
    for output, row in enumerate(levels):
        expected = np.arange(matrix.inputs) if everything else np.flatnonzero(row)
        entries = read_output(matrix, directory, output)
        np.testing.assert_array_equal(entries.inputs, expected)
        np.testing.assert_array_equal(entries.levels, row[expected])
        assert directory.offsets[output + 1] - directory.offsets[output] == expected.size
        assert directory.ranks[output] == (rank if expected.size else -1)
        if expected.size:
            assert directory.occupied[rank] == output
            rank += 1
    assert directory.occupied.size == rank


@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (1, 3), (3, 1), (2, 2)])
def test_every_small_matrix(outputs: int, inputs: int) -> None:
    for values in itertools.product(range(4), repeat=outputs * inputs):
        assert_packs(np.array(values, np.uint8).reshape(outputs, inputs), 2)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("density", [0.0, 0.1, 0.6, 1.0])
@pytest.mark.parametrize(("outputs", "inputs"), [(7, 5), (65, 13), (9, 64), (3, 129)])
def test_bytes_are_those_stated(outputs: int, inputs: int, density: float, bits: int) -> None:
    assert_packs(random_levels(outputs, inputs, bits, density), bits)


@pytest.mark.parametrize(
    ("inputs", "bits", "width"),
    [
        (128, 8, 16), (129, 8, 20), (2048, 8, 20), (2049, 8, 24), (32768, 8, 24),
        (8192, 2, 16), (8193, 2, 20), (4096, 3, 16), (4096, 4, 20), (65536, 7, 24),
    ],
)  # fmt: skip
def test_entry_width_is_the_narrowest(inputs: int, bits: int, width: int) -> None:
    levels = random_levels(5, inputs, bits, 30 / inputs)
    levels[1] = 0
    levels[3, [0, -1]] = (1 << bits) - 1  # the greatest index and level, side by side with `last`
    assert EntryFormat(inputs, bits).width == width
    assert_packs(levels, bits)


@pytest.mark.parametrize("layout", Layout)
def test_transposed_views_and_chunks_change_nothing(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = random_levels(50, 37, 5, 0.3)
    whole = pack_matrix(levels.copy(), 5, layout)
    monkeypatch.setattr(hmm_module, "CHUNK_ELEMENTS", 3 * 37)
    view = pack_matrix(np.asfortranarray(levels), 5, layout)
    np.testing.assert_array_equal(view.data, whole.data)
    np.testing.assert_array_equal(view.nonempty, whole.nonempty)


@pytest.mark.parametrize("count", [1, 7, 8, 63, 64, 65, 200])
def test_bitmap(count: int) -> None:
    flags = np.random.default_rng(count).random(count) < 0.5
    packed = pack_bitmap(flags)
    number = sum(1 << place for place in np.flatnonzero(flags).tolist())
    assert packed.tobytes() == number.to_bytes(-(-count // 64) * 8, "little")
    np.testing.assert_array_equal(unpack_bitmap(packed, count), flags)


def half_up(value: Fraction) -> tuple[int, int]:
    """Scale into [2**15, 2**16) by trial, then round half up."""
    shift = 0
    while value * Fraction(2) ** shift < 1 << 15:
        shift += 1
    rounded = (value * Fraction(2) ** shift + Fraction(1, 2)).__floor__()
    return (rounded // 2, shift - 1) if rounded == 1 << 16 else (rounded, shift)


@pytest.mark.parametrize("bits", BITS)
def test_row_constants_of_every_small_and_the_greatest_sums(bits: int) -> None:
    sums = np.concatenate((np.arange(2000), [65535, 65536, 65537, (1 << 23) - 1, 5, 0])).astype(np.int64)
    rows = RowNormalizer(bits, EPS).constants(sums, "alpha")
    expected = [half_up(1 / (int(r) + EPS) if r else Fraction(1, 1 << bits)) for r in sums]
    np.testing.assert_array_equal(rows.rho, [rho for rho, _ in expected])
    np.testing.assert_array_equal(rows.sigma, [sigma for _, sigma in expected])
    np.testing.assert_array_equal(unpack_bitmap(rows.zero_rows, sums.size), sums == 0)
    assert (rows.rho.dtype, rows.sigma.dtype) == (np.uint16, np.int16)
    np.testing.assert_array_equal(rows.row_sums, sums)


def test_least_row_sum_refused() -> None:
    with pytest.raises(PackingError) as caught:
        RowNormalizer(8, EPS).constants(np.array([3, 1 << 23]), "beta")
    assert str(caught.value) == (
        "beta: row 1 has levels that add up to 8388608, expected less than 2**23 = 8388608: use fewer index bits"
    )


def reference_model(bits: int) -> tuple[QuantizedHMM, dict[str, npt.NDArray[np.int64]]]:
    with np.load(VECTORS / f"b{bits}.npz") as file:
        vectors = {name: file[name] for name in file.files}

    def tensor(name: str) -> QuantizedTensor:
        return QuantizedTensor(vectors[f"levels_{name}"].astype(np.uint8), bits)

    tensors = (tensor("alpha"), tensor("beta"), tensor("gamma"))
    return QuantizedHMM(*tensors, eos_token_id=int(vectors["eos"]), provenance={"a": "1"}), vectors


@pytest.mark.parametrize("bits", [2, 3, 5, 8])
@pytest.mark.parametrize("layout", Layout)
def test_reference_vectors(layout: Layout, bits: int) -> None:
    quantized, vectors = reference_model(bits)
    model = pack_model(quantized, layout, {"b": "2"})
    for name in ("alpha_by_column", "alpha_by_row", "beta_by_token"):
        matrix: PackedMatrix = getattr(model, name)
        np.testing.assert_array_equal(matrix.data, vectors[f"{layout.value}_{name}"])
        if layout is Layout.SPARSE:
            np.testing.assert_array_equal(matrix.nonempty, vectors[f"nonempty_{name}"])
    for name in ("alpha", "beta"):
        rows = getattr(model, f"{name}_rows")
        np.testing.assert_array_equal(rows.rho, vectors[f"rho_{name}"])
        np.testing.assert_array_equal(rows.sigma, vectors[f"sigma_{name}"])
    np.testing.assert_array_equal(model.gamma_levels, vectors["levels_gamma"].reshape(-1))
    np.testing.assert_array_equal(model.alpha_codebook, np.arange(1 << bits))
    assert model.eos_token_id == int(vectors["eos"])
    assert model.provenance == {"a": "1", "b": "2"}


def one_model(alpha: Levels, beta: Levels, bits: int, pseudocount: Fraction = EPS) -> QuantizedHMM:
    gamma = np.ones((1, alpha.shape[0]), np.uint8)
    tensors = (QuantizedTensor(levels, bits, pseudocount) for levels in (alpha, beta, gamma))
    return QuantizedHMM(next(tensors), next(tensors), next(tensors), eos_token_id=0)


def full(rows: int, columns: int, level: int) -> Levels:
    return np.full((rows, columns), level, np.uint8)


def test_entries_too_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="24 are possible") as caught:
        pack_matrix(full(1, 32769, 1), 8, Layout.SPARSE)
    advice = "use fewer index bits or the dense layout"
    assert str(caught.value) == (
        f"an entry needs 1 + ceil(log2(32769)) + 8 = 25 bits, at most 24 are possible: {advice}"
    )
    monkeypatch.setattr(matrix_module, "ENTRY_WIDTHS", (4,))
    with pytest.raises(PackingError) as refused:
        pack_model(one_model(full(2, 2, 1), full(2, 2, 1), 8), Layout.SPARSE, {})
    assert str(refused.value) == (
        f"layout sparse: an entry needs 1 + ceil(log2(2)) + 8 = 10 bits, at most 4 are possible: {advice}"
    )


def with_tensor(name: str, hidden: int = 1, **parts: Any) -> QuantizedHMM:
    """A model of equal levels, one tensor of it with other rows."""
    whole = one_model(full(hidden, hidden, 1), full(hidden, 2, 1), 8)
    return replace(whole, **{name: replace(getattr(whole, name), **parts)})


def guarded(beta: list[list[int]], alpha: list[list[int]] | None = None, **parts: Any) -> QuantizedHMM:
    """hmm_guard on a model of two states, end-of-text token 0."""
    whole = one_model(np.array(alpha or [[1, 1], [0, 1]], np.uint8), np.array(beta, np.uint8), 3)
    return replace(whole, beta=replace(whole.beta, **parts), guard=True)


FROM_ONE = np.array([1, 2, 3, 4, 5, 6, 7, 8], np.uint16)

REFUSALS = {
    "no end": (
        guarded([[1, 1], [1, 1]]),
        "beta: 0 states emit end-of-text with more than 1/2, expected one with hmm_guard",
    ),
    "two ends": (
        guarded([[2, 1], [7, 0]]),
        "beta: 2 states emit end-of-text with more than 1/2, expected one with hmm_guard",
    ),
    "end leads nowhere": (
        guarded([[0, 1], [7, 0]], [[1, 1], [0, 0]]),
        "alpha: row 1, of end-of-text, has no level, expected some with hmm_guard",
    ),
    "least level with guard": (
        guarded([[0, 1], [7, 0]], codebook=FROM_ONE),
        "beta: index 0 has level 1, expected 0 with hmm_guard",
    ),
    "row sum": (
        one_model(full(1, 1, 1), full(1, 32897, 255), 8),
        "beta: row 0 has levels that add up to 8388735, expected less than 2**23 = 8388608: use fewer index bits",
    ),
    "row sum and leak": (
        one_model(full(1, 1, 1), full(1, 2, 1), 8, Fraction((1 << 23) - 1)),
        "alpha: row 0 has levels that add up to 1 and the leak 8388607, expected less than 2**23 = 8388608: "
        "use fewer index bits",
    ),
    "shift": (
        with_tensor("beta", scale=2.0**-50),
        "beta: row 0 has the scale 32768 * 2**-65, expected a shift in 0..63",
    ),
    "absent level": (
        with_tensor("beta", pseudocount=Fraction(1 << 13)),
        "beta: eps / n = 8192 / 2 stands for an absent level, expected less than 2**12",
    ),
    "significant bits of a codebook": (
        with_tensor("alpha", codebook=np.minimum(np.arange(256) * 200, 4095).astype(np.uint16), hidden=1024),
        "alpha: min(M, F - ceil(log2(H * max(L, R_max) / eps + 1))) = 4 significant bits are left with M = 12, F = 42, "
        "H = 1024, max(L, R_max) = 204800, eps = 1/1000, expected at least 8: use fewer index bits",
    ),
    "significant bits": (
        one_model(full(1024, 1024, 17), full(1024, 2, 1), 5),
        "alpha: min(M, F - ceil(log2(H * max(L, R_max) / eps + 1))) = 7 significant bits are left with M = 12, F = 42, "
        "H = 1024, max(L, R_max) = 17408, eps = 1/1000, expected at least 8: use fewer index bits",
    ),
    "pseudocount": (
        one_model(full(1, 1, 1), full(1, 2, 1), 8, Fraction(1, 3000)),
        "alpha: pseudocount is 1/3000, expected a multiple of 1/1000",
    ),
    "end of text": (
        replace(one_model(full(1, 1, 1), full(1, 2, 1), 8), eos_token_id=2),
        "eos_token_id: is 2, expected 0..1",
    ),
    "shapes": (
        one_model(full(2, 3, 1), full(2, 2, 1), 8),
        "alpha, beta, gamma: shapes are ((2, 3), (2, 2), (1, 2)), expected ((2, 2), (2, 2), (1, 2))",
    ),
    "widths": (
        replace(one_model(full(1, 1, 1), full(1, 2, 1), 8), gamma=QuantizedTensor(full(1, 1, 1), 3)),
        "alpha, beta, gamma: index bits are [8, 8, 3], expected one width",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str) -> None:
    quantized, message = REFUSALS[case]
    with pytest.raises(PackingError) as caught:
        pack_model(quantized, Layout.SPARSE, {})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("hidden", "left"), [(4096, 12), (8192, 11), (16384, 10), (32768, 9)]
)  # ARITHMETIC's figures at 8 bits with R_max = L
def test_significant_bits(hidden: int, left: int) -> None:
    assert significant_bits(hidden, 255, EPS, VectorCode()) == left


ONE = np.ones(1, np.int64)
ZERO = np.zeros(1, np.int64)
BEYOND = "times 2**F = 2**42, expected less than 2**63: use fewer index bits"


@pytest.mark.parametrize(
    ("sums", "fault"),
    [
        # 2**21 * 2**F is 2**63; an ordinary row leaks eps / 2 (beta) or eps, a zero row 2**8 / 2 or 2**8
        (LevelSums(ONE, ONE, ONE, np.array([7, 2097151])), None),
        (
            LevelSums(ONE, ONE, ONE, np.array([7, 2097152])),
            f"beta_by_token: output 1 has levels that add up to 2097152, with the leak at most 2097153, {BEYOND}",
        ),
        (LevelSums(ONE, ONE, ZERO, np.array([2097023, 0])), None),
        (
            LevelSums(ONE, ONE, ZERO, np.array([2097024, 0])),
            f"beta_by_token: output 0 has levels that add up to 2097024, with the leak at most 2097152, {BEYOND}",
        ),
        (
            LevelSums(ZERO, ONE * 2096896, ONE, ONE),
            f"alpha_by_column: output 0 has levels that add up to 2096896, with the leak at most 2097152, {BEYOND}",
        ),
        (LevelSums(ZERO, ONE * 2096895, ONE, ONE), None),
        (
            LevelSums(ONE * 2096896, ONE, ONE, ONE),
            f"alpha_by_row: output 0 has levels that add up to 2096896, with the leak at most 2097152, {BEYOND}",
        ),
    ],
)
def test_accumulator_bound(sums: LevelSums, fault: str | None) -> None:
    alpha, beta = (TensorLeaks(TensorRule(RowRule(), 8, columns, 0)) for columns in (1, sums.beta_tokens.size))
    scale = LevelScale(255, alpha, beta)
    if fault is None:
        check_datapath(sums, scale, VectorCode())
        return
    with pytest.raises(PackingError) as caught:
        check_datapath(sums, scale, VectorCode())
    assert str(caught.value) == fault


def test_memory_while_packing() -> None:
    """Beside the levels: the result and a chunk of 4 MB, well below a second copy of beta (31 MB)."""
    hidden, vocab = 512, 60000
    quantized = one_model(np.eye(hidden, dtype=np.uint8), np.eye(hidden, vocab, dtype=np.uint8), 8)
    pack_model(one_model(full(2, 2, 1), full(2, 2, 1), 8), Layout.SPARSE, {})  # compilation is not packing
    tracemalloc.start()
    try:
        pack_model(quantized, Layout.SPARSE, {})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < hidden * vocab / 3, peak
