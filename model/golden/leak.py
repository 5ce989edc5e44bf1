"""LEAK of an operation: what the pseudocounts of all inputs add to every output."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..formats import ROW_LEAK, MantissaShift
from .constants import ROW_LEAK_DROP, LeakConstants, RowLeakConstants
from .elementwise import Flags, leak_part, leak_sums, row_leak_sums
from .encode import Integers

Totals = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Leak:
    """The leak of one operation on vectors of fix values [n, B]."""

    constants: LeakConstants
    zero_rows: Flags
    """[n]"""
    closed: int
    """The row that leaks nothing, -1 where all do."""
    weights: Integers | None
    """[n] g of each row where each has a leak of its own."""

    def of(self, values: Integers) -> Integers:
        """Return the leak of inputs, [B], the same for every output."""
        zero, batch = np.empty(values.shape[1], np.int64), values.shape[1]
        rows = self.constants.rows
        if rows is None or self.weights is None:
            ordinary = np.empty(batch, np.int64)
            leak_sums(values, self.zero_rows, self.closed, ordinary, zero)
            part = self._part(ordinary, self.constants.ordinary)
        else:
            sums = np.empty(batch, np.uint64)
            row_leak_sums(values, self.zero_rows, self.closed, self.weights, rows.right, sums, zero)
            part = _shifted((sums >> np.uint64(ROW_LEAK_DROP)) * np.uint64(rows.unit.mantissa), rows.shift)
        return part + self._part(zero, self.constants.zero)

    def of_rows(self, values: Integers) -> tuple[Integers, Integers]:
        """Return what each output of backward gets: of rows with levels [1 or n, B], of zero rows [B]."""
        total, rows = values.sum(axis=0), self.constants.rows
        zero = self._part(total, self.constants.zero)
        if rows is None or self.weights is None:
            return self._part(total, self.constants.ordinary)[np.newaxis], zero
        return self._row_parts(total, rows, self.weights), zero

    def _row_parts(self, total: Integers, rows: RowLeakConstants, weights: Integers) -> Integers:
        """Return ((((S >> G) * Kn) >> 19) * g) shifted, [n, B]."""
        guard = self.constants.guard
        scaled = (total >> guard).astype(np.uint64) * np.uint64(rows.unit.mantissa)
        kept = scaled >> np.uint64(ROW_LEAK.integer_bits)
        return _shifted(weights.astype(np.uint64)[:, np.newaxis] * kept, rows.backward_shift(guard))

    def _part(self, totals: Integers, constant: MantissaShift) -> Integers:
        """Return one constant's part of the leak of each total [B]."""
        pair = (constant.mantissa, constant.shift)
        return np.array([leak_part(total, pair, self.constants.guard) for total in totals], np.int64)


def _shifted(products: Totals, shift: int) -> Integers:
    moved = products >> np.uint64(shift) if shift >= 0 else products << np.uint64(-shift)
    return moved.astype(np.int64)
