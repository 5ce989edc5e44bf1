"""The configuration that model, rtl, sim and analysis share: choices, derived quantities, presets."""

from dataclasses import dataclass, field
from enum import Enum

from .formats import CODE_BYTES, VectorCode

GREATEST_OUTSTANDING_READS = 64
"""What the simulated memory queues (sim/memory/memory.sv)."""


class Layout(Enum):
    """Storage of a packed matrix."""

    SPARSE = "sparse"
    DENSE = "dense"


def _power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


@dataclass(frozen=True)
class AcceleratorConfig:
    """Build parameters of the accelerator; impossible combinations are refused with the reason.

    Raises ValueError naming the field, the value and the rule.
    """

    entries_per_cycle: int = 4
    """S: entries of the weight stream taken per cycle, 1, 2, 4 or 8."""
    lanes: int = 16
    """P: vectors that share one weight fetch; a power of two up to 64."""
    elements_per_cycle: int = 4
    """W: consecutive elements of every lane that an element-wise pass handles per cycle; 1, 2, 4 or 8."""
    port_bits: int = 512
    """Data width of the memory port; 64, 128, 256 or 512."""
    greatest_index_bits: int = 8
    """b: the greatest index width built in, 2..8."""
    least_index_bits: int = 2
    """The least index width built in; area studies build exactly one width."""
    layouts: frozenset[Layout] = frozenset(Layout)
    """Layouts whose decoders are built."""
    hidden_capacity: int = 1024
    """Greatest H: inputs of every operation, outputs of forward and backward; a power of two."""
    vocab_capacity: int = 65536
    """Greatest V: outputs of scores."""
    outstanding_reads: int = 32
    """Read bursts of up to 256 bytes under way on the memory port at once, 1..64."""
    stream_buffer_bytes: int = 8192
    """Buffers of weights and of vectors: over the port's bytes, the latency in cycles that a full port can hide."""
    local_bytes: int = 0
    """Bytes of the memory on chip that descriptors may address: 0 for none, or a power of two from 4 KiB to 8 MiB."""
    row_leaks: bool = False
    """Whether models with a leak for each row (row_mass_leak) can be run."""
    code: VectorCode = field(default_factory=VectorCode)
    """Format of vector elements."""

    def __post_init__(self) -> None:
        for name, greatest in (("entries_per_cycle", 8), ("lanes", 64), ("elements_per_cycle", 8)):
            value = getattr(self, name)
            if not (_power_of_two(value) and value <= greatest):
                raise ValueError(f"{name} must be a power of two up to {greatest}, got {value!r}")
        if self.port_bits not in (64, 128, 256, 512):
            raise ValueError(f"port_bits must be 64, 128, 256 or 512, got {self.port_bits!r}")
        if not 2 <= self.least_index_bits <= self.greatest_index_bits <= 8:
            raise ValueError(
                "index widths must satisfy 2 <= least_index_bits <= greatest_index_bits <= 8, got "
                f"{self.least_index_bits!r} and {self.greatest_index_bits!r}"
            )
        if not self.layouts:
            raise ValueError("layouts must name at least one of sparse, dense, got none")
        if not (_power_of_two(self.hidden_capacity) and 64 <= self.hidden_capacity <= 65536):
            raise ValueError(f"hidden_capacity must be a power of two in 64..65536, got {self.hidden_capacity!r}")
        if not 2 <= self.vocab_capacity <= 1 << 20:
            raise ValueError(f"vocab_capacity must be 2..1048576, got {self.vocab_capacity!r}")
        if not 1 <= self.outstanding_reads <= GREATEST_OUTSTANDING_READS:
            raise ValueError(
                f"outstanding_reads must be 1..{GREATEST_OUTSTANDING_READS}, got {self.outstanding_reads!r}"
            )
        if not (_power_of_two(self.stream_buffer_bytes) and 512 <= self.stream_buffer_bytes <= 65536):
            raise ValueError(
                f"stream_buffer_bytes must be a power of two in 512..65536, got {self.stream_buffer_bytes!r}"
            )
        if self.local_bytes and not (_power_of_two(self.local_bytes) and 1 << 12 <= self.local_bytes <= 1 << 23):
            raise ValueError(f"local_bytes must be 0 or a power of two in 4096..8388608, got {self.local_bytes!r}")

    @property
    def port_bytes(self) -> int:
        """Bytes of one beat."""
        return self.port_bits // 8

    @property
    def codes_per_beat(self) -> int:
        """Vector elements in one beat of the memory port."""
        return self.port_bytes // CODE_BYTES

    @property
    def record_bytes(self) -> int:
        """Bytes of one score record: a SCORE16 code of every lane."""
        return CODE_BYTES * self.lanes
