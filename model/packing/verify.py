"""What can be wrong inside a packed matrix of the right size, found before anything computes with it.

Each function returns the fault as text that names the part, the place, the value and what was expected, or None.
"""

import numpy as np
import numpy.typing as npt

from ..config import Layout
from ..formats import IndexFormat
from ..jit import kernel
from .bitmap import Bytes, unpack_bitmap
from .dense import dense_level
from .directory import directory_of
from .matrix import BLOCK_BYTES, EntryFormat, PackedMatrix
from .sparse import read_entry

SOUND, LEVEL_ZERO, INDEX_RANGE, NOT_RISING, STRAY_BITS, UNFINISHED = range(6)


def matrix_fault(matrix: PackedMatrix, name: str) -> str | None:
    """Return what is wrong with the bytes of a matrix whose arrays have the sizes its fields ask for."""
    if matrix.layout is Layout.DENSE:
        return _list_padding_fault(matrix, name)
    return (
        bitmap_padding_fault(matrix.nonempty, matrix.outputs, f"{name}.nonempty")
        or _entry_fault(matrix, f"{name}.data")
        or _block_padding_fault(matrix, f"{name}.data")
        or _count_fault(matrix, name)
    )


def bitmap_padding_fault(bitmap: Bytes, count: int, name: str) -> str | None:
    """Return the first bit set beyond the `count` bits of a bit map."""
    beyond = np.flatnonzero(np.unpackbits(bitmap, bitorder="little")[count:])
    return f"{name}: bit {count + beyond[0]} is 1, expected zeros from bit {count} on" if beyond.size else None


def transpose_fault(by_column: PackedMatrix, by_row: PackedMatrix) -> str | None:
    """Return the first place where two sound packed forms of one square matrix, one transposed, disagree."""
    if by_column.layout is Layout.DENSE:
        size, stride = by_row.inputs, by_row.dense_output_bytes
        row, column = _dense_disagreement(by_column.data, by_row.data, size, stride, by_row.bits)
    else:
        form = by_row.entry_format
        cursors = directory_of(by_row).offsets
        columns = directory_of(by_column).occupied
        shape = (form.bits, form.width, form.per_block)
        row, column = _sparse_disagreement(by_column.data, by_row.data, by_column.entries, columns, cursors, shape)
    if row < 0:
        return None
    return f"alpha_by_column and alpha_by_row: disagree at row {row}, column {column}, expected the same matrix"


