"""Where everything lies in the simulated memory: segments with guards between them."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ...model.errors import LocalMemoryError
from ...rtl.bus.axi import LOCAL_BIT
from .image import poison, write_image

ALIGNMENT = 64
"""Every segment begins at a block, as the engine's fetchers want it."""
GUARD_BYTES = 64
"""Poison behind every segment: whatever writes past its end shows."""


class CorruptedMemoryError(Exception):
    """Bytes changed that nothing may write."""


class Space(Enum):
    """Which memory."""

    PORT = "port"
    """That behind the memory port."""
    LOCAL = "local"
    """That on chip."""


@dataclass(frozen=True)
class Region:
    """Bytes that the engine writes: where, and how many."""

    name: str
    address: int
    size: int

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.address + self.size


@dataclass(frozen=True)
class Resident:
    """Constant bytes that are to be copied on chip: from where, to where."""

    source: int
    address: int
    size: int


class MemoryMap:
    """Grows from address 0: constants that only the engine reads, regions that it writes, poison everywhere else.

    The memory on chip, of `local_bytes`, is filled the same way, from its own first address on. What the simulator
    loads and dumps is the memory behind the port alone.
    """

    def __init__(self, local_bytes: int = 0) -> None:
        self._next = 0
        self._local_bytes, self._local_next = local_bytes, 0
        self._residents: dict[int, bytes] = {}
        self._constants: dict[int, bytes] = {}
        self._regions: list[Region] = []

    @property
    def size(self) -> int:
        """Bytes in use, guards included."""
        return self._next

    @property
    def local_left(self) -> int:
        """Bytes of the memory on chip that are not in use."""
        return self._local_bytes - self._local_next

    def place(self, content: bytes) -> int:
        """Lay down bytes and return their address."""
        address = self._allocate(len(content))
        self._constants[address] = content
        return address

    def constant(self, address: int) -> bytes:
        """Return what was laid down at an address that `place` or `keep` returned; raises KeyError for another."""
        return self._residents[address] if address in self._residents else self._constants[address]

    def keep(self, name: str, content: bytes) -> Resident:
        """Lay down bytes and set room aside on chip where they are to be copied; raises LocalMemoryError."""
        address = self._allocate_local(name, len(content))
        self._residents[address] = content
        return Resident(self.place(content), address, len(content))

    def reserve(self, name: str, size: int, space: Space = Space.PORT) -> Region:
        """Set room aside that the engine will write; raises LocalMemoryError when it does not fit on chip."""
        if space is Space.LOCAL:
            return Region(name, self._allocate_local(name, size), size)
        region = Region(name, self._allocate(size), size)
        self._regions.append(region)
        return region

    def write(self, path: Path, word_bytes: int) -> None:
        """Write the image that the simulator loads."""
        write_image(path, self._constants, word_bytes)

    def check(self, dump: bytes) -> None:
        """Raise CorruptedMemoryError when anything outside the regions is not as it was laid down."""
        written = {region.address: region.size for region in self._regions}
        position = 0
        for address, size in sorted([*written.items(), *((a, len(c)) for a, c in self._constants.items())]):
            self._check_span(dump, position, poison(address - position, position))
            if address not in written:
                self._check_span(dump, address, self._constants[address])
            position = address + size
        self._check_span(dump, position, poison(len(dump) - position, position))

    def _check_span(self, dump: bytes, address: int, expected: bytes) -> None:
        found = dump[address : address + len(expected)]
        if found == expected:
            return
        offset = next(i for i, (a, b) in enumerate(zip(found, expected, strict=True)) if a != b)
        before = max((r for r in self._regions if r.address <= address + offset), key=lambda r: r.address, default=None)
        place = f", {address + offset - before.end} bytes behind the end of {before.name!r}" if before else ""
        raise CorruptedMemoryError(
            f"byte {address + offset:#x} is {found[offset]:#04x}, it was {expected[offset]:#04x}{place}"
        )

    def _allocate(self, size: int) -> int:
        address = self._next
        self._next = -(-(address + size + GUARD_BYTES) // ALIGNMENT) * ALIGNMENT
        return address

    def _allocate_local(self, name: str, size: int) -> int:
        first, needed = self._local_next, -(-size // ALIGNMENT) * ALIGNMENT
        if first + needed > self._local_bytes:
            raise LocalMemoryError(
                f"{name}: {needed} bytes do not fit in the local memory, local_bytes must be at least "
                f"{first + needed}, got {self._local_bytes}"
            )
        self._local_next = first + needed
        return (1 << LOCAL_BIT) + first
