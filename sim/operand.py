"""Vectors where the engine finds them: by address, so that they are shared, reordered and repeated without a copy."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..model.formats import CODE_BYTES
from ..model.golden.vectors import Vectors
from ..model.packing.matrix import BLOCK_BYTES
from .memory.map import MemoryMap, Region


@dataclass(frozen=True)
class StoredVectors:
    """B vectors in memory: the address of the codes and the exponent of each."""

    addresses: tuple[int, ...]
    exponents: tuple[int, ...]

    @property
    def batch(self) -> int:
        """B."""
        return len(self.addresses)

    def take(self, rows: Sequence[int]) -> "StoredVectors":
        """Return the vectors of these numbers in their order, as pointers to the same bytes."""
        return StoredVectors(tuple(self.addresses[row] for row in rows), tuple(self.exponents[row] for row in rows))


def vector_stride(length: int) -> int:
    """Return the bytes from one vector of `length` elements to the next, where they lie side by side."""
    return -(-length * CODE_BYTES // BLOCK_BYTES) * BLOCK_BYTES


def place_vectors(memory: MemoryMap, vectors: Vectors) -> StoredVectors:
    """Lay vectors down in memory."""
    addresses = tuple(memory.place(codes.astype("<u2").tobytes()) for codes in vectors.codes)
    return StoredVectors(addresses, tuple(int(exponent) for exponent in vectors.exponents))


def written_vectors(region: Region, batch: int, length: int) -> StoredVectors:
    """Return the vectors that a job will write to `region`, before it has run: under exponent 0.

    What is computed from them has exponents relative to theirs, which the job leaves in its results.
    """
    stride = vector_stride(length)
    return StoredVectors(tuple(region.address + row * stride for row in range(batch)), (0,) * batch)
