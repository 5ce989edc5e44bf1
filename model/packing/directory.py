"""Where each output lies in a packed stream, derived at load: reading one output alone (a token's column) needs it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..config import Layout
from ..jit import kernel
from ..quantize.tensor import Levels
from .bitmap import Bytes, unpack_bitmap
from .dense import dense_level
from .matrix import PackedMatrix
from .sparse import read_entry


@dataclass(frozen=True, eq=False)
class Directory:
    """Entry offsets and ranks of the outputs of one matrix; a dense output counts all its inputs as entries."""

    offsets: npt.NDArray[np.int64]
    """[outputs + 1] entries before output o, so that offsets[o + 1] - offsets[o] is its count."""
    ranks: npt.NDArray[np.int32]
    """[outputs] position among the outputs that have entries, -1 for an empty output."""
    occupied: npt.NDArray[np.int32]
    """[outputs with entries] their numbers, rising: the output of each rank."""


@dataclass(frozen=True, eq=False)
class OutputEntries:
    """The entries of one output, as stored: a dense list holds indices of 0 too."""

    inputs: npt.NDArray[np.int32]
    """[count] input of each entry, rising."""
    levels: Levels
    """[count] index of each entry."""


def directory_of(matrix: PackedMatrix) -> Directory:
    """Return the directory of a well-formed matrix; one pass over a sparse stream, nothing read of a dense one."""
    if matrix.layout is Layout.DENSE:
        outputs = np.arange(matrix.outputs, dtype=np.int32)
        return Directory(np.arange(matrix.outputs + 1, dtype=np.int64) * matrix.inputs, outputs, outputs.copy())
    flags = unpack_bitmap(matrix.nonempty, matrix.outputs)
    occupied = np.flatnonzero(flags).astype(np.int32)
    ranks = np.full(matrix.outputs, -1, np.int32)
    ranks[occupied] = np.arange(occupied.size, dtype=np.int32)
    counts = np.zeros(matrix.outputs, np.int64)
    form = matrix.entry_format
    counts[occupied] = _output_counts(matrix.data, matrix.entries, form.width, form.per_block, occupied.size)
    return Directory(np.concatenate((np.zeros(1, np.int64), np.cumsum(counts))), ranks, occupied)


def read_output(matrix: PackedMatrix, directory: Directory, output: int) -> OutputEntries:
    """Return the entries of one output without unpacking the rest."""
    first, end = int(directory.offsets[output]), int(directory.offsets[output + 1])
    inputs, levels = np.empty(end - first, np.int32), np.empty(end - first, np.uint8)
    if matrix.layout is Layout.DENSE:
        inputs[:] = np.arange(matrix.inputs)
        _read_list(matrix.data, output * matrix.dense_output_bytes, matrix.bits, levels)
    else:
        form = matrix.entry_format
        _read_entries(matrix.data, first, form.bits, form.width, form.per_block, inputs, levels)
    return OutputEntries(inputs, levels)


@kernel
def _output_counts(data: Bytes, entries: int, width: int, per_block: int, outputs: int) -> npt.NDArray[np.int64]:
    counts = np.zeros(outputs, np.int64)
    rank = 0
    for entry in range(entries):
        counts[rank] += 1
        rank += read_entry(data, entry, width, per_block) >> (width - 1)
    return counts


@kernel
def _read_entries(
    data: Bytes, first: int, bits: int, width: int, per_block: int, inputs: npt.NDArray[np.int32], levels: Levels
) -> None:
    for k in range(inputs.size):
        value = read_entry(data, first + k, width, per_block)
        inputs[k] = (value & ((1 << (width - 1)) - 1)) >> bits
        levels[k] = value & ((1 << bits) - 1)


@kernel
def _read_list(data: Bytes, start: int, bits: int, levels: Levels) -> None:
    for k in range(levels.size):
        levels[k] = dense_level(data, start, k, bits)
