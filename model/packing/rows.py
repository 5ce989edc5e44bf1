"""Row constants: r of each row as a 16-bit mantissa and a shift, exact before its one rounding."""

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
"""R + eps stays below: edge weights hold it with 40 fraction bits in a 63-bit accumulator."""


@dataclass(frozen=True)
class RowNormalizer:
    """What the rows of one tensor are multiplied with."""

    bits: int
    """Index width, which the factor of a row without a level depends on."""
    pseudocount: Fraction
    """The leak that a row keeps: eps, and c[0] in every column."""
    scale: Fraction | None = None
    """The factor of every row, where rows are not normalized."""
    closed_row: int | None = None
    """A row that has levels and no leak."""

    def factor(self, row_sum: int, pseudocount: Fraction | None = None) -> MantissaShift:
        """Return r of a row of levels that add up to `row_sum`: the scale, or 1 / (R + eps), or 2**-bits if R is 0."""
        if self.scale is not None:
            return MantissaShift.of(self.scale)
        leak = self.pseudocount if pseudocount is None else pseudocount
        return MantissaShift.of(1 / (row_sum + leak) if row_sum else Fraction(1, 1 << self.bits))

    def constants(self, row_sums: npt.NDArray[np.int64], name: str) -> RowConstants:
        """Return the constants of all rows of the tensor called `name`.

        Raises PackingError where a row sum or a shift leaves its range.
        """
        self.check_sums(row_sums, name)
        sums, rows = np.unique(row_sums, return_inverse=True)
        factors = [self.factor(int(row_sum)) for row_sum in sums]
        shifts = np.array([factor.shift for factor in factors], np.int16)
        outside = np.flatnonzero((shifts < 0) | (shifts > SHIFT_LIMIT))
        if outside.size:
            unlike = int(outside[0])
            raise PackingError(
                f"{name}: row {int((row_sums == sums[unlike]).argmax())} has the scale "
                f"{factors[unlike].mantissa} * 2**-{factors[unlike].shift}, "
                f"expected a shift in 0..{SHIFT_LIMIT}"
            )
        mantissas = np.array([factor.mantissa for factor in factors], np.uint16)
        rho, sigma = mantissas[rows], shifts[rows]
        if self.closed_row is not None:
            closed = self.factor(int(row_sums[self.closed_row]), Fraction(0))
            rho[self.closed_row], sigma[self.closed_row] = closed.mantissa, closed.shift
        zero_rows = (row_sums == 0) & (self.scale is None)
        return RowConstants(rho, sigma, pack_bitmap(zero_rows), row_sums)

    def check_sums(self, row_sums: npt.NDArray[np.int64], name: str) -> None:
        """Raise PackingError where R + eps of a row is too great for an edge weight."""
        row = int(row_sums.argmax())
        greatest = int(row_sums[row])
        if greatest + self.pseudocount < ROW_SUM_LIMIT:
            return
        leak = f" and the leak {self.pseudocount}" if greatest < ROW_SUM_LIMIT else ""
        raise PackingError(
            f"{name}: row {row} has levels that add up to {greatest}{leak}, "
            f"expected less than 2**23 = {ROW_SUM_LIMIT}: use fewer index bits"
        )
