"""Constants that follow from a model's sizes: the leak of an operation, and what stands for an absent level."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from ..formats import CONSTANT_BITS, MantissaShift, VectorCode, ceil_log2
from ..packing.matrix import PackedModel
from ..packing.rule import TensorRule

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
    """K1 = eps / n, the leak of a row that has levels; also what stands for an absent level. 0 without a leak."""
    zero: MantissaShift
    """K0, the leak of a row without levels: 2**b / n, 0 if such rows are empty, K1 if rows are not normalized."""
    guard: int
    """G: low bits of S1 and S0 dropped before the product, so that it fits 64 bits."""


def leak_constants(model: PackedModel, operation: Operation, code: VectorCode | None = None) -> LeakConstants:
    """Return K1, K0 and G of an operation on vectors of format `code` (the default format where None).

    They are beta's for scores and alpha's otherwise; G follows from the number of inputs, H.
    """
    rule = model.beta if operation is Operation.SCORES else model.alpha
    ordinary, zero = absent_levels(rule)
    return LeakConstants(ordinary, zero, guard_bits(model.hidden_states, code or VectorCode()))


def absent_levels(rule: TensorRule) -> tuple[MantissaShift, MantissaShift]:
    """Return K1 and K0 of a tensor: what stands for an absent level in a row with levels, and in one without."""
    return MantissaShift.of(rule.ordinary), MantissaShift.of(rule.zero)


def edge_levels(model: PackedModel) -> tuple[int, int]:
    """Return K1 and K0 of beta with EDGE_FRACTION_BITS fraction bits, rounded half up."""
    return _half_up(model.beta.ordinary), _half_up(model.beta.zero)


def guard_bits(inputs: int, code: VectorCode) -> int:
    """Return G for an operation with `inputs` inputs at run time."""
    return max(0, code.fix_bits + ceil_log2(inputs) + CONSTANT_BITS - PRODUCT_BITS)


def _half_up(value: Fraction) -> int:
    scaled = value * (1 << EDGE_FRACTION_BITS)
    return (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
