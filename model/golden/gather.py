"""The gather of one packed matrix in either layout: exact sums of codebook levels times fix values."""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from ..config import Layout
from ..packing.directory import Directory, OutputEntries, directory_of, read_output
from ..packing.matrix import PackedMatrix
from .encode import Integers
from .gather_dense import gather_dense
from .gather_sparse import balanced_runs, entry_shape, gather_listed_sparse, gather_sparse

LEAST_RUN = 1 << 12
"""Entries times vectors that are worth a thread of their own."""

RUNS_PER_THREAD = 4


@dataclass(frozen=True, eq=False)
class Gather:
    """A packed matrix, ready to be gathered from: its bytes as they are, its directory, its codebook."""

    matrix: PackedMatrix
    directory: Directory
    codebook: Integers
    """[2**bits] levels."""

    @classmethod
    def of(cls, matrix: PackedMatrix, codebook: npt.NDArray[np.uint16]) -> "Gather":
        """Derive the directory of a well-formed matrix."""
        return cls(matrix, directory_of(matrix), codebook.astype(np.int64))

    @property
    def ranks(self) -> npt.NDArray[np.int32]:
        """[outputs] the row of `sums` of each output, -1 for an empty one."""
        return self.directory.ranks

    def sums(self, values: Integers) -> Integers:
        """Return sum_i c[q_i] * values[i] of every stored output, [records, B], of fix values [inputs, B]."""
        records = self.directory.occupied.size
        sums = np.empty((records, values.shape[1]), np.int64)
        if self.matrix.layout is Layout.DENSE:
            self._dense(np.arange(records), values, sums)
            return sums
        stored = self.directory.offsets[np.append(self.directory.occupied, self.matrix.outputs)]
        work = self.matrix.entries * values.shape[1] // LEAST_RUN
        runs = balanced_runs(stored, max(1, min(work, RUNS_PER_THREAD * numba.get_num_threads())))
        shape = entry_shape(self.matrix.entry_format)
        gather_sparse(self.matrix.data, shape, stored, runs, self.codebook, values, sums)
        return sums

    def listed_sums(self, outputs: Integers, values: Integers) -> Integers:
        """Return the same sums of listed outputs only, [listed, B]; an empty one has the sum 0."""
        sums = np.empty((outputs.size, values.shape[1]), np.int64)
        if self.matrix.layout is Layout.DENSE:
            self._dense(outputs, values, sums)
        else:
            shape = entry_shape(self.matrix.entry_format)
            offsets = self.directory.offsets
            gather_listed_sparse(self.matrix.data, shape, offsets, outputs, self.codebook, values, sums)
        return sums

    def output(self, output: int) -> OutputEntries:
        """Return the non-zero entries of one output."""
        entries = read_output(self.matrix, self.directory, output)
        stored = entries.levels != 0
        return OutputEntries(entries.inputs[stored], entries.levels[stored])

    def _dense(self, outputs: Integers, values: Integers, sums: Integers) -> None:
        stride = self.matrix.dense_output_bytes
        gather_dense(self.matrix.data, stride, self.matrix.bits, outputs, self.codebook, values, sums)
