"""Constants that follow from a model's sizes: the leak of an operation, and what stands for an absent level."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from ..formats import CONSTANT_BITS, MantissaShift, VectorCode, ceil_log2
from ..packing.matrix import PackedModel

PRODUCT_BITS = 64
"""A sum of fix values, guard bits dropped, times a leak constant fits these bits."""

EDGE_FRACTION_BITS = 40
"""Fraction bits of an edge weight's fixed-point sum."""


class Operation(Enum):
    """The operations of the matrix engine."""

    FORWARD = "forward"
    BACKWARD = "backward"
    SCORES = "scores"


@dataclass(frozen=True)
class LeakConstants:
    """What turns the sums S1, S0 of fix values into the leak of one vector."""

    ordinary: MantissaShift
    """K1 = eps / n, the leak of a row that has levels; also what stands for an absent level."""
    zero: MantissaShift
    """K0 = 2**b / n, the leak of a row without levels."""
    guard: int
    """G: low bits of S1 and S0 dropped before the product, so that it fits 64 bits."""


def leak_constants(model: PackedModel, operation: Operation, code: VectorCode | None = None) -> LeakConstants:
    """Return K1, K0 and G of an operation on vectors of format `code` (the default format where None).

    n is the row length, V for scores and H otherwise; G follows from the number of inputs, H.
    """
    ordinary, zero = absent_levels(model, row_length(model, operation))
    return LeakConstants(ordinary, zero, guard_bits(model.hidden_states, code or VectorCode()))


def row_length(model: PackedModel, operation: Operation) -> int:
    """Return n, the columns of the matrix whose rows the operation normalizes."""
    return model.vocab_size if operation is Operation.SCORES else model.hidden_states


def absent_levels(model: PackedModel, columns: int) -> tuple[MantissaShift, MantissaShift]:
    """Return K1 and K0: what stands for an absent level in a row of `columns` with levels, and in one without."""
    ordinary, zero = exact_absent_levels(model, columns)
    return MantissaShift.of(ordinary), MantissaShift.of(zero)


def exact_absent_levels(model: PackedModel, columns: int) -> tuple[Fraction, Fraction]:
    """Return eps / n and 2**b / n before any rounding."""
    return Fraction(model.pseudocount_per_mille, 1000 * columns), Fraction(1 << model.bits, columns)


def edge_levels(model: PackedModel) -> tuple[int, int]:
    """Return K1 and K0 of beta with EDGE_FRACTION_BITS fraction bits, rounded half up."""
    ordinary, zero = exact_absent_levels(model, model.vocab_size)
    return _half_up(ordinary), _half_up(zero)


def guard_bits(inputs: int, code: VectorCode) -> int:
    """Return G for an operation with `inputs` inputs at run time."""
    return max(0, code.fix_bits + ceil_log2(inputs) + CONSTANT_BITS - PRODUCT_BITS)


def _half_up(value: Fraction) -> int:
    scaled = value * (1 << EDGE_FRACTION_BITS)
    return (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
