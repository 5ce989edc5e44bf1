"""Sums over the lists of a dense matrix, straight from its packed indices."""

import numpy as np
import numpy.typing as npt

from ..jit import kernel
from ..packing.bitmap import Bytes
from ..packing.dense import dense_level
from ..parallel import Part
from .encode import Integers

Words = npt.NDArray[np.int64]

TILE_WORDS = 8
"""Words of every list that are taken at a time: a cache line."""


@kernel
def gather_dense(
    part: Part,
    data: Bytes,
    stride: int,
    bits: int,
    outputs: Integers,
    codebook: Integers,
    values: Integers,
    sums: Integers,
) -> None:
    """Write sum_i c[q_i] * values[i] of a part of a list of outputs to `sums` [listed, B].

    `values` is [inputs, B]; `stride` the bytes of an output's list.
    """
    for k in range(*part):
        sums[k] = 0
        start = int(outputs[k]) * stride
        for i in range(values.shape[0]):
            level = codebook[dense_level(data, start, i, bits)]
            for v in range(values.shape[1]):
                sums[k, v] += level * values[i, v]


@kernel
def gather_dense_identity(part: Part, words: Words, bits: int, values: Integers, sums: Integers) -> None:
    """Write sum_i q_i * values[i] of a part of the outputs to `sums` [outputs, B]; `words` [outputs, list words].

    With levels that are their indices a list is linear in its bits: bit p adds values[p // bits] << (p % bits). So a
    byte's share is looked up among 256, whatever the index width; the tables of a word serve all outputs.
    """
    first, end = part
    tile = np.empty((TILE_WORDS, end - first), np.int64)
    tables = np.empty((8, 256), np.int64)
    totals = np.empty(end - first, np.int64)
    for v in range(values.shape[1]):
        totals[:] = 0
        for start in range(0, words.shape[1], TILE_WORDS):
            used = min(TILE_WORDS, words.shape[1] - start)
            _copy_tile(words, first, start, used, tile)
            for k in range(used):
                _fill_tables(values[:, v], bits, (start + k) * 64, tables)
                _add_words(tile[k], tables, totals)
        for k in range(totals.size):
            sums[first + k, v] = totals[k]


@kernel
def _copy_tile(words: Words, first: int, start: int, used: int, tile: Words) -> None:
    # lists lie a power of two apart and would fall into the same few sets of a cache; side by side they do not
    for output in range(tile.shape[1]):
        for k in range(used):
            tile[k, output] = words[first + output, start + k]


@kernel
def _fill_tables(values: Integers, bits: int, first_bit: int, tables: Integers) -> None:
    for byte in range(8):
        table = tables[byte]
        table[0] = 0
        for place in range(8):
            bit = first_bit + 8 * byte + place
            position = bit // bits
            weight = values[position] << (bit - position * bits) if position < values.size else 0
            for low in range(1 << place):
                table[(1 << place) + low] = table[low] + weight


@kernel
def _add_words(words: Words, tables: Integers, totals: Integers) -> None:
    # eight loads that do not wait for each other
    t0, t1, t2, t3 = tables[0], tables[1], tables[2], tables[3]
    t4, t5, t6, t7 = tables[4], tables[5], tables[6], tables[7]
    for k in range(totals.size):
        w = words[k]
        low = (t0[w & 255] + t1[(w >> 8) & 255]) + (t2[(w >> 16) & 255] + t3[(w >> 24) & 255])
        high = (t4[(w >> 32) & 255] + t5[(w >> 40) & 255]) + (t6[(w >> 48) & 255] + t7[(w >> 56) & 255])
        totals[k] += low + high
