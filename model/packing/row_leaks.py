"""row_mass_leak in a packed model: a leak for each row."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ..formats import ROW_LEAK
from .rule import TensorRule

Codes = npt.NDArray[np.uint8]
Sums = npt.NDArray[np.int64]

INTEGERS: Sums = np.array([ROW_LEAK.integer(code) for code in range(ROW_LEAK.codes)], np.int64)
"""[256] g of every code."""


def leak_integers(codes: Codes) -> Sums:
    """Return g of each row: the leak is g * 2**-10."""
    return INTEGERS[codes]


def leak_values(codes: Codes) -> list[Fraction]:
    """Return the leak of each row."""
    return [ROW_LEAK.value(int(code)) for code in codes]


def row_leaks_fault(codes: Codes, row_sums: Sums, rule: TensorRule, name: str) -> str | None:
    """Return the first row whose leak is less than that of one eps for all, or of no use and something else."""
    least = ROW_LEAK.code_of(rule.pseudocount)
    wrong = np.flatnonzero((codes < least) | ((row_sums == 0) & (codes != least)))
    if not wrong.size:
        return None
    row = int(wrong[0])
    expected = f"at least {least}" if row_sums[row] else f"{least} in a row without a level"
    return f"{name}.leaks: element {row} is {codes[row]}, expected {expected}"
