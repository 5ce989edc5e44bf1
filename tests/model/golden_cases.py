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
from normq.model.packing.matrix import PackedModel
from normq.model.packing.model import pack_model
from normq.model.packing.rows import RowNormalizer
from normq.model.quantize.tensor import QuantizedHMM, QuantizedTensor

from .oracle import Code, Oracle, Tensor, Vector

Levels = npt.NDArray[np.uint8]
Codebook = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Model:
    """Levels of one small model, and both ways to compute with it."""

    alpha: Levels
    beta: Levels
    gamma: Levels
    bits: int
    code: VectorCode
    codebook: Codebook | None = None
    """In place of the identity, for alpha and beta."""

    @property
    def shape(self) -> tuple[int, int]:
        """(H, V)."""
        return self.beta.shape[0], self.beta.shape[1]

    def oracle(self) -> Oracle:
        identity = list(range(1 << self.bits))
        codebook = identity if self.codebook is None else self.codebook.tolist()
        alpha, beta = (Tensor(levels.tolist(), self.bits, codebook) for levels in (self.alpha, self.beta))
        gamma = Tensor(self.gamma.tolist(), self.bits, identity)
        return Oracle(alpha, beta, gamma, Code(self.code.exponent_bits, self.code.significand_bits))

    def golden(self, layout: Layout) -> GoldenModel:
        tensors = (QuantizedTensor(levels, self.bits) for levels in (self.alpha, self.beta, self.gamma))
        packed = pack_model(QuantizedHMM(*tensors, eos_token_id=0), layout, {})
        return GoldenModel(self._with_codebook(packed), self.code)

    def _with_codebook(self, packed: PackedModel) -> PackedModel:
        if self.codebook is None:
            return packed
        normalizer = RowNormalizer(self.bits, Fraction(1, 1000))
        sums = (self.codebook[levels].sum(axis=1, dtype=np.int64) for levels in (self.alpha, self.beta))
        alpha_rows, beta_rows = (normalizer.constants(row_sums, "rows") for row_sums in sums)
        return replace(
            packed,
            alpha_rows=alpha_rows,
            beta_rows=beta_rows,
            alpha_codebook=self.codebook,
            beta_codebook=self.codebook,
        )


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
