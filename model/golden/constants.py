"""Constants that follow from a model's sizes: the leak of an operation, and what stands for an absent level."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from ..formats import CONSTANT_BITS, ROW_LEAK, MantissaShift, VectorCode, ceil_log2
from ..packing.matrix import PackedModel
from ..packing.rule import TensorRule

PRODUCT_BITS = 64
"""A sum of fix values, guard bits dropped, times a leak constant fits these bits."""

EDGE_FRACTION_BITS = 40
"""Fraction bits of an edge weight's fixed-point sum."""


ROW_LEAK_DROP = 16
"""Low bits of a sum of fix values times g dropped before the product with 1 / n."""


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
    rows: "RowLeakConstants | None" = None
    """With a leak for each row: what takes the place of K1."""


@dataclass(frozen=True)
class RowLeakConstants:
    """What turns fix values and the leaks g of their rows into the leak of one vector (row_mass_leak)."""

    unit: MantissaShift
    """Kn = 1 / n."""
    right: int
    """Gr: low bits of fix values dropped before the product with g, so that their sum fits 64 bits."""

    @property
    def shift(self) -> int:
        """Right shift of (S1 >> ROW_LEAK_DROP) * Kn."""
        return self.unit.shift + ROW_LEAK.unit_bits - self.right - ROW_LEAK_DROP

    def backward_shift(self, guard: int) -> int:
        """Right shift of (((S >> G) * Kn) >> ROW_LEAK.integer_bits) * g, S the sum of all fix values."""
        return self.unit.shift + ROW_LEAK.unit_bits - guard - ROW_LEAK.integer_bits


def leak_constants(model: PackedModel, operation: Operation, code: VectorCode | None = None) -> LeakConstants:
    """Return K1, K0 and G of an operation on vectors of format `code` (the default format where None).

    They are beta's for scores and alpha's otherwise; G follows from the number of inputs, H.
    """
    rule = model.beta if operation is Operation.SCORES else model.alpha
    ordinary, zero = absent_levels(rule)
    code, inputs = code or VectorCode(), model.hidden_states
    rows = RowLeakConstants(leak_unit(rule), row_guard_bits(inputs, code)) if rule.rule.row_leaks else None
    return LeakConstants(ordinary, zero, guard_bits(inputs, code), rows)


def leak_unit(rule: TensorRule) -> MantissaShift:
    """Return Kn = 1 / n of a tensor: an absent level of a row with a leak of its own is g * Kn * 2**-10."""
    return MantissaShift.of(Fraction(1, rule.columns))


def absent_levels(rule: TensorRule) -> tuple[MantissaShift, MantissaShift]:
    """Return K1 and K0 of a tensor: what stands for an absent level in a row with levels, and in one without."""
    return MantissaShift.of(rule.ordinary), MantissaShift.of(rule.zero)


def edge_levels(model: PackedModel) -> tuple[int, int]:
    """Return K1 and K0 of beta with EDGE_FRACTION_BITS fraction bits, rounded half up."""
    return _half_up(model.beta.ordinary), _half_up(model.beta.zero)


def row_edge_levels(model: PackedModel) -> list[int]:
    """Return what stands for an absent level in a row of beta with each leak code, [256], as `edge_levels`."""
    return [_half_up(ROW_LEAK.value(code) / model.vocab_size) for code in range(ROW_LEAK.codes)]


def guard_bits(inputs: int, code: VectorCode) -> int:
    """Return G for an operation with `inputs` inputs at run time."""
    return max(0, code.fix_bits + ceil_log2(inputs) + CONSTANT_BITS - PRODUCT_BITS)


def row_guard_bits(inputs: int, code: VectorCode) -> int:
    """Return Gr for an operation with `inputs` inputs at run time."""
    return max(0, code.fix_bits + ROW_LEAK.integer_bits + ceil_log2(inputs) - PRODUCT_BITS)


def _half_up(value: Fraction) -> int:
    scaled = value * (1 << EDGE_FRACTION_BITS)
    return (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
