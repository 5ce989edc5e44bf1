"""What the datapath can hold: significant bits left to a vector's least element, and the 63-bit accumulator."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
import numpy.typing as npt

from ..errors import PackingError
from ..formats import ACCUMULATOR_BITS, LEAST_SIGNIFICANT_BITS, MantissaShift, VectorCode, ceil_log2


@dataclass(frozen=True)
class LeakFactors:
    """The leak's constants for rows of length n, rounded as the engine holds them: K1 = eps / n, K0 = 2**bits / n."""

    ordinary: Fraction
    zero: Fraction

    @classmethod
    def of(cls, pseudocount: Fraction, bits: int, row_length: int) -> "LeakFactors":
        """Return the factors of a tensor with rows of `row_length` columns."""
        return cls(_rounded(pseudocount / row_length), _rounded(Fraction(1 << bits, row_length)))


def _rounded(value: Fraction) -> Fraction:
    constant = MantissaShift.of(value)
    return Fraction(constant.mantissa) / Fraction(2) ** constant.shift


def significant_bits(hidden_states: int, greatest: int, pseudocount: Fraction, code: VectorCode) -> int:
    """Return the significant bits that the least element of a vector keeps after a transition step.

    min(M, F - ceil(log2(H * max(L, R_max) / eps + 1))), with `greatest` = max(L, R_max): the greatest level and the
    greatest row sum of alpha's levels.
    """
    span = ceil(hidden_states * greatest / pseudocount) + 1
    return min(code.significand_bits, code.fix_bits - ceil_log2(span))


def check_significant_bits(hidden_states: int, greatest: int, pseudocount: Fraction, code: VectorCode) -> None:
    """Raise PackingError, with the formula, when fewer bits than `LEAST_SIGNIFICANT_BITS` are left."""
    left = significant_bits(hidden_states, greatest, pseudocount, code)
    if left < LEAST_SIGNIFICANT_BITS:
        raise PackingError(
            f"alpha: min(M, F - ceil(log2(H * max(L, R_max) / eps + 1))) = {left} significant bits are left with "
            f"M = {code.significand_bits}, F = {code.fix_bits}, H = {hidden_states}, max(L, R_max) = {greatest}, "
            f"eps = {pseudocount}, expected at least {LEAST_SIGNIFICANT_BITS}: use fewer index bits"
        )


def check_gather(
    name: str, output_sums: npt.NDArray[np.int64], zero_inputs: int, inputs: int, leak: LeakFactors, code: VectorCode
) -> None:
    """Check forward on alpha or scores on beta: the leak of all inputs is added to every output.

    `output_sums` [outputs] are sums of levels, `zero_inputs` the number of inputs whose row has no level. Raises
    PackingError when an accumulator could reach 2**63.
    """
    worst = int(output_sums.argmax())
    leaked = (inputs - zero_inputs) * leak.ordinary + zero_inputs * leak.zero
    _check(f"{name}: output {worst}", int(output_sums[worst]), leaked, code)


def check_backward(row_sums: npt.NDArray[np.int64], inputs: int, leak: LeakFactors, code: VectorCode) -> None:
    """Check backward on alpha: an ordinary row adds its levels and its own leak, a zero row its leak alone.

    Raises PackingError when an accumulator could reach 2**63.
    """
    worst = int(row_sums.argmax())
    factor = leak.ordinary if row_sums[worst] else leak.zero
    _check(f"alpha by row: output {worst}", int(row_sums[worst]), inputs * factor, code)


def _check(where: str, level_sum: int, leak: Fraction, code: VectorCode) -> None:
    bound = (level_sum + leak) * (1 << code.fix_bits)
    if bound >= 1 << ACCUMULATOR_BITS:
        raise PackingError(
            f"{where} has levels that add up to {level_sum}, with the leak at most {ceil(level_sum + leak)}, times "
            f"2**F = 2**{code.fix_bits} expected less than 2**{ACCUMULATOR_BITS}: use fewer index bits"
        )
