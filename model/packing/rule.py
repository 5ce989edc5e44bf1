"""How the rows of a packed tensor are completed and scaled: what stands for an absent level, and what a row is over."""

from dataclasses import dataclass
from fractions import Fraction

from ..quantize.tensor import ZeroRows


@dataclass(frozen=True)
class RowRule:
    """What a packed tensor says of its rows beside levels and codebook."""

    pseudocount_per_mille: int = 1
    """eps * 1000 beside the level of index 0, in units of the codebook; 1 for Norm-Q."""
    normalized: bool = True
    """Whether a row is over its sum; otherwise every row has the same factor, the scale, and none counts as zero."""
    zero_rows: ZeroRows = ZeroRows.UNIFORM
    """What a row without a level above that of index 0 means; EMPTY where rows are not normalized."""
    row_leaks: bool = False
    """row_mass_leak: each row has a leak of its own (`RowConstants.leaks`) in place of the whole one."""


@dataclass(frozen=True)
class TensorRule:
    """The rule of one tensor of known sizes, exact."""

    rule: RowRule
    bits: int
    columns: int
    """n: the row length."""
    least_level: int
    """c[0], which is part of the leak."""
    closed_columns: int = 0
    """Columns that no leak reaches: with hmm_guard that of end-of-text in beta."""

    @property
    def pseudocount(self) -> Fraction:
        """The whole leak of a row: eps + n * c[0]; with row leaks none of them is less, but where it saturates."""
        return Fraction(self.rule.pseudocount_per_mille, 1000) + self.columns * self.least_level

    @property
    def kept_share(self) -> Fraction:
        """What part of a leak stays in the row: K1 in every column that is not closed."""
        return Fraction(self.columns - self.closed_columns, self.columns)

    @property
    def ordinary(self) -> Fraction:
        """K1: what stands for an absent level in a row that has levels."""
        return self.pseudocount / self.columns

    @property
    def zero(self) -> Fraction:
        """K0: what stands for an absent level in a row without levels, whose factor is 2**-bits if normalized."""
        if not self.rule.normalized:
            return self.ordinary
        if self.rule.zero_rows is ZeroRows.EMPTY:
            return Fraction(0)
        return Fraction(1 << self.bits, max(1, self.columns - self.closed_columns))
