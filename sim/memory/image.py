"""Contents of the simulated memory as bytes: images to load, dumps to read, poison between."""

import os
from collections.abc import Mapping
from pathlib import Path

MEMORY_SOURCE = Path(__file__).resolve().parent / "memory.sv"
"""The memory `normq_memory`; its head comment is its contract."""
MEMORY_SOURCES = (MEMORY_SOURCE.with_name("dram.sv"), MEMORY_SOURCE)
"""All that it is made of."""

POISON = (0xBADC0FFEE0DDF00D).to_bytes(8, "little")
"""What every byte of the memory holds, in turn, until an image or the engine writes it."""


def poison(size: int, address: int = 0) -> bytes:
    """Return the `size` bytes that an untouched memory holds from byte `address` on."""
    start = address % len(POISON)
    return (POISON * (size // len(POISON) + 2))[start : start + size]


def write_image(path: Path, segments: Mapping[int, bytes], word_bytes: int) -> None:
    """Write `segments` (byte address -> bytes) as an image, poison between them, padded to whole words.

    Raises ValueError when two segments overlap.
    """
    image = bytearray()
    for address, content in sorted(segments.items()):
        if address < len(image):
            raise ValueError(f"the segment at {address:#x} starts before the one before it ends, at {len(image):#x}")
        image += poison(address - len(image), len(image))
        image += content
    image += poison(-len(image) % word_bytes, len(image))
    draft = path.with_suffix(".part")
    draft.write_bytes(image)
    os.replace(draft, path)


def read_dump(path: Path, address: int, size: int) -> bytes:
    """Return `size` bytes from byte `address` of a dump; ValueError when the dump is shorter."""
    with path.open("rb") as file:
        file.seek(address)
        content = file.read(size)
    if len(content) != size:
        raise ValueError(f"{path}: {size} bytes at {address:#x} were asked for, the dump ends after {len(content)}")
    return content
