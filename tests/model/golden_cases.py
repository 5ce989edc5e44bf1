"""Random and adversarial models and vectors, for the golden model and for the plain-integer oracle alike."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from normq.model.config import Layout
from normq.model.formats import VectorCode
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import Vectors
from normq.model.packing.model import pack_model
from normq.model.quantize.tensor import QuantizedHMM, QuantizedTensor, ZeroRows

from .oracle import Code, Oracle, Tensor, Vector, row_leak_code

Levels = npt.NDArray[np.uint8]
Codebook = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Rows:
    """What a tensor has beside its indices; Norm-Q's where nothing is said."""

    codebook: Codebook | None = None
    pseudocount: Fraction = Fraction(1, 1000)
    scale: float | None = None
    zero_rows: ZeroRows = ZeroRows.UNIFORM
    leaks: Levels | None = None
    """row_mass_leak: a code for each row."""

    def oracle(self, levels: Levels, bits: int) -> Tensor:
        codebook = list(range(1 << bits)) if self.codebook is None else self.codebook.tolist()
        scale = None if self.scale is None else Fraction(self.scale)
        is_empty, leaks = self.zero_rows is ZeroRows.EMPTY, None if self.leaks is None else self.leaks.tolist()
        return Tensor(levels.tolist(), bits, codebook, self.pseudocount, scale, is_empty, leak_codes=leaks)

    def tensor(self, levels: Levels, bits: int) -> QuantizedTensor:
        return QuantizedTensor(levels, bits, self.pseudocount, self.codebook, self.scale, self.zero_rows, self.leaks)


@dataclass(frozen=True, eq=False)
class Model:
    """Levels of one small model, and both ways to compute with it."""

    alpha: Levels
    beta: Levels
    gamma: Levels
    bits: int
    code: VectorCode
    rows: tuple[Rows, Rows, Rows] = (Rows(), Rows(), Rows())
    """Of alpha, beta, gamma."""
    method: str = "norm-q"
    end: int | None = None
    """With hmm_guard the state of end-of-text, token 0."""

    @property
    def shape(self) -> tuple[int, int]:
        """(H, V)."""
        return self.beta.shape[0], self.beta.shape[1]

    def oracle(self) -> Oracle:
        pairs = zip(self.rows, (self.alpha, self.beta, self.gamma), strict=True)
        alpha, beta, gamma = (rows.oracle(levels, self.bits) for rows, levels in pairs)
        alpha = replace(alpha, closed_row=self.end)
        beta = replace(beta, closed_row=self.end, closed_column=None if self.end is None else 0)
        return Oracle(alpha, beta, gamma, Code(self.code.exponent_bits, self.code.significand_bits))

    def quantized(self) -> QuantizedHMM:
        pairs = zip(self.rows, (self.alpha, self.beta, self.gamma), strict=True)
        alpha, beta, gamma = (rows.tensor(levels, self.bits) for rows, levels in pairs)
        return QuantizedHMM(alpha, beta, gamma, eos_token_id=0, guard=self.end is not None)

    def golden(self, layout: Layout) -> GoldenModel:
        return GoldenModel(pack_model(self.quantized(), layout, {}), self.code)


def codebook_of(bits: int, least: int, seed: int = 0) -> Codebook:
    """Rising levels of up to 12 bits from `least` on, some of them equal, the least for index 0 alone."""
    rng = np.random.default_rng([seed, bits, least])
    levels = np.sort(rng.integers(least + 1, 1 << 12, (1 << bits) - 1))
    levels[-1] = (1 << 12) - 1
    return np.concatenate([[least], levels]).astype(np.uint16)


KINDS = ("codebook", "least level", "linear", "k-means scale", "empty rows")


def other_rows(kind: str, bits: int) -> tuple[Rows, Rows, Rows]:
    """Rows of alpha, beta and gamma as no Norm-Q has them, each with numbers of its own."""
    low, none, eps = (codebook_of(bits, 0, seed) for seed in range(3)), Fraction(0), Fraction
    from_three = (codebook_of(bits, 3 + seed, seed) for seed in range(3))
    if kind == "codebook":
        a, b, c = (Rows(codebook) for codebook in low)
        return replace(a, pseudocount=eps(23, 1000)), replace(b, pseudocount=eps(2)), c
    if kind == "least level":
        a, b, c = (Rows(codebook) for codebook in from_three)
        return replace(a, pseudocount=none), b, replace(c, pseudocount=eps(7, 1000))
    if kind == "linear":
        scales = (1 / 255, 0.0123, 0.3)
        a, b, c = (Rows(None, none, scale, ZeroRows.EMPTY) for scale in scales)
        return a, b, c
    if kind == "k-means scale":
        a, b, c = (Rows(codebook, eps(5), 1 / 4095, ZeroRows.EMPTY) for codebook in from_three)
        return a, replace(b, scale=0.25 / 4095, pseudocount=eps(1, 1000)), c
    a, b, c = (Rows(None, none, None, policy) for policy in (ZeroRows.EMPTY, ZeroRows.EMPTY, ZeroRows.UNIFORM))
    return a, b, c


