"""Passes over the elements of a batch of vectors: scale and encode, fix values, leak, finish of accumulators.

Most take the part of a range that they do, vectors where not said otherwise; encoded
vectors are written to `out`, codes and exponents.
"""

import numpy as np
import numpy.typing as npt

from ..jit import kernel
from ..parallel import Part
from .encode import Coded, Codes, CodeShape, Integers, encode_vector, mantissa_exponent, score_code, top

Flags = npt.NDArray[np.bool_]

Constant = tuple[int, int]
"""(mantissa, shift) of a leak constant, as kernels take it."""


@kernel
def encode_scaled(
    part: Part,
    codes: Codes,
    exponents: Integers,
    factors: Integers,
    shifts: Integers,
    code: CodeShape,
    out: Coded,
) -> None:
    """Write ENC(mant(code) * factor) of vectors [B, n] under `exponents` [B].

    Element i of vector v is scaled by factors[v, i] * 2**shifts[v, i]; one row of factors [1, n] serves all vectors.
    """
    codes_out, exponents_out = out
    for v in range(*part):
        row = v if factors.shape[0] > 1 else 0
        mantissas = np.empty(codes.shape[1], np.int64)
        places = np.empty(codes.shape[1], np.int64)
        for i in range(codes.shape[1]):
            mantissa, place = mantissa_exponent(int(codes[v, i]), code[1])
            mantissas[i] = mantissa * factors[row, i]
            places[i] = place + shifts[row, i]
        exponents_out[v] = encode_vector(mantissas, places, exponents[v], code, codes_out[v])


@kernel
def split_codes(part: Part, codes: Codes, fraction_bits: int, mantissas: Integers, shifts: Integers) -> None:
    """Write mantissa and exponent of every code [B, n]."""
    for v in range(*part):
        for i in range(codes.shape[1]):
            mantissas[v, i], shifts[v, i] = mantissa_exponent(int(codes[v, i]), fraction_bits)


@kernel
def fix_values(part: Part, codes: Codes, fraction_bits: int, out: Integers) -> None:
    """Write fix of a part of the elements of codes [B, n] to `out` [n, B]: vectors side by side, for a gather."""
    for i in range(*part):
        for v in range(codes.shape[0]):
            mantissa, place = mantissa_exponent(int(codes[v, i]), fraction_bits)
            out[i, v] = mantissa << place


@kernel
def leak_sums(values: Integers, zero_rows: Flags, closed: int, ordinary: Integers, zero: Integers) -> None:
    """Write S1 and S0 [B] of fix values [n, B]: sums over rows that have levels, and over those that have none.

    The row `closed` (-1: none) leaks nothing.
    """
    ordinary[:] = 0
    zero[:] = 0
    for i in range(values.shape[0]):
        if i == closed:
            continue
        sums = zero if zero_rows[i] else ordinary
        for v in range(values.shape[1]):
            sums[v] += values[i, v]


@kernel
def row_leak_sums(
    values: Integers,
    zero_rows: Flags,
    closed: int,
    weights: Integers,
    right: int,
    ordinary: npt.NDArray[np.uint64],
    zero: Integers,
) -> None:
    """Write S1 and S0 [B] of fix values [n, B] where each row has a leak of its own, `weights` [n] being its g.

    S1 is the sum of (value >> right) * g over rows that have levels; the row `closed` (-1: none) leaks nothing.
    """
    ordinary[:] = 0
    zero[:] = 0
    for i in range(values.shape[0]):
        if i == closed:
            continue
        for v in range(values.shape[1]):
            if zero_rows[i]:
                zero[v] += values[i, v]
            else:
                # the sum may need all 64 bits, one more than an int64 has
                ordinary[v] += np.uint64((values[i, v] >> right) * weights[i])


@kernel
def leak_part(total: int, constant: Constant, guard: int) -> int:
    """Return ((total >> G) * Km) >> (Ks - G), a negative shift to the left."""
    mantissa, shift = constant
    # the product may need all 64 bits, one more than an int64 has
    product = np.uint64(total >> guard) * np.uint64(mantissa)
    if shift >= guard:
        return int(product >> np.uint64(shift - guard))
    return int(product << np.uint64(guard - shift))


@kernel
def encode_accumulators(
    part: Part,
    sums: Integers,
    ranks: npt.NDArray[np.int32],
    leaks: Integers,
    exponents: Integers,
    code: CodeShape,
    out: Coded,
) -> None:
    """Write ENC(TOP_24(leak + sum)) [B, n]: element j has the sum of rank ranks[j], none where that is -1.

    `sums` [records, B], `leaks` [B].
    """
    codes_out, exponents_out = out
    for v in range(*part):
        mantissas = np.empty(codes_out.shape[1], np.int64)
        places = np.empty(codes_out.shape[1], np.int64)
        for j in range(codes_out.shape[1]):
            total = leaks[v]
            if ranks[j] >= 0:
                total += sums[ranks[j], v]
            mantissas[j], places[j] = top(total)
        exponents_out[v] = encode_vector(mantissas, places, exponents[v], code, codes_out[v])


@kernel
def encode_scaled_accumulators(
    part: Part,
    sums: Integers,
    ranks: npt.NDArray[np.int32],
    leaks: Integers,
    zero_leaks: Integers,
    zero_rows: Flags,
    closed: int,
    factors: Integers,
    shifts: Integers,
    exponents: Integers,
    code: CodeShape,
    out: Coded,
) -> None:
    """Write ENC(TOP_24(leak + sum) * factor) [B, n], factor [n]; the output of a zero row is its own leak alone.

    Leaks are [1, B], or [n, B] where each row has its own; the output of the row `closed` (-1: none) has none.
    """
    codes_out, exponents_out = out
    for v in range(*part):
        mantissas = np.empty(codes_out.shape[1], np.int64)
        places = np.empty(codes_out.shape[1], np.int64)
        for j in range(codes_out.shape[1]):
            total = zero_leaks[v] if zero_rows[j] else leaks[j if leaks.shape[0] > 1 else 0, v]
            if j == closed:
                total = 0
            if ranks[j] >= 0:
                total += sums[ranks[j], v]
            mantissa, place = top(total)
            mantissas[j] = mantissa * factors[j]
            places[j] = place + shifts[j]
        exponents_out[v] = encode_vector(mantissas, places, exponents[v], code, codes_out[v])


@kernel
def encode_scores(part: Part, sums: Integers, leaks: Integers, bare: Flags, out: Codes) -> None:
    """Write SCORE16(leak + sum) of a part of the records, sums [records, B], leaks [B]; no leak where `bare`."""
    for record in range(*part):
        for v in range(sums.shape[1]):
            out[record, v] = score_code(sums[record, v] if bare[record] else sums[record, v] + leaks[v])


@kernel
def encode_elements(
    part: Part,
    mantissas: Integers,
    shifts: Integers,
    exponents: Integers,
    code: CodeShape,
    out: Coded,
) -> None:
    """Write ENC of elements mantissas * 2**shifts [B, n] under `exponents` [B]."""
    codes_out, exponents_out = out
    for v in range(*part):
        exponents_out[v] = encode_vector(mantissas[v], shifts[v], exponents[v], code, codes_out[v])
