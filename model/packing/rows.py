"""Row constants: r of each row as a 16-bit mantissa and a shift, exact before its one rounding."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ..errors import PackingError
from ..formats import ROW_LEAK, MantissaShift
from .bitmap import pack_bitmap
from .matrix import RowConstants
from .row_leaks import Codes, leak_integers

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
    """The whole leak of a row: eps, and c[0] in every column."""
    scale: Fraction | None = None
    """The factor of every row, where rows are not normalized."""
    closed_row: int | None = None
    """A row that has levels and no leak."""
    kept_share: Fraction = Fraction(1)
    """What part of a leak its row keeps."""
    leaks: Codes | None = None
    """[rows] codes of a leak for each row instead (row_mass_leak)."""

    def factor(self, row_sum: int, leak: Fraction) -> MantissaShift:
        """Return r of a row of levels that add up to `row_sum`: the scale, or 1 / (R + leak), or 2**-bits if R is 0."""
        if self.scale is not None:
            return MantissaShift.of(self.scale)
        kept = leak * self.kept_share
        return MantissaShift.of(1 / (row_sum + kept) if row_sum else Fraction(1, 1 << self.bits))

    def constants(self, row_sums: npt.NDArray[np.int64], name: str) -> RowConstants:
        """Return the constants of all rows of the tensor called `name`.

        Raises PackingError where a row sum or a shift leaves its range.
        """
        self.check_sums(row_sums, name)
        leaks = np.zeros(row_sums.size, np.uint8) if self.leaks is None else self.leaks
        kinds, rows = np.unique(np.stack((row_sums, leaks), axis=1), axis=0, return_inverse=True)
        rows = rows.reshape(-1)
        factors = [self.factor(int(row_sum), self._leak(int(code))) for row_sum, code in kinds]
        shifts = np.array([factor.shift for factor in factors], np.int16)
        outside = np.flatnonzero((shifts < 0) | (shifts > SHIFT_LIMIT))
        if outside.size:
            unlike = int(outside[0])
            raise PackingError(
                f"{name}: row {int((rows == unlike).argmax())} has the scale "
                f"{factors[unlike].mantissa} * 2**-{factors[unlike].shift}, "
                f"expected a shift in 0..{SHIFT_LIMIT}"
            )
        mantissas = np.array([factor.mantissa for factor in factors], np.uint16)
        rho, sigma = mantissas[rows], shifts[rows]
        if self.closed_row is not None:
            closed = self.factor(int(row_sums[self.closed_row]), Fraction(0))
            rho[self.closed_row], sigma[self.closed_row] = closed.mantissa, closed.shift
        zero_rows = (row_sums == 0) & (self.scale is None)
        return RowConstants(rho, sigma, pack_bitmap(zero_rows), row_sums, self.leaks)

    def check_sums(self, row_sums: npt.NDArray[np.int64], name: str) -> None:
        """Raise PackingError where R + leak of a row is too great for an edge weight."""
        own = 0 if self.leaks is None else leak_integers(self.leaks)
        row = int((row_sums * (1 << ROW_LEAK.unit_bits) + own).argmax())
        greatest, whole = int(row_sums[row]), self._leak(0 if self.leaks is None else int(self.leaks[row]))
        if greatest + whole < ROW_SUM_LIMIT:
            return
        leak = f" and the leak {whole}" if greatest < ROW_SUM_LIMIT else ""
        raise PackingError(
            f"{name}: row {row} has levels that add up to {greatest}{leak}, "
            f"expected less than 2**23 = {ROW_SUM_LIMIT}: use fewer index bits"
        )

    def _leak(self, code: int) -> Fraction:
        return self.pseudocount if self.leaks is None else ROW_LEAK.value(code)
