"""Sums over the lists of a dense matrix, straight from its packed indices."""

import numpy as np
import numpy.typing as npt

from ..jit import kernel
from ..packing.bitmap import Bytes
from ..packing.dense import dense_level
from ..parallel import Part
from .bits import bit_length
from .encode import Integers

Words = npt.NDArray[np.int64]

TILE_WORDS = 8
"""Words of every list that are taken at a time: a cache line."""

FEW_WORDS = 128
"""Non-zero words that are added bit by bit sooner than tables are filled for them."""

CACHE_STAGGER = 24
"""Elements between the rows of scratch arrays."""

LOW_63 = (1 << 63) - 1


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

    With levels that are their indices a list is linear in its bits: bit p adds values[p // bits] << (p % bits). Words
    of 0, most of a Norm-Q matrix, are passed over. Of the others, where they are few, the bits are added one by one;
    where they are many, a byte's share is looked up among 256, whatever the index width.
    """
    first, end = part
    # rows a power of two apart would fall into the same few sets of a cache
    kept = np.empty((TILE_WORDS, end - first + CACHE_STAGGER), np.int64)
    places = np.empty((TILE_WORDS, end - first + CACHE_STAGGER), np.int32)
    weights = np.empty(64, np.int64)
    tables = np.empty((8, 256), np.int64)
    totals = np.zeros((values.shape[1], end - first), np.int64)
    for start in range(0, words.shape[1], TILE_WORDS):
        used = min(TILE_WORDS, words.shape[1] - start)
        counts = _keep_nonzero(words[first:end], start, used, kept, places)
        for k in range(used):
            count = counts[k]
            if count == 0:
                continue
            for v in range(values.shape[1]):
                _fill_weights(values[:, v], bits, (start + k) * 64, weights)
                if count < FEW_WORDS:
                    _add_bits(kept[k, :count], places[k], weights, totals[v])
                else:
                    _fill_tables(weights, tables)
                    _add_words(kept[k, :count], places[k], tables, totals[v])
    sums[first:end] = totals.T


@kernel
def _keep_nonzero(words: Words, start: int, used: int, kept: Words, places: npt.NDArray[np.int32]) -> Integers:
    counts = np.zeros(used, np.int64)
    for output in range(words.shape[0]):
        line = words[output, start : start + used]
        union = np.int64(0)
        for k in range(used):
            union |= line[k]
        if union == 0:
            continue
        for k in range(used):
            count = counts[k]
            kept[k, count] = line[k]
            places[k, count] = output
            counts[k] = count + (line[k] != 0)
    return counts


@kernel
def _fill_weights(values: Integers, bits: int, first_bit: int, weights: Integers) -> None:
    position = first_bit // bits
    place = first_bit - position * bits
    for bit in range(64):
        weights[bit] = values[position] << place if position < values.size else 0
        place += 1
        if place == bits:
            place = 0
            position += 1


@kernel
def _add_bits(words: Words, places: npt.NDArray[np.int32], weights: Integers, totals: Integers) -> None:
    for k in range(words.size):
        total = weights[63] if words[k] < 0 else 0
        rest = words[k] & LOW_63
        while rest > 0:
            bit = bit_length(rest) - 1
            total += weights[bit]
            rest ^= 1 << bit
        totals[places[k]] += total


@kernel
def _fill_tables(weights: Integers, tables: Integers) -> None:
    low, high = np.zeros(16, np.int64), np.zeros(16, np.int64)
    for byte in range(8):
        for place in range(4):
            for k in range(1 << place):
                low[(1 << place) + k] = low[k] + weights[8 * byte + place]
                high[(1 << place) + k] = high[k] + weights[8 * byte + 4 + place]
        for h in range(16):
            for k in range(16):
                tables[byte, 16 * h + k] = high[h] + low[k]


@kernel
def _add_words(words: Words, places: npt.NDArray[np.int32], tables: Integers, totals: Integers) -> None:
    # eight loads that do not wait for each other
    t0, t1, t2, t3 = tables[0], tables[1], tables[2], tables[3]
    t4, t5, t6, t7 = tables[4], tables[5], tables[6], tables[7]
    for k in range(words.size):
        w = words[k]
        low = (t0[w & 255] + t1[(w >> 8) & 255]) + (t2[(w >> 16) & 255] + t3[(w >> 24) & 255])
        high = (t4[(w >> 32) & 255] + t5[(w >> 40) & 255]) + (t6[(w >> 48) & 255] + t7[(w >> 56) & 255])
        totals[places[k]] += low + high
