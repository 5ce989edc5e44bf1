"""ENC, the one rounding operation, and the exact steps around it: mantissas, TOP_n, SCORE16."""

import numpy as np
import numpy.typing as npt

from ..errors import ArithmeticRangeError
from ..formats import EXPONENT_LIMIT, SCORE16, TOP_BITS, ZERO_EXPONENT, VectorCode
from ..jit import kernel
from .bits import bit_length

Codes = npt.NDArray[np.uint16]
Exponents = npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]

CodeShape = tuple[int, int]
"""(exponent bits E, fraction bits M - 1) of a vector code, as kernels take it."""

Coded = tuple[Codes, Integers]
"""What ENC writes of a batch: codes [B, n] and exponents [B]."""

ALL_ZERO = -(1 << 62)
"""Exponent that ENC gives a vector without a non-zero element; no other vector comes near it."""


def code_shape(code: VectorCode) -> CodeShape:
    """Return the shape of a vector code."""
    return code.exponent_bits, code.fraction_bits


def settle_exponents(exponents: Integers, what: str) -> Exponents:
    """Return exponents [B] that ENC gave as int32, ALL_ZERO as ZERO_EXPONENT.

    Raises ArithmeticRangeError, naming `what` was encoded and the vector, for one outside -32767..32767.
    """
    zero = exponents == ALL_ZERO
    outside = np.flatnonzero((np.abs(exponents) > EXPONENT_LIMIT) & ~zero)
    if outside.size:
        vector = int(outside[0])
        raise ArithmeticRangeError(
            f"{what}: vector {vector} has the exponent {exponents[vector]}, "
            f"expected -{EXPONENT_LIMIT}..{EXPONENT_LIMIT}"
        )
    return np.where(zero, ZERO_EXPONENT, exponents).astype(np.int32)


_SCORE_FRACTION_BITS = SCORE16.fraction_bits
_SCORE_FRACTION_MASK = (1 << SCORE16.fraction_bits) - 1


@kernel
def mantissa_exponent(code: int, fraction_bits: int) -> tuple[int, int]:
    """Return (m, e) with fix(code) == m << e."""
    k = code >> fraction_bits
    fraction = code & ((1 << fraction_bits) - 1)
    if k == 0:
        return fraction, 0
    return fraction | (1 << fraction_bits), k - 1


@kernel
def top(value: int) -> tuple[int, int]:
    """Return TOP_24: (t, h) with t = value >> h of at most 24 bits."""
    drop = max(0, bit_length(value) - TOP_BITS)
    return value >> drop, drop


@kernel
def score_code(value: int) -> int:
    """Return the SCORE16 code of an accumulator, 0 <= value < 2**63."""
    k = bit_length(value)
    if k == 0:
        return 0
    drop = k - 1 - _SCORE_FRACTION_BITS
    fraction = value >> drop if drop >= 0 else value << -drop
    return (k << _SCORE_FRACTION_BITS) | (fraction & _SCORE_FRACTION_MASK)


@kernel
def encode_vector(mantissas: Integers, shifts: Integers, exponent: int, code: CodeShape, out: Codes) -> int:
    """ENC: write the codes of elements mantissas[i] * 2**(shifts[i] + exponent) to `out` [n], return the new exponent.

    Mantissas are below 2**63. ALL_ZERO is returned when all are 0; the range of the exponent is the caller's to check.
    """
    exponent_bits, fraction_bits = code
    significand_bits = fraction_bits + 1
    greatest = (1 << (exponent_bits + fraction_bits)) - 1
    greatest_length = ALL_ZERO
    for i in range(out.size):
        if mantissas[i] != 0:
            greatest_length = max(greatest_length, bit_length(mantissas[i]) + shifts[i])
    if greatest_length == ALL_ZERO:
        out[:] = 0
        return ALL_ZERO
    step = greatest_length - (significand_bits + (1 << exponent_bits) - 2)
    for i in range(out.size):
        value = mantissas[i]
        if value == 0:
            out[i] = 0
            continue
        place = max(step, bit_length(value) + shifts[i] - significand_bits)
        rounded = _round_half_up(value, place - shifts[i])
        out[i] = min(((place - step) << fraction_bits) + rounded, greatest)
    return exponent + step


@kernel
def _round_half_up(value: int, drop: int) -> int:
    if drop <= 0:
        return value << -drop
    if drop > 63:
        return 0
    return ((value >> (drop - 1)) + 1) >> 1
