"""Sums over the entries of a sparse matrix, straight from its blocks."""

from itertools import pairwise

import numpy as np

from ..jit import kernel
from ..packing.bitmap import Bytes
from ..packing.matrix import BLOCK_BYTES, EntryFormat
from ..parallel import Part
from .encode import Integers

EntryShape = tuple[int, int, int]
"""(level bits, entry width, entries a block), as kernels take it."""


def entry_shape(form: EntryFormat) -> EntryShape:
    """Return the shape of a matrix's entries."""
    return form.bits, form.width, form.per_block


BLOCK_ENTRIES = 32
"""Entries of a block of the narrowest, 16 bits."""


@kernel
def gather_sparse(
    part: Part,
    data: Bytes,
    shape: EntryShape,
    offsets: Integers,
    codebook: Integers,
    values: Integers,
    sums: Integers,
) -> None:
    """Write sum_i c[q_i] * values[i] of a part of the stored outputs to `sums` [records, B]; `values` [inputs, B].

    `offsets` [records + 1] are the entries before each stored output.
    """
    first, end = part
    begin, stop = int(offsets[first]), int(offsets[end])
    if values.shape[1] == 1:
        _gather_one(data, shape, begin, stop, codebook, values[:, 0], sums[first:end, 0])
    else:
        _gather_many(data, shape, begin, stop, codebook, values, sums[first:end])


@kernel
def gather_listed_sparse(
    part: Part,
    data: Bytes,
    shape: EntryShape,
    offsets: Integers,
    outputs: Integers,
    codebook: Integers,
    values: Integers,
    sums: Integers,
) -> None:
    """Write the sums of a part of a list of outputs to `sums` [listed, B].

    `offsets` [outputs + 1] are the entries before each output, stored or not.
    """
    for k in range(*part):
        begin, stop = int(offsets[outputs[k]]), int(offsets[outputs[k] + 1])
        sums[k] = 0
        if begin < stop:
            _gather_many(data, shape, begin, stop, codebook, values, sums[k : k + 1])


@kernel
def _gather_one(
    data: Bytes, shape: EntryShape, first: int, end: int, codebook: Integers, values: Integers, sums: Integers
) -> None:
    bits, width, per_block = shape
    level_mask, index_mask = (1 << bits) - 1, (1 << (width - 1)) - 1
    entries = np.empty(BLOCK_ENTRIES, np.int64)
    total = np.int64(0)
    rank = 0
    for block in range(first // per_block, (end - 1) // per_block + 1):
        _read_block(data[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES], width, entries)
        for slot in range(max(0, first - block * per_block), min(per_block, end - block * per_block)):
            entry = entries[slot]
            total += codebook[entry & level_mask] * values[(entry & index_mask) >> bits]
            if entry > index_mask:
                sums[rank] = total
                total = np.int64(0)
                rank += 1


@kernel
def _gather_many(
    data: Bytes, shape: EntryShape, first: int, end: int, codebook: Integers, values: Integers, sums: Integers
) -> None:
    bits, width, per_block = shape
    level_mask, index_mask = (1 << bits) - 1, (1 << (width - 1)) - 1
    entries = np.empty(BLOCK_ENTRIES, np.int64)
    rank = 0
    sums[:] = 0
    for block in range(first // per_block, (end - 1) // per_block + 1):
        _read_block(data[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES], width, entries)
        for slot in range(max(0, first - block * per_block), min(per_block, end - block * per_block)):
            entry = entries[slot]
            level, index = codebook[entry & level_mask], (entry & index_mask) >> bits
            for v in range(sums.shape[1]):
                sums[rank, v] += level * values[index, v]
            if entry > index_mask:
                rank += 1


@kernel
def _read_block(block: Bytes, width: int, entries: Integers) -> None:
    """Write all entries of one block; each width has places that are known beforehand, which makes it quick."""
    if width == 16:
        for k in range(32):
            entries[k] = _little_endian(block, 2 * k, 2)
    elif width == 20:
        for k in range(12):
            pair = _little_endian(block, 5 * k, 5)
            entries[2 * k], entries[2 * k + 1] = pair & 0xFFFFF, pair >> 20
    else:
        for k in range(20):
            entries[k] = _little_endian(block, 3 * k, 3)


@kernel
def _little_endian(data: Bytes, start: int, count: int) -> int:
    value = np.int64(0)
    for k in range(count):
        value |= np.int64(data[start + k]) << (8 * k)
    return int(value)


def balanced_parts(offsets: Integers, parts: int) -> list[Part]:
    """Return the stored outputs of a stream in at most `parts` parts of about equally many entries."""
    entries = int(offsets[-1])
    cuts = [0, *(int(offsets.searchsorted(entries * k // parts)) for k in range(1, parts)), offsets.size - 1]
    return [(first, end) for first, end in pairwise(cuts) if first < end]
