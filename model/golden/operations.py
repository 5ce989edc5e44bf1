"""The bit-accurate datapath: what the accelerator computes, operation by operation, from the same packed bytes.

Every quantity is an unsigned integer; ENC alone rounds. Any number of threads gives the same bits.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..errors import OptionError
from ..formats import VectorCode
from ..packing.bitmap import unpack_bitmap
from ..packing.matrix import PackedModel, above_least
from .constants import Operation, leak_constants
from .elementwise import (
    encode_accumulators,
    encode_elements,
    encode_scaled,
    encode_scaled_accumulators,
)
from .encode import Integers, code_shape
from .gather import Gather
from .leak import Leak
from .passes import encoded, fixed, score_codes, split
from .tables import Factors, RowTables, initial_factors
from .vectors import ListedScores, Scores, Vectors

Tokens = Sequence[int] | npt.NDArray[np.integer]


class GoldenModel:
    """A packed model to compute with, vectors in the format `code`; dense and sparse give identical bits.

    The model is well-formed (`read_artifact` and `pack_model` see to it) and fits a datapath of this code.
    Methods raise ValueError for vectors of a wrong length, OptionError for a token outside the vocabulary and
    ArithmeticRangeError where a vector's exponent leaves its range. The vector of zeros stays one.
    """

    def __init__(self, packed: PackedModel, code: VectorCode | None = None) -> None:
        self.packed = packed
        self.code = code or VectorCode()
        self.tables = RowTables.of(packed)
        alpha_levels, beta_levels = above_least(packed.alpha_codebook), above_least(packed.beta_codebook)
        self.by_column = Gather.of(packed.alpha_by_column, alpha_levels)
        self.by_row = Gather.of(packed.alpha_by_row, alpha_levels)
        self.by_token = Gather.of(packed.beta_by_token, beta_levels)
        self._shape = code_shape(self.code)
        self._closed = -1 if packed.end_state is None else packed.end_state
        self._bare = self._bare_records()
        self._leak = {operation: self._leak_of(operation) for operation in Operation}

    @property
    def nonempty_tokens(self) -> npt.NDArray[np.bool_]:
        """[V] the tokens that have a record of scores; all in the dense layout."""
        bitmap = self.packed.beta_by_token.nonempty
        vocab = self.packed.vocab_size
        return unpack_bitmap(bitmap, vocab) if bitmap.size else np.ones(vocab, np.bool_)

    def initial(self, batch: int = 1) -> Vectors:
        """Return A_0, the initial distribution, `batch` times."""
        elements = initial_factors(self.packed)
        vector = self.encode(elements.mantissas[np.newaxis], elements.shifts[np.newaxis], np.zeros(1, np.int64))
        return vector.take(np.zeros(batch, np.int64))

    def forward(self, vectors: Vectors, tokens: Tokens) -> Vectors:
        """Return A_{t+1} of A_t, whose states emitted `tokens` [B]."""
        z = self.forward_input(vectors, tokens)
        values = self._fix(z)
        leaks = self._leak[Operation.FORWARD].of(values)
        sums, ranks = self.by_column.sums(values), self.by_column.ranks
        exponents = _wide(z.exponents)
        return encoded(
            z.codes.shape,
            "forward",
            lambda part, out: encode_accumulators(part, sums, ranks, leaks, exponents, self._shape, out),
        )

    def backward(self, vectors: Vectors) -> Vectors:
        """Return alpha times a column vector, B of them."""
        self._check_length(vectors)
        values = self._fix(vectors)
        leaks = self._leak[Operation.BACKWARD].of_rows(values)
        sums, ranks = self.by_row.sums(values), self.by_row.ranks
        rows, zero_rows, exponents = self.tables.alpha, self.tables.alpha_zero, _wide(vectors.exponents)
        factors = (rows.mantissas, rows.shifts)
        return encoded(
            vectors.codes.shape,
            "backward",
            lambda part, out: encode_scaled_accumulators(
                part, sums, ranks, *leaks, zero_rows, self._closed, *factors, exponents, self._shape, out
            ),
        )

    def scores(self, vectors: Vectors) -> Scores:
        """Return the score of every token: the vector times beta."""
        return self._scores_of(self.scores_input(vectors))

    def listed_scores(
        self, vectors: Vectors, tokens: Tokens, second: Vectors | None = None, *, ends: bool = False
    ) -> ListedScores:
        """Return the scores of listed tokens only, equal to those of `scores`, or of `product_scores` with `second`."""
        z = self.scores_input(vectors) if second is None else self.product_scores_input(vectors, second, ends=ends)
        listed = self.check_tokens(tokens)
        values = self._fix(z)
        leaks = self._leak[Operation.SCORES].of(values)
        bare = (listed == self.packed.eos_token_id) & (self._closed >= 0)
        leak = score_codes(np.zeros((1, z.batch), np.int64), leaks)
        codes = score_codes(self.by_token.listed_sums(listed, values), leaks, bare)
        return ListedScores(leak[0], codes, z.exponents)

    def product(self, a: Vectors, c: Vectors) -> Vectors:
        """Return the element-wise products of B pairs of vectors."""
        return self._scaled(a, self._split(a, c), _wide(a.exponents) + _wide(c.exponents), "product")

    def product_scores(self, a: Vectors, c: Vectors, *, ends: bool = False) -> Scores:
        """Return the scores of the products, which are encoded only once, with their row factors.

        With hmm_guard they are those of tokens other than end-of-text, unless `ends`.
        """
        return self._scores_of(self.product_scores_input(a, c, ends=ends))

    def forward_input(self, vectors: Vectors, tokens: Tokens) -> Vectors:
        """Return z of forward: the vectors times emission and row factors, encoded."""
        self._check_length(vectors)
        factors = self._emission_factors(self.check_tokens(tokens), vectors.batch)
        return self._scaled(vectors, factors, _wide(vectors.exponents), "forward input")

    def scores_input(self, vectors: Vectors) -> Vectors:
        """Return z of scores: the vectors times beta's row factors, encoded."""
        self._check_length(vectors)
        beta = self.tables.beta
        factors = Factors(beta.mantissas[np.newaxis], beta.shifts[np.newaxis])
        return self._scaled(vectors, factors, _wide(vectors.exponents), "scores input")

    def product_scores_input(self, a: Vectors, c: Vectors, *, ends: bool = False) -> Vectors:
        """Return z of the scores of products: three factors, encoded once.

        With hmm_guard the element of the state of end-of-text is 0 unless `ends`: no other token comes from there, and
        it could push the others below the range of the code.
        """
        exponents = _wide(a.exponents) + _wide(c.exponents)
        factors = self._split(a, c) * self.tables.beta
        if self._closed >= 0 and not ends:
            factors.mantissas[:, self._closed] = 0
        return self._scaled(a, factors, exponents, "product scores input")

    def encode(self, mantissas: Integers, shifts: Integers, exponents: Integers, what: str = "vector") -> Vectors:
        """Return ENC of elements mantissas * 2**shifts [B, n] under exponents [B], mantissas in 0..2**63 - 1."""
        return encoded(
            mantissas.shape,
            what,
            lambda part, out: encode_elements(part, mantissas, shifts, exponents, self._shape, out),
        )

    def _scaled(self, vectors: Vectors, factors: Factors, exponents: Integers, what: str) -> Vectors:
        scales = (factors.mantissas, factors.shifts)
        return encoded(
            vectors.codes.shape,
            what,
            lambda part, out: encode_scaled(part, vectors.codes, exponents, *scales, self._shape, out),
        )

    def _scores_of(self, z: Vectors) -> Scores:
        values = self._fix(z)
        leaks = self._leak[Operation.SCORES].of(values)
        leak = score_codes(np.zeros((1, z.batch), np.int64), leaks)
        return Scores(leak[0], score_codes(self.by_token.sums(values), leaks, self._bare), z.exponents)

    def _bare_records(self) -> npt.NDArray[np.bool_]:
        """Return which records of scores have no leak: with hmm_guard that of end-of-text, which has entries."""
        bare = np.zeros(self.by_token.directory.occupied.size, np.bool_)
        if self.packed.end_state is not None:
            bare[self.by_token.ranks[self.packed.eos_token_id]] = True
        return bare

    def _emission_factors(self, tokens: Integers, batch: int) -> Factors:
        """Return em * kappa, [B, H]: the token's levels written over what stands for absent ones."""
        if tokens.size != batch:
            raise ValueError(f"tokens must be one for each of {batch} vectors, got {tokens.size}")
        absent, kappa = self.tables.absent_emission, self.tables.kappa
        mantissas, shifts = np.tile(absent.mantissas, (batch, 1)), np.tile(absent.shifts, (batch, 1))
        for v, token in enumerate(tokens):
            entries = self.by_token.output(int(token))
            there = entries.inputs
            if self._closed >= 0 and token == self.packed.eos_token_id:
                mantissas[v] = 0
            mantissas[v, there] = self.tables.emission_levels[entries.levels] * kappa.mantissas[there]
            shifts[v, there] = kappa.shifts[there]
        return Factors(mantissas, shifts)

    def _split(self, vectors: Vectors, others: Vectors) -> Factors:
        """Return the elements of `others` as factors of as many `vectors`."""
        self._check_length(vectors)
        self._check_length(others)
        if vectors.batch != others.batch:
            raise ValueError(f"a product needs equally many vectors, got {vectors.batch} and {others.batch}")
        return split(others, self.code.fraction_bits)

    def _fix(self, vectors: Vectors) -> Integers:
        return fixed(vectors, self.code.fraction_bits)

    def _leak_of(self, operation: Operation) -> Leak:
        tables, constants = self.tables, leak_constants(self.packed, operation, self.code)
        if operation is Operation.SCORES:
            return Leak(constants, tables.beta_zero, self._closed, tables.beta_leaks)
        return Leak(constants, tables.alpha_zero, self._closed, tables.alpha_leaks)

    def _check_length(self, vectors: Vectors) -> None:
        if vectors.length != self.packed.hidden_states:
            raise ValueError(f"vectors have {vectors.length} elements, expected {self.packed.hidden_states}")

    def check_tokens(self, tokens: Tokens) -> Integers:
        """Return a list of tokens as integers; raise OptionError for one outside the vocabulary."""
        listed = np.asarray(tokens, np.int64).reshape(-1)
        wrong = listed[(listed < 0) | (listed >= self.packed.vocab_size)]
        if wrong.size:
            raise OptionError(f"tokens: {int(wrong[0])} given, expected 0..{self.packed.vocab_size - 1}")
        return listed


def _wide(exponents: npt.NDArray[np.int32]) -> Integers:
    return exponents.astype(np.int64)
