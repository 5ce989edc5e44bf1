"""What the datapath can hold: significant bits left to a vector's least element, and the 63-bit accumulator."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
import numpy.typing as npt

from ..errors import PackingError
from ..formats import (
    ACCUMULATOR_BITS,
    CODEBOOK_BITS,
    LEAST_SIGNIFICANT_BITS,
    ROW_LEAK,
    MantissaShift,
    VectorCode,
    ceil_log2,
)
from .row_leaks import Codes, leak_integers
from .rule import TensorRule

Sums = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LeakFactors:
    """What inputs of value 1 leak to every output, K1 and K0 rounded as the engine holds them."""

    greatest: Fraction
    """Of one input."""
    total: Fraction
    """Of all of them."""

    @classmethod
    def of(cls, leaks: "TensorLeaks", row_sums: Sums) -> "LeakFactors":
        """Return the factors of inputs with these sums of levels [inputs]."""
        rule, is_zero = leaks.rule, row_sums == 0
        zero, zeros = _rounded(rule.zero), int(np.count_nonzero(is_zero))
        if leaks.codes is None:
            ordinary = _rounded(rule.ordinary)
            return cls(max(ordinary, zero), (row_sums.size - zeros) * ordinary + zeros * zero)
        own = leak_integers(leaks.codes[~is_zero])
        unit = _rounded(Fraction(1, rule.columns)) / (1 << ROW_LEAK.unit_bits)
        greatest = max(int(own.max(initial=0)) * unit, zero if zeros else Fraction(0))
        return cls(greatest, int(own.sum()) * unit + zeros * zero)


@dataclass(frozen=True, eq=False)
class TensorLeaks:
    """The rule of a tensor, and a leak for each row where it has them."""

    rule: TensorRule
    codes: Codes | None = None
    """[rows]."""

    @property
    def least(self) -> Fraction:
        """The least leak of a row."""
        return self.rule.pseudocount if self.codes is None else ROW_LEAK.value(int(self.codes.min()))

    @property
    def greatest(self) -> Fraction:
        """The greatest leak of a row."""
        return self.rule.pseudocount if self.codes is None else ROW_LEAK.value(int(self.codes.max()))


def _rounded(value: Fraction) -> Fraction:
    constant = MantissaShift.of(value)
    return Fraction(constant.mantissa) / Fraction(2) ** constant.shift


def significant_bits(hidden_states: int, greatest: int, pseudocount: Fraction, code: VectorCode) -> int:
    """Return the significant bits that the least element of a vector keeps after a transition step, with eps > 0.

    min(M, F - ceil(log2(H * max(L, R_max) / eps + 1))), with `greatest` = max(L, R_max): the greatest level and the
    greatest row sum of alpha's levels.
    """
    span = ceil(hidden_states * greatest / pseudocount) + 1
    return min(code.significand_bits, code.fix_bits - ceil_log2(span))


def check_significant_bits(hidden_states: int, greatest: int, pseudocount: Fraction, code: VectorCode) -> None:
    """Raise PackingError, with the formula, when fewer bits than `LEAST_SIGNIFICANT_BITS` are left.

    Without a leak nothing is said of the least element: it stands for what levels alone reach, or is 0.
    """
    if not pseudocount:
        return
    left = significant_bits(hidden_states, greatest, pseudocount, code)
    if left < LEAST_SIGNIFICANT_BITS:
        raise PackingError(
            f"alpha: min(M, F - ceil(log2(H * max(L, R_max) / eps + 1))) = {left} significant bits are left with "
            f"M = {code.significand_bits}, F = {code.fix_bits}, H = {hidden_states}, max(L, R_max) = {greatest}, "
            f"eps = {pseudocount}, expected at least {LEAST_SIGNIFICANT_BITS}: use fewer index bits"
        )


@dataclass(frozen=True, eq=False)
class LevelSums:
    """Exact sums of the levels above c[0] of alpha [H, H] and beta [H, V]."""

    alpha_rows: Sums
    """[H]"""
    alpha_columns: Sums
    """[H]"""
    beta_rows: Sums
    """[H]"""
    beta_tokens: Sums
    """[V]"""

    @property
    def hidden_states(self) -> int:
        """H."""
        return self.alpha_rows.size


@dataclass(frozen=True)
class LevelScale:
    """What the levels of a model are measured against."""

    greatest_level: int
    """L: of alpha, 2**bits - 1 for Norm-Q, the greatest level of the codebook above c[0] otherwise."""
    alpha: TensorLeaks
    beta: TensorLeaks


def check_datapath(sums: LevelSums, scale: LevelScale, code: VectorCode) -> None:
    """Raise PackingError for a model whose vectors lose too many bits, whose accumulators or leaks could overflow.

    forward adds the leak of all inputs to every output of alpha, scores the same with beta's; in backward an ordinary
    row adds its levels and its own leak, a zero row its leak alone.
    """
    hidden = sums.hidden_states
    greatest = max(scale.greatest_level, int(sums.alpha_rows.max()))
    for name, leaks in (("alpha", scale.alpha), ("beta", scale.beta)):
        _check_absent(name, leaks)
    check_significant_bits(hidden, greatest, scale.alpha.least, code)
    alpha, beta = LeakFactors.of(scale.alpha, sums.alpha_rows), LeakFactors.of(scale.beta, sums.beta_rows)
    _check_sums("alpha_by_column", sums.alpha_columns, alpha.total, code)
    _check_sums("beta_by_token", sums.beta_tokens, beta.total, code)
    _check_sums("alpha_by_row", sums.alpha_rows, hidden * alpha.greatest, code)


def _check_sums(name: str, output_sums: Sums, leak: Fraction, code: VectorCode) -> None:
    output = int(output_sums.argmax())
    level_sum = int(output_sums[output])
    if (level_sum + leak) * (1 << code.fix_bits) >= 1 << ACCUMULATOR_BITS:
        raise PackingError(
            f"{name}: output {output} has levels that add up to {level_sum}, with the leak at most "
            f"{ceil(level_sum + leak)}, times 2**F = 2**{code.fix_bits}, expected less than 2**{ACCUMULATOR_BITS}: "
            "use fewer index bits"
        )


def _check_absent(name: str, leaks: TensorLeaks) -> None:
    columns = leaks.rule.columns
    if leaks.greatest / columns >= 1 << CODEBOOK_BITS:
        raise PackingError(
            f"{name}: eps / n = {leaks.greatest} / {columns} stands for an absent level, "
            f"expected less than 2**{CODEBOOK_BITS}"
        )
