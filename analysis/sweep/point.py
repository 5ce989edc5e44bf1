"""A design point: everything that an evaluator may depend on, in one flat record."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

from ...model.config import AcceleratorConfig, Layout
from ...model.formats import VectorCode
from ...sim.memory.dram import PRESETS, Dram
from ...sim.session import MemoryBehavior

LEAST_HIDDEN_CAPACITY = 64
IDEAL = "ideal"
GREATEST_CLOCK = 0
"""As `clock_mhz`: the greatest clock of the build at its node, put in when points are made."""

Model = Literal["synthetic", "embedded"]
Method = Literal["norm-q", "norm-q-aware-em"]
Memory = Literal["ideal", "ddr4-3200", "lpddr5-6400", "hbm2e"]
Residency = Literal["none", "model", "vectors", "both"]
LayoutName = Literal["sparse", "dense"]


class ImpossiblePointError(Exception):
    """A design point that cannot be built or run: the reason."""


@dataclass(frozen=True)
class DesignPoint:
    """One point; whether it is possible shows when it is evaluated."""

    model: Model = "synthetic"
    """Weights with published statistics at any size, or the embedded model (H = 64 or 256, V = 4096)."""
    hidden_states: int = 4096
    """H."""
    vocab_size: int = 50257
    """V."""
    bits: int = 4
    """b: index width, 2..8."""
    layout: LayoutName = "sparse"
    method: Method = "norm-q"
    """How the model was quantized: what its quality is looked up by. Timing always packs Norm-Q's levels."""
    beams: int = 16
    """B."""
    keywords: int = 0
    """Keywords that the text must contain; 0: no listed scores."""
    seed: int = 0
    """Of keywords and beams."""
    entries_per_cycle: int = 4
    """S."""
    lanes: int = 16
    """P."""
    elements_per_cycle: int = 4
    """W."""
    port_bits: int = 512
    exponent_bits: int = 5
    """E of a vector's elements."""
    mantissa_bits: int = 12
    """M: significant bits of a vector's elements."""
    outstanding_reads: int = 32
    stream_buffer_bytes: int = 8192
    memory: Memory = "ideal"
    """A memory of fixed latency, or a DRAM preset behind it."""
    channels: int = 0
    """Of the DRAM; 0: as many as its preset has."""
    latency: int = 40
    """Read latency in cycles, on top of a DRAM's own times."""
    residency: Residency = "none"
    """What is kept on chip: nothing, the weights of forward and scores, the vectors of the beams, or both."""
    local_bytes: int = 0
    """Memory on chip for it."""
    clock_mhz: int = 400
    """Of the engine; it turns cycles into time. 0: the greatest."""
    node: str = "nangate45"
    """What cost is stated for."""

    @property
    def digest(self) -> str:
        """Key of the point: of its fields by name, so that their order does not matter."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:24]

    @property
    def engine_alone(self) -> "DesignPoint":
        """The point without node and method, which cycles do not depend on."""
        return replace(self, node=DesignPoint.node, method=DesignPoint.method)

    @property
    def packed_layout(self) -> Layout:
        """Storage of the weights."""
        return Layout(self.layout)

    @property
    def keeps_model(self) -> bool:
        """Whether the weights of forward and scores are on chip."""
        return self.residency in ("model", "both")

    @property
    def keeps_vectors(self) -> bool:
        """Whether the beams' vectors are on chip."""
        return self.residency in ("vectors", "both")

    @property
    def groups(self) -> int:
        """Groups of P beams."""
        return -(-self.beams // self.lanes)

    def config(self) -> AcceleratorConfig:
        """Return the engine built for this point alone: one index width, one layout, the least capacities.

        Raises ImpossiblePointError with the reason.
        """
        if not 1 <= self.hidden_states <= 65536:
            raise ImpossiblePointError(f"hidden_states must be 1..65536, got {self.hidden_states!r}")
        capacity = max(LEAST_HIDDEN_CAPACITY, 1 << (self.hidden_states - 1).bit_length())
        try:
            return AcceleratorConfig(
                entries_per_cycle=self.entries_per_cycle,
                lanes=self.lanes,
                elements_per_cycle=self.elements_per_cycle,
                port_bits=self.port_bits,
                greatest_index_bits=self.bits,
                least_index_bits=self.bits,
                layouts=frozenset({self.packed_layout}),
                hidden_capacity=capacity,
                vocab_capacity=self.vocab_size,
                outstanding_reads=self.outstanding_reads,
                stream_buffer_bytes=self.stream_buffer_bytes,
                local_bytes=self.local_bytes,
                code=VectorCode(self.exponent_bits, self.mantissa_bits),
            )
        except ValueError as error:
            raise ImpossiblePointError(str(error)) from error

    def behavior(self) -> MemoryBehavior:
        """Return the memory behind the port. Raises ImpossiblePointError; OptionError for channels that no DRAM has."""
        if not 1 <= self.clock_mhz <= 65535:
            raise ImpossiblePointError(f"clock_mhz must be 1..65535, got {self.clock_mhz!r}")
        if not 1 <= self.latency <= 65535:
            raise ImpossiblePointError(f"latency must be 1..65535 cycles, got {self.latency!r}")
        if self.memory == IDEAL:
            if self.channels:
                raise ImpossiblePointError(f"channels must be 0 where memory is {IDEAL!r}, got {self.channels!r}")
            return MemoryBehavior(latency=self.latency)
        timings = PRESETS[self.memory]
        dram = Dram(timings, self.channels or timings.channels, engine_mhz=self.clock_mhz)
        return MemoryBehavior(latency=self.latency, dram=dram)