def level_sums(
    matrix: PackedMatrix, codebook: npt.NDArray[np.uint16]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the exact sums of codebook levels of a sound matrix, by input [inputs] and by output [outputs]."""
    by_input, by_output = np.zeros(matrix.inputs, np.int64), np.zeros(matrix.outputs, np.int64)
    levels = codebook.astype(np.int64)
    if matrix.layout is Layout.DENSE:
        _sum_lists(matrix.data, matrix.dense_output_bytes, matrix.bits, levels, by_input, by_output)
    else:
        form = matrix.entry_format
        occupied = np.flatnonzero(unpack_bitmap(matrix.nonempty, matrix.outputs))
        shape = (form.bits, form.width, form.per_block)
        _sum_entries(matrix.data, matrix.entries, shape, levels, occupied, by_input, by_output)
    return by_input, by_output


def _list_padding_fault(matrix: PackedMatrix, name: str) -> str | None:
    used = matrix.inputs * matrix.bits
    tails = matrix.data.reshape(matrix.outputs, -1)[:, used // 8 :].copy()
    if tails.shape[1]:
        tails[:, 0] &= 256 - (1 << used % 8)
    dirty = np.flatnonzero(tails.any(axis=1))
    if not dirty.size:
        return None
    return f"{name}.data: the list of output {dirty[0]} has bits set after its {matrix.inputs} indices, expected zeros"


def _entry_fault(matrix: PackedMatrix, name: str) -> str | None:
    form = matrix.entry_format
    shape = (form.bits, form.width, form.per_block)
    fault, entry = _first_fault(matrix.data, matrix.entries, shape, matrix.inputs, form.needed_bits)
    if fault == SOUND:
        return None
    index, before = _index(matrix, form, entry), _index(matrix, form, max(entry - 1, 0))
    text = {
        LEVEL_ZERO: f"has level 0, expected 1..{IndexFormat(form.bits).greatest}",
        INDEX_RANGE: f"has input index {index}, expected 0..{matrix.inputs - 1}",
        NOT_RISING: f"has input index {index} after {before}, expected rising indices within an output",
        STRAY_BITS: "has bits set between its index and its last flag, expected zeros",
        UNFINISHED: "is the final one without its last flag, expected the end of an output",
    }
    return f"{name}: entry {entry} {text[fault]}"


def _index(matrix: PackedMatrix, form: EntryFormat, entry: int) -> int:
    value = read_entry(matrix.data, entry, form.width, form.per_block)
    return (value & ((1 << (form.needed_bits - 1)) - 1)) >> form.bits


def _block_padding_fault(matrix: PackedMatrix, name: str) -> str | None:
    form = matrix.entry_format
    slots = matrix.data.size // BLOCK_BYTES * form.per_block
    for entry in range(matrix.entries, slots):
        if read_entry(matrix.data, entry, form.width, form.per_block):
            return f"{name}: slot {entry} after the {matrix.entries} entries is not empty, expected zeros"
    used = form.per_block * form.width // 8
    dirty = np.flatnonzero(matrix.data.reshape(-1, BLOCK_BYTES)[:, used:].any(axis=1))
    return f"{name}: block {dirty[0]} has bits set after its last slot, expected zeros" if dirty.size else None


def _count_fault(matrix: PackedMatrix, name: str) -> str | None:
    form = matrix.entry_format
    ends = _count_ends(matrix.data, matrix.entries, form.width, form.per_block)
    occupied = int(np.count_nonzero(unpack_bitmap(matrix.nonempty, matrix.outputs)))
    if ends == occupied:
        return None
    return f"{name}: {ends} entries have the last flag, expected {occupied}, the outputs marked in nonempty"


@kernel
def _first_fault(
    data: Bytes, entries: int, shape: tuple[int, int, int], inputs: int, needed_bits: int
) -> tuple[int, int]:
    bits, width, per_block = shape
    before = -1
    for entry in range(entries):
        value = read_entry(data, entry, width, per_block)
        last = value >> (width - 1)
        payload = value & ((1 << (needed_bits - 1)) - 1)
        index = payload >> bits
        if value & ((1 << (width - 1)) - 1) != payload:
            return STRAY_BITS, entry
        if value & ((1 << bits) - 1) == 0:
            return LEVEL_ZERO, entry
        if index >= inputs:
            return INDEX_RANGE, entry
        if index <= before:
            return NOT_RISING, entry
        before = -1 if last else index
        if entry == entries - 1 and not last:
            return UNFINISHED, entry
    return SOUND, -1


@kernel
def _count_ends(data: Bytes, entries: int, width: int, per_block: int) -> int:
    ends = 0
    for entry in range(entries):
        ends += read_entry(data, entry, width, per_block) >> (width - 1)
    return ends


@kernel
def _sparse_disagreement(
    by_column: Bytes,
    by_row: Bytes,
    entries: int,
    columns: npt.NDArray[np.int32],
    cursors: npt.NDArray[np.int64],
    shape: tuple[int, int, int],
) -> tuple[int, int]:
    # going down the columns in order, the next entry of each row must be the one at hand; cursors are left behind each
    # row's entries when all agree, so equal numbers of entries leave nothing unseen
    bits, width, per_block = shape
    payload, mask = (1 << (width - 1)) - 1, (1 << bits) - 1
    ends = cursors[1:].copy()
    rank = 0
    for entry in range(entries):
        value = read_entry(by_column, entry, width, per_block)
        row, column = (value & payload) >> bits, int(columns[rank])
        if cursors[row] >= ends[row]:
            return row, column
        other = read_entry(by_row, int(cursors[row]), width, per_block) & payload
        if other != (column << bits) | (value & mask):
            return row, min(column, other >> bits)
        cursors[row] += 1
        rank += value >> (width - 1)
    for row in range(ends.size):
        if cursors[row] < ends[row]:
            return row, (read_entry(by_row, int(cursors[row]), width, per_block) & payload) >> bits
    return -1, -1


@kernel
def _dense_disagreement(by_column: Bytes, by_row: Bytes, size: int, stride: int, bits: int) -> tuple[int, int]:
    tile = 64  # a tile of both forms stays in the first-level cache
    for first_row in range(0, size, tile):
        for first_column in range(0, size, tile):
            for row in range(first_row, min(first_row + tile, size)):
                for column in range(first_column, min(first_column + tile, size)):
                    there = dense_level(by_column, column * stride, row, bits)
                    if dense_level(by_row, row * stride, column, bits) != there:
                        return row, column
    return -1, -1


@kernel
def _sum_lists(
    data: Bytes,
    stride: int,
    bits: int,
    levels: npt.NDArray[np.int64],
    by_input: npt.NDArray[np.int64],
    by_output: npt.NDArray[np.int64],
) -> None:
    for output in range(by_output.size):
        total = 0
        for k in range(by_input.size):
            level = levels[dense_level(data, output * stride, k, bits)]
            by_input[k] += level
            total += level
        by_output[output] = total


@kernel
def _sum_entries(
    data: Bytes,
    entries: int,
    shape: tuple[int, int, int],
    levels: npt.NDArray[np.int64],
    occupied: npt.NDArray[np.int64],
    by_input: npt.NDArray[np.int64],
    by_output: npt.NDArray[np.int64],
) -> None:
    bits, width, per_block = shape
    rank = 0
    for entry in range(entries):
        value = read_entry(data, entry, width, per_block)
        level = levels[value & ((1 << bits) - 1)]
        by_input[(value & ((1 << (width - 1)) - 1)) >> bits] += level
        by_output[occupied[rank]] += level
        rank += value >> (width - 1)
