"""Passes over the elements of a batch of vectors: scale and encode, fix values, leak, finish of accumulators."""

import numpy as np
import numpy.typing as npt
from numba import prange

from ..jit import kernel, parallel_kernel
from .encode import Codes, CodeShape, Integers, encode_vector, mantissa_exponent, score_code, top

Flags = npt.NDArray[np.bool_]

Constant = tuple[int, int]
"""(mantissa, shift) of a leak constant, as kernels take it."""


@parallel_kernel
def encode_scaled(
    codes: Codes,
    exponents: Integers,
    factors: Integers,
    shifts: Integers,
    code: CodeShape,
    out: Codes,
    out_exponents: Integers,
) -> None:
    """Write ENC(mant(code) * factor) of vectors [B, n] under `exponents` [B].

    Element i of vector v is scaled by factors[v, i] * 2**shifts[v, i]; one row of factors [1, n] serves all vectors.
    """
    for v in prange(codes.shape[0]):
        row = np.int64(v) if factors.shape[0] > 1 else 0  # numba counts prange in uint64, which mixes badly
        mantissas = np.empty(codes.shape[1], np.int64)
        places = np.empty(codes.shape[1], np.int64)
        for i in range(codes.shape[1]):
            mantissa, place = mantissa_exponent(int(codes[v, i]), code[1])
            mantissas[i] = mantissa * factors[row, i]
            places[i] = place + shifts[row, i]
        out_exponents[v] = encode_vector(mantissas, places, exponents[v], code, out[v])


@parallel_kernel
def split_codes(codes: Codes, fraction_bits: int, mantissas: Integers, shifts: Integers) -> None:
    """Write mantissa and exponent of every code [B, n]."""
    for v in prange(codes.shape[0]):
        for i in range(codes.shape[1]):
            mantissas[v, i], shifts[v, i] = mantissa_exponent(int(codes[v, i]), fraction_bits)


@parallel_kernel
def fix_values(codes: Codes, fraction_bits: int, out: Integers) -> None:
    """Write fix of codes [B, n] to `out` [n, B]: the vectors side by side, as a gather reads them."""
    for i in prange(codes.shape[1]):
        for v in range(codes.shape[0]):
            mantissa, place = mantissa_exponent(int(codes[v, i]), fraction_bits)
            out[i, v] = mantissa << place


@kernel
def leak_sums(values: Integers, zero_rows: Flags, ordinary: Integers, zero: Integers) -> None:
    """Write S1 and S0 [B] of fix values [n, B]: sums over rows that have levels, and over those that have none."""
    ordinary[:] = 0
    zero[:] = 0
    for i in range(values.shape[0]):
        sums = zero if zero_rows[i] else ordinary
        for v in range(values.shape[1]):
            sums[v] += values[i, v]


@kernel
def leak_part(total: int, constant: Constant, guard: int) -> int:
    """Return ((total >> G) * Km) >> (Ks - G), a negative shift to the left."""
    mantissa, shift = constant
    # the product may need all 64 bits, one more than an int64 has
    product = np.uint64(total >> guard) * np.uint64(mantissa)
    if shift >= guard:
        return int(product >> np.uint64(shift - guard))
    return int(product << np.uint64(guard - shift))


@parallel_kernel
def encode_accumulators(
    sums: Integers,
    ranks: npt.NDArray[np.int32],
    leaks: Integers,
    exponents: Integers,
    code: CodeShape,
    out: Codes,
    out_exponents: Integers,
) -> None:
    """Write ENC(TOP_24(leak + sum)) [B, n]: element j has the sum of rank ranks[j], none where that is -1.

    `sums` [records, B], `leaks` [B].
    """
    for v in prange(out.shape[0]):
        mantissas = np.empty(out.shape[1], np.int64)
        places = np.empty(out.shape[1], np.int64)
        for j in range(out.shape[1]):
            total = leaks[v]
            if ranks[j] >= 0:
                total += sums[ranks[j], v]
            mantissas[j], places[j] = top(total)
        out_exponents[v] = encode_vector(mantissas, places, exponents[v], code, out[v])


@parallel_kernel
def encode_scaled_accumulators(
    sums: Integers,
    ranks: npt.NDArray[np.int32],
    leaks: Integers,
    zero_leaks: Integers,
    zero_rows: Flags,
    factors: Integers,
    shifts: Integers,
    exponents: Integers,
    code: CodeShape,
    out: Codes,
    out_exponents: Integers,
) -> None:
    """Write ENC(TOP_24(leak + sum) * factor) [B, n], factor [n]; the output of a zero row is its own leak alone."""
    for v in prange(out.shape[0]):
        mantissas = np.empty(out.shape[1], np.int64)
        places = np.empty(out.shape[1], np.int64)
        for j in range(out.shape[1]):
            total = zero_leaks[v] if zero_rows[j] else leaks[v]
            if ranks[j] >= 0:
                total += sums[ranks[j], v]
            mantissa, place = top(total)
            mantissas[j] = mantissa * factors[j]
            places[j] = place + shifts[j]
        out_exponents[v] = encode_vector(mantissas, places, exponents[v], code, out[v])


@parallel_kernel
def encode_scores(sums: Integers, leaks: Integers, out: Codes) -> None:
    """Write SCORE16(leak + sum) of sums [records, B] and leaks [B]."""
    for record in prange(sums.shape[0]):
        for v in range(sums.shape[1]):
            out[record, v] = score_code(sums[record, v] + leaks[v])


@parallel_kernel
def encode_elements(
    mantissas: Integers, shifts: Integers, exponents: Integers, code: CodeShape, out: Codes, out_exponents: Integers
) -> None:
    """Write ENC of elements mantissas * 2**shifts [B, n] under `exponents` [B]."""
    for v in prange(out.shape[0]):
        out_exponents[v] = encode_vector(mantissas[v], shifts[v], exponents[v], code, out[v])
