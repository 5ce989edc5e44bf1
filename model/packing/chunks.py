"""Outputs in chunks, so that packing never holds a second copy of a matrix."""

from collections.abc import Iterator

CHUNK_ELEMENTS = 1 << 22
"""Elements of a chunk: 4 MB of levels, many neighboring outputs, so that a transposed copy is fast."""


def output_chunks(outputs: int, inputs: int) -> Iterator[slice]:
    """Yield slices that cover range(outputs), each of at most `CHUNK_ELEMENTS` elements or one output."""
    step = max(1, CHUNK_ELEMENTS // inputs)
    for start in range(0, outputs, step):
        yield slice(start, min(start + step, outputs))
