"""What the datapath's operations take and give: batches of coded vectors, and score records."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..formats import SCORE16, ZERO_EXPONENT, VectorCode

Codes = npt.NDArray[np.uint16]
Exponents = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Vectors:
    """B vectors of n elements; element i of vector v stands for fix(codes[v, i]) * 2**exponents[v]."""

    codes: Codes
    """[B, n] uint16."""
    exponents: Exponents
    """[B] int32; ZERO_EXPONENT for the vector of zeros, otherwise -32767..32767."""

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.codes.dtype != np.uint16:
            raise ValueError(f"codes must be a uint16 matrix [B, n], got {self.codes.dtype} {self.codes.shape!r}")
        if self.exponents.shape != self.codes.shape[:1] or self.exponents.dtype != np.int32:
            raise ValueError(
                f"exponents must be int32 [{self.codes.shape[0]}], got {self.exponents.dtype} {self.exponents.shape!r}"
            )

    @classmethod
    def zeros(cls, batch: int, length: int) -> "Vectors":
        """Return `batch` vectors of `length` zeros."""
        return cls(np.zeros((batch, length), np.uint16), np.full(batch, ZERO_EXPONENT, np.int32))

    @property
    def batch(self) -> int:
        """B."""
        return self.codes.shape[0]

    @property
    def length(self) -> int:
        """n."""
        return self.codes.shape[1]

    def take(self, rows: npt.NDArray[np.integer]) -> "Vectors":
        """Return the vectors of these numbers, in their order: how beams are reordered and repeated."""
        return Vectors(self.codes[rows], self.exponents[rows])


@dataclass(frozen=True, eq=False)
class Scores:
    """SCORE16 codes of B vectors as the engine writes them: the leak once, then one record for each stored output.

    The score of token v under vector k stands for the code's value * 2**exponents[k].
    """

    leak: Codes
    """[B] uint16, the score of every output without an entry."""
    codes: Codes
    """[records, B] uint16 in order of rank; dense matrices store every output."""
    exponents: Exponents
    """[B] int32; ZERO_EXPONENT where the vector is zero."""

    def of(self, vectors: slice) -> "Scores":
        """Return the scores under some of the vectors."""
        return Scores(self.leak[vectors], self.codes[:, vectors], self.exponents[vectors])

    def expand(self, nonempty: npt.NDArray[np.bool_]) -> Codes:
        """Return [B, V], a code for every output; `nonempty` [V] marks those that have a record.

        Raises ValueError unless it marks as many as there are records.
        """
        marked = int(np.count_nonzero(nonempty))
        if marked != self.codes.shape[0]:
            raise ValueError(f"nonempty marks {marked} outputs, expected {self.codes.shape[0]}, one a record")
        expanded = np.repeat(self.leak[:, np.newaxis], nonempty.size, axis=1)
        expanded[:, nonempty] = self.codes.T
        return expanded


@dataclass(frozen=True, eq=False)
class ListedScores:
    """SCORE16 codes of B vectors at listed tokens only."""

    leak: Codes
    """[B] uint16, the score of a token without an entry."""
    codes: Codes
    """[tokens, B] uint16, in the order of the list."""
    exponents: Exponents
    """[B] int32; ZERO_EXPONENT where the vector is zero."""


def code_values(codes: Codes, code: VectorCode) -> Floats:
    """Return fix(code) of vector elements, any shape, exactly in float64; times 2**exponent it is the value."""
    k, fraction = codes >> code.fraction_bits, codes & ((1 << code.fraction_bits) - 1)
    significand = np.where(k == 0, fraction, fraction | (1 << code.fraction_bits)).astype(np.float64)
    return np.ldexp(significand, np.maximum(k.astype(np.int32) - 1, 0))


def score_values(codes: Codes) -> Floats:
    """Return the value of SCORE16 codes, any shape, exactly in float64; times 2**exponent it is the score."""
    k, fraction = codes >> SCORE16.fraction_bits, codes & ((1 << SCORE16.fraction_bits) - 1)
    significand = np.where(k == 0, 0, fraction | (1 << SCORE16.fraction_bits)).astype(np.float64)
    return np.ldexp(significand, k.astype(np.int32) - 1 - SCORE16.fraction_bits)
