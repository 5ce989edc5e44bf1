"""Sparse layout ("gather-dot"): entries {last, input index, level} of one width in blocks of 64 bytes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..hmm import row_chunks
from ..jit import kernel
from ..quantize.tensor import Levels
from .bitmap import pack_bitmap, unpack_bitmap
from .matrix import BLOCK_BYTES, EntryFormat

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SparseStream:
    """The packed stream of one matrix."""

    data: Bytes
    """Blocks of 64 bytes."""
    nonempty: Bytes
    """Bit map of the outputs that have an entry."""
    entries: int


def sparse_bytes(entries: int, form: EntryFormat) -> int:
    """Return the bytes of the blocks that hold `entries` entries."""
    return -(-entries // form.per_block) * BLOCK_BYTES


def pack_sparse(levels: Levels, form: EntryFormat) -> SparseStream:
    """Return the stream of `levels` [outputs, inputs], which may be a transposed view.

    Beside the result it holds one chunk of a few MB.
    """
    outputs, inputs = levels.shape
    entries = int(np.count_nonzero(levels))
    data = np.zeros(sparse_bytes(entries, form), np.uint8)
    nonempty = np.zeros(outputs, np.bool_)
    entry = 0
    for chunk in row_chunks(outputs, inputs):
        rows = np.ascontiguousarray(levels[chunk])
        entry = _append(rows, form.bits, form.width, form.per_block, entry, data, nonempty[chunk])
    return SparseStream(data, pack_bitmap(nonempty), entries)


def unpack_sparse(stream: SparseStream, form: EntryFormat, outputs: int) -> Levels:
    """Return the levels [outputs, inputs] of a well-formed stream."""
    levels = np.zeros((outputs, form.inputs), np.uint8)
    order = np.flatnonzero(unpack_bitmap(stream.nonempty, outputs))
    _scatter(stream.data, stream.entries, form.bits, form.width, form.per_block, order, levels)
    return levels


@kernel
def read_entry(data: Bytes, entry: int, width: int, per_block: int) -> int:
    """Return entry number `entry` of the stream, {last, index, level} as one integer of `width` bits."""
    bit = (entry % per_block) * width
    byte = (entry // per_block) * 64 + (bit >> 3)
    value = int(data[byte]) | (int(data[byte + 1]) << 8)
    if width > 16:  # the third byte of a 20-bit or 24-bit entry lies in the same block
        value |= int(data[byte + 2]) << 16
    return (value >> (bit & 7)) & ((1 << width) - 1)


@kernel
def _write_entry(data: Bytes, entry: int, width: int, per_block: int, value: int) -> None:
    bit = (entry % per_block) * width
    byte = (entry // per_block) * 64 + (bit >> 3)
    rest = value << (bit & 7)
    while rest > 0:
        data[byte] |= rest & 255
        rest >>= 8
        byte += 1


@kernel
def _append(
    levels: Levels,
    bits: int,
    width: int,
    per_block: int,
    first: int,
    data: Bytes,
    nonempty: npt.NDArray[np.bool_],
) -> int:
    entry = first
    for output in range(levels.shape[0]):
        value = 0
        for index in range(levels.shape[1]):
            level = int(levels[output, index])
            if level != 0:
                if value != 0:
                    _write_entry(data, entry, width, per_block, value)
                    entry += 1
                value = (index << bits) | level
        if value != 0:  # held back until it is known to be the last of its output
            nonempty[output] = True
            _write_entry(data, entry, width, per_block, value | (1 << (width - 1)))
            entry += 1
    return entry


@kernel
def _scatter(
    data: Bytes, entries: int, bits: int, width: int, per_block: int, order: npt.NDArray[np.int64], levels: Levels
) -> None:
    rank = 0
    for entry in range(entries):
        value = read_entry(data, entry, width, per_block)
        index = (value & ((1 << (width - 1)) - 1)) >> bits
        levels[order[rank], index] = value & ((1 << bits) - 1)
        rank += value >> (width - 1)
