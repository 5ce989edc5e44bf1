"""Row constants: r = 1 / (R + eps) of each row as a 16-bit mantissa and a shift, exact before its one rounding."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ..errors import PackingError
from ..formats import MantissaShift
from .bitmap import pack_bitmap
from .matrix import RowConstants

SHIFT_LIMIT = 63
"""Greatest sigma: the engine stores 6 bits."""

ROW_SUM_LIMIT = 1 << 23
"""R stays below: edge weights hold it with 40 fraction bits in a 63-bit accumulator."""


@dataclass(frozen=True)
class RowNormalizer:
    """How the rows of one tensor are normalized: eps and the index width, which a row without a level depends on."""

    bits: int
    pseudocount: Fraction

    def factor(self, row_sum: int) -> MantissaShift:
        """Return r of a row of levels that add up to `row_sum`: 1 / (R + eps), or 2**-bits where R is 0."""
        exact = 1 / (row_sum + self.pseudocount) if row_sum else Fraction(1, 1 << self.bits)
        return MantissaShift.of(exact)

    def constants(self, row_sums: npt.NDArray[np.int64], name: str) -> RowConstants:
        """Return the constants of all rows of the tensor called `name`.

        Raises PackingError where a row sum or a shift leaves its range.
        """
        sums, rows = np.unique(row_sums, return_inverse=True)
        if sums.size and int(sums[-1]) >= ROW_SUM_LIMIT:
            raise PackingError(
                f"{name}: row {int(row_sums.argmax())} has levels that add up to {int(sums[-1])}, "
                f"expected less than 2**23 = {ROW_SUM_LIMIT}: use fewer index bits"
            )
        factors = [self.factor(int(row_sum)) for row_sum in sums]
        shifts = np.array([factor.shift for factor in factors], np.int16)
        outside = np.flatnonzero((shifts < 0) | (shifts > SHIFT_LIMIT))
        if outside.size:
            unlike = int(outside[0])
            raise PackingError(
                f"{name}: row {int((row_sums == sums[unlike]).argmax())} has the scale "
                f"{factors[unlike].mantissa} * 2**-{factors[unlike].shift}, "
                f"expected a shift in 0..{SHIFT_LIMIT} (R = {int(sums[unlike])}, eps = {self.pseudocount})"
            )
        mantissas = np.array([factor.mantissa for factor in factors], np.uint16)
        return RowConstants(mantissas[rows], shifts[rows], pack_bitmap(row_sums == 0), row_sums)
