"""The gather of one packed matrix in either layout: exact sums of codebook levels times fix values."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..config import Layout
from ..packing.directory import Directory, OutputEntries, directory_of, read_output
from ..packing.matrix import PackedMatrix
from ..parallel import even_parts, part_count, run_parts
from .encode import Integers
from .gather_dense import gather_dense, gather_dense_identity
from .gather_sparse import balanced_parts, entry_shape, gather_listed_sparse, gather_sparse


@dataclass(frozen=True, eq=False)
class Gather:
    """A packed matrix, ready to be gathered from: its bytes as they are, its directory, its codebook."""

    matrix: PackedMatrix
    directory: Directory
    codebook: Integers
    """[2**bits] levels above that of index 0."""
    stored: Integers
    """[stored outputs + 1] entries before each stored output."""

    @classmethod
    def of(cls, matrix: PackedMatrix, codebook: npt.NDArray[np.uint16]) -> "Gather":
        """Derive the directory of a well-formed matrix."""
        directory = directory_of(matrix)
        stored = directory.offsets[np.append(directory.occupied, matrix.outputs)]
        return cls(matrix, directory, codebook.astype(np.int64), stored)

    @property
    def ranks(self) -> npt.NDArray[np.int32]:
        """[outputs] the row of `sums` of each output, -1 for an empty one."""
        return self.directory.ranks

    def sums(self, values: Integers) -> Integers:
        """Return sum_i c[q_i] * values[i] of every stored output, [records, B], of fix values [inputs, B]."""
        sums = np.empty((self.directory.occupied.size, values.shape[1]), np.int64)
        if self.matrix.layout is Layout.SPARSE:
            self._sparse(values, sums)
        elif np.array_equal(self.codebook, np.arange(self.codebook.size)):
            self._dense_identity(values, sums)
        else:
            self._dense(np.arange(self.matrix.outputs), values, sums)
        return sums

    def listed_sums(self, outputs: Integers, values: Integers) -> Integers:
        """Return the same sums of listed outputs only, [listed, B]; an empty one has the sum 0."""
        sums = np.empty((outputs.size, values.shape[1]), np.int64)
        if self.matrix.layout is Layout.SPARSE:
            self._listed_sparse(outputs, values, sums)
        else:
            self._dense(outputs, values, sums)
        return sums

    def output(self, output: int) -> OutputEntries:
        """Return the non-zero entries of one output."""
        entries = read_output(self.matrix, self.directory, output)
        stored = entries.levels != 0
        return OutputEntries(entries.inputs[stored], entries.levels[stored])

    def _sparse(self, values: Integers, sums: Integers) -> None:
        data, shape, codebook = self.matrix.data, entry_shape(self.matrix.entry_format), self.codebook
        stored = self.stored
        parts = balanced_parts(stored, part_count(self.matrix.entries * (2 + values.shape[1])))
        run_parts(parts, lambda part: gather_sparse(part, data, shape, stored, codebook, values, sums))

    def _listed_sparse(self, outputs: Integers, values: Integers, sums: Integers) -> None:
        data, shape, codebook = self.matrix.data, entry_shape(self.matrix.entry_format), self.codebook
        offsets = self.directory.offsets
        work = int((offsets[outputs + 1] - offsets[outputs]).sum()) * (2 + values.shape[1])
        run_parts(
            even_parts(outputs.size, work),
            lambda part: gather_listed_sparse(part, data, shape, offsets, outputs, codebook, values, sums),
        )

    def _dense(self, outputs: Integers, values: Integers, sums: Integers) -> None:
        data, stride, bits = self.matrix.data, self.matrix.dense_output_bytes, self.matrix.bits
        run_parts(
            even_parts(outputs.size, outputs.size * values.size),
            lambda part: gather_dense(part, data, stride, bits, outputs, self.codebook, values, sums),
        )

    def _dense_identity(self, values: Integers, sums: Integers) -> None:
        words = self.matrix.data.view(np.int64).reshape(self.matrix.outputs, -1)
        bits = self.matrix.bits
        run_parts(
            even_parts(self.matrix.outputs, self.matrix.outputs * values.size // 4),
            lambda part: gather_dense_identity(part, words, bits, values, sums),
        )
