"""Bit maps of outputs and rows: bit k % 8 of byte k // 8, padded with zeros to a multiple of 8 bytes."""

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


def bitmap_bytes(count: int) -> int:
    """Return the bytes of a bit map of `count` bits."""
    return (count + 63) // 64 * 8


def pack_bitmap(flags: npt.NDArray[np.bool_]) -> Bytes:
    """Return the bit map of `flags` [count]."""
    packed = np.zeros(bitmap_bytes(flags.size), np.uint8)
    bits = np.packbits(flags, bitorder="little")
    packed[: bits.size] = bits
    return packed


def unpack_bitmap(bitmap: Bytes, count: int) -> npt.NDArray[np.bool_]:
    """Return the first `count` bits of a bit map as flags [count]."""
    return np.unpackbits(bitmap, count=count, bitorder="little").astype(bool)
