"""Dense layout: indices of `bits` bits, little-endian without gaps, each output's list padded to 8 bytes."""

import numpy as np
import numpy.typing as npt

from ..hmm import row_chunks
from ..jit import kernel
from ..quantize.tensor import Levels
from .matrix import dense_output_bytes

Bytes = npt.NDArray[np.uint8]


def pack_dense(levels: Levels, bits: int) -> Bytes:
    """Return the packed bytes of `levels` [outputs, inputs], which may be a transposed view.

    Beside the result it holds one chunk of a few MB.
    """
    outputs, inputs = levels.shape
    stride = dense_output_bytes(inputs, bits)
    data = np.zeros((outputs, stride), np.uint8)
    for chunk in row_chunks(outputs, inputs):
        _pack_lists(np.ascontiguousarray(levels[chunk]), bits, data[chunk])
    return data.reshape(-1)


def unpack_dense(data: Bytes, bits: int, inputs: int, outputs: int) -> Levels:
    """Return the levels [outputs, inputs] of packed bytes; padding is not looked at."""
    levels = np.empty((outputs, inputs), np.uint8)
    _unpack_lists(data.reshape(outputs, dense_output_bytes(inputs, bits)), bits, levels)
    return levels


@kernel
def dense_level(data: Bytes, start: int, position: int, bits: int) -> int:
    """Return index `position` of the list that starts at byte `start`."""
    bit = position * bits
    byte = start + (bit >> 3)
    shift = bit & 7
    value = int(data[byte]) >> shift
    if shift + bits > 8:
        value |= int(data[byte + 1]) << (8 - shift)
    return value & ((1 << bits) - 1)


@kernel
def _pack_lists(levels: Levels, bits: int, data: Bytes) -> None:
    for output in range(levels.shape[0]):
        pending = 0
        filled = 0
        byte = 0
        for position in range(levels.shape[1]):
            pending |= int(levels[output, position]) << filled
            filled += bits
            if filled >= 8:
                data[output, byte] = pending & 255
                pending >>= 8
                filled -= 8
                byte += 1
        if filled > 0:
            data[output, byte] = pending


@kernel
def _unpack_lists(data: Bytes, bits: int, levels: Levels) -> None:
    mask = (1 << bits) - 1
    for output in range(levels.shape[0]):
        pending = 0
        filled = 0
        byte = 0
        for position in range(levels.shape[1]):
            if filled < bits:
                pending |= int(data[output, byte]) << filled
                filled += 8
                byte += 1
            levels[output, position] = pending & mask
            pending >>= bits
            filled -= bits