def with_rows(model: Model, kind: str) -> Model:
    """The same indices with other rows."""
    return replace(model, rows=other_rows(kind, model.bits), method=kind)


def with_guard(model: Model, end: int) -> Model:
    """hmm_guard on the same model, but that state `end` emits little else than end-of-text, and others little of it."""
    alpha, beta = model.alpha.copy(), model.beta.copy()
    alpha[end, end] = 1
    beta[:, 0] = 0
    beta[end] = 0
    beta[end, 1] = 1
    beta[end, 0] = (1 << model.bits) - 1
    # a row in which end-of-text has a level beside another
    other = (end + 1) % len(beta)
    beta[other, 0], beta[other, 1:] = 1, (1 << model.bits) - 1
    a, b, c = model.rows
    if b.scale is not None:
        b = replace(b, scale=0.9 / (1 << model.bits))
    return replace(model, alpha=alpha, beta=beta, rows=(a, b, c), method=f"{model.method} guard", end=end)


def with_row_leaks(model: Model, seed: int = 0) -> Model:
    """row_mass_leak on the same model: leaks from the least to the greatest, also where rows are alike."""
    rng = np.random.default_rng([seed, model.bits])

    def leaks(rows: Rows, levels: Levels) -> Rows:
        tensor = rows.tensor(levels, model.bits)
        least = row_leak_code(tensor.effective_pseudocount)
        codes = rng.integers(least, 256, len(levels))
        codes[rng.random(codes.size) < 0.2] = least
        codes[(tensor.row_sums == 0) | (np.arange(codes.size) == model.end)] = least
        return replace(rows, leaks=codes.astype(np.uint8))

    alpha, beta, gamma = model.rows
    rows = leaks(alpha, model.alpha), leaks(beta, model.beta), gamma
    return replace(model, rows=rows, method=f"{model.method} row leaks")


def random_model(hidden: int, vocab: int, bits: int, code: VectorCode, density: float, seed: int = 0) -> Model:
    """Rows without a level, outputs without a level and full rows occur whatever the density."""
    rng = np.random.default_rng([seed, hidden, vocab, bits])

    def levels(rows: int, columns: int) -> Levels:
        drawn = rng.integers(1, 1 << bits, (rows, columns), np.uint8)
        drawn[rng.random(drawn.shape) >= density] = 0
        if rows > 2:
            full, empty = rng.permutation(rows)[:2]
            drawn[full], drawn[empty], drawn[:, rng.integers(columns)] = (1 << bits) - 1, 0, 0
        return drawn

    gamma = levels(1, hidden)
    gamma[0, 0] = 1
    return Model(levels(hidden, hidden), levels(hidden, vocab), gamma, bits, code)


def vectors_of(length: int, code: VectorCode, seed: int = 0) -> Vectors:
    """A batch of vectors that no random draw would hit, and some that it would."""
    rng = np.random.default_rng([seed, length])
    greatest, one = code.greatest_code, 1 << code.fraction_bits
    rows = [
        np.zeros(length),
        np.eye(length)[length // 2] * greatest,
        np.eye(length)[length - 1],
        np.full(length, greatest),
        np.full(length, 1),
        np.full(length, one),
        np.arange(length) % 2 * (one - 1) + 1,  # the greatest subnormal beside the least
        np.where(np.arange(length) == 0, greatest, 1),
        rng.integers(0, greatest + 1, length),
        rng.integers(0, greatest + 1, length) * (rng.random(length) < 0.3),
        rng.integers(0, one, length),
        greatest - rng.integers(0, 3, length),
    ]
    codes = np.array(rows).astype(np.uint16)
    exponents = rng.integers(-20000, 20000, len(rows)).astype(np.int32)
    exponents[~codes.any(axis=1)] = -32768
    return Vectors(codes, exponents)


def plain(vectors: Vectors) -> list[Vector]:
    """The same vectors for the oracle."""
    return list(zip(vectors.codes.tolist(), vectors.exponents.tolist(), strict=True))


def assert_vectors(found: Vectors, expected: list[Vector]) -> None:
    same: Any = np.testing.assert_array_equal
    same(found.codes, [codes for codes, _ in expected])
    same(found.exponents, [exponent for _, exponent in expected])
