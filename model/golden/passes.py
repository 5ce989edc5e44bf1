"""Running the element-wise kernels on whole batches, shared among threads."""

from collections.abc import Callable

import numpy as np

from ..parallel import Part, even_parts, run_parts
from .elementwise import Flags, encode_scores, fix_values, split_codes
from .encode import Coded, Codes, Integers, settle_exponents
from .tables import Factors
from .vectors import Vectors

ENCODE_STEPS = 16
"""Elementary steps of producing and encoding one element."""


def encoded(shape: tuple[int, int], what: str, run: Callable[[Part, Coded], None]) -> Vectors:
    """Return the vectors [B, n] that `run(part, out)` writes, B shared among threads.

    Raises ArithmeticRangeError, naming `what`, for an exponent outside its range.
    """
    codes, exponents = np.empty(shape, np.uint16), np.empty(shape[0], np.int64)
    parts = even_parts(shape[0], shape[0] * shape[1] * ENCODE_STEPS)
    run_parts(parts, lambda part: run(part, (codes, exponents)))
    return Vectors(codes, settle_exponents(exponents, what))


def fixed(vectors: Vectors, fraction_bits: int) -> Integers:
    """Return the fix values, [n, B]."""
    values = np.empty((vectors.length, vectors.batch), np.int64)
    parts = even_parts(vectors.length, values.size * 2)
    run_parts(parts, lambda part: fix_values(part, vectors.codes, fraction_bits, values))
    return values


def split(vectors: Vectors, fraction_bits: int) -> Factors:
    """Return mantissas and exponents of the codes, [B, n]."""
    mantissas, shifts = np.empty(vectors.codes.shape, np.int64), np.empty(vectors.codes.shape, np.int64)
    parts = even_parts(vectors.batch, mantissas.size * 2)
    run_parts(parts, lambda part: split_codes(part, vectors.codes, fraction_bits, mantissas, shifts))
    return Factors(mantissas, shifts)


def score_codes(sums: Integers, leaks: Integers, bare: Flags | None = None) -> Codes:
    """Return SCORE16 of sums [records, B] plus leaks [B]; the records marked `bare` have no leak."""
    codes = np.empty(sums.shape, np.uint16)
    marked = np.zeros(len(sums), np.bool_) if bare is None else bare
    run_parts(even_parts(len(sums), sums.size * 4), lambda part: encode_scores(part, sums, leaks, marked, codes))
    return codes
