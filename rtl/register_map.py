"""The registers as data: the RTL decodes them, the manifest and docs/REGISTERS.md list them, all from here."""

from dataclasses import dataclass
from enum import Enum

from .bus.axi import ADDRESS_BITS
from .bus.lite import CONTROL_BITS
from .counters import COUNTER_BITS, COUNTERS

REGISTER_BYTES = CONTROL_BITS // 8
QUEUE_DEPTH = 8
"""Descriptors that wait beside the one that the engine has taken."""
MAP_VERSION = 2
IDENTITY = 0x4E51_0000 | MAP_VERSION
"""Register 0: "NQ" and the version of this map."""
COUNTER_BASE = 0x100
"""Address of the first counter."""


class Access(Enum):
    """What a driver may do with a register. A write that is not allowed is answered with SLVERR and does nothing."""

    READ = "RO"
    """Reads a state of the engine."""
    READ_WRITE = "RW"
    """Keeps what was written, byte by byte as strobed."""
    WRITE = "WO"
    """Each bit written as 1 does something once; reads 0."""


@dataclass(frozen=True)
class Field:
    """Neighboring bits of a register. What no field covers reads 0 and ignores writes."""

    name: str
    bit: int
    bits: int
    meaning: str
    reset: int = 0


@dataclass(frozen=True)
class Entry:
    """A 32-bit register: byte address, access, meaning, and its fields, least bit first."""

    address: int
    access: Access
    meaning: str
    fields: tuple[Field, ...]


class Register(Enum):
    """Every register but the counters."""

    IDENTITY = Entry(
        0x000,
        Access.READ,
        "what this is",
        (
            Field("version", 0, 16, "version of the register map", IDENTITY & 0xFFFF),
            Field("magic", 16, 16, '"NQ"', IDENTITY >> 16),
        ),
    )
    STATUS = Entry(
        0x004,
        Access.READ,
        "how things stand",
        (
            Field("status", 0, 8, "status code of the descriptor at work, else of the last one"),
            Field("queued", 8, QUEUE_DEPTH.bit_length(), "descriptors that wait in the queue"),
        ),
    )
    COMPLETED = Entry(
        0x008, Access.READ, "progress", (Field("count", 0, 32, "descriptors completed since reset, modulo 2**32"),)
    )
    DOORBELL_HIGH = Entry(
        0x010,
        Access.READ_WRITE,
        "address of the next descriptor, upper half",
        (Field("address", 0, ADDRESS_BITS - 32, f"bits 32 to {ADDRESS_BITS - 1}"),),
    )
    DOORBELL = Entry(
        0x014,
        Access.READ_WRITE,
        "address of the next descriptor, lower half; writing its highest byte queues the descriptor. A full queue "
        "drops it and sets OVERFLOW, the write is answered with OKAY all the same",
        (Field("address", 0, 32, "bits 0 to 31; a multiple of 64"),),
    )
    CONTROL = Entry(
        0x018,
        Access.WRITE,
        "actions",
        (
            Field("clear_counters", 0, 1, "set every counter to 0"),
            Field("acknowledge", 1, 1, "lower the interrupt; a descriptor that completes in that cycle keeps it up"),
            Field("clear_overflow", 2, 1, "set OVERFLOW to 0"),
            Field("clear_failed", 3, 1, "set FAILED to 0; a descriptor that fails in that cycle is noted all the same"),
        ),
    )
    OVERFLOW = Entry(
        0x01C, Access.READ, "what was lost", (Field("dropped", 0, 1, "1 once a doorbell met a full queue"),)
    )
    INTERRUPT = Entry(
        0x020, Access.READ, "the interrupt line", (Field("pending", 0, 1, "1 from a completion to `acknowledge`"),)
    )
    FAILED = Entry(
        0x024,
        Access.READ,
        "the first descriptor that did not end well since reset or `clear_failed`",
        (
            Field("status", 0, 8, "its status code; 0 for none"),
            Field("number", 8, 24, "its number, counted from 0 at reset, modulo 2**24"),
        ),
    )

    @property
    def address(self) -> int:
        """Byte address."""
        return self.value.address


def control(*actions: str) -> int:
    """Return what to write to CONTROL for these actions, by the names of its fields."""
    bits = {field.name: field.bit for field in Register.CONTROL.value.fields}
    return sum(1 << bits[action] for action in actions)


def counter_addresses(index: int) -> tuple[int, int]:
    """Return the addresses of the low and of the high half of COUNTERS[index]; the high one holds the upper bits."""
    low = COUNTER_BASE + 2 * REGISTER_BYTES * index
    return low, low + REGISTER_BYTES


COUNTER_HALVES = (CONTROL_BITS, COUNTER_BITS - CONTROL_BITS)
"""Bits of a counter in its low and in its high register."""
MAP_BYTES = counter_addresses(len(COUNTERS))[0]
"""The address behind the last register."""
