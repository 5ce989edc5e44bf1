"""The counters of one descriptor, without a simulator."""

from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.lib import data

from ...model.config import AcceleratorConfig
from ...rtl.counters import COUNTERS
from ...rtl.operation import RECORD_BYTES, Opcode, descriptor_layout, record_layout
from ..memory.map import MemoryMap
from ..session import MemoryBehavior
from .cycle import Inputs, make_engine, run_engine
from .settings import settings_of

STALLS = ("ar_stall", "r_stall", "aw_stall", "w_stall", "b_stall")
LIMIT_CYCLES = 2_000_000_000


class TimingError(Exception):
    """A descriptor that does not come to an end."""


def predict(
    config: AcceleratorConfig,
    memory: MemoryMap,
    descriptor: int,
    behavior: MemoryBehavior,
    limit_cycles: int = LIMIT_CYCLES,
) -> dict[str, int]:
    """Return the counters of rtl.counters.COUNTERS after the descriptor at address `descriptor` of `memory`.

    They are those of the RTL for a descriptor that ends with Status.DONE on an engine that was at rest. Raises
    ValueError when `behavior` stalls at random, TimingError when `limit_cycles` cycles are not enough.
    """
    stalls = {name: getattr(behavior, name) for name in STALLS}
    if any(stalls.values()):
        raise ValueError(f"the timing model knows no random stalls, got {stalls!r}")
    fields = {name: int(row[0]) for name, row in _fields(descriptor_layout(), memory.constant(descriptor)).items()}
    settings = settings_of(config, descriptor, fields)
    memory_cycles = behavior.latency, behavior.write_latency, behavior.gap
    engine = make_engine(config, settings, memory_cycles)
    counters = np.zeros(len(COUNTERS), np.int64)
    if run_engine(engine, _inputs(memory, fields), counters, limit_cycles) < 0:
        raise TimingError(f"descriptor {descriptor:#x} has not ended after {limit_cycles} cycles")
    return {counter.name: int(value) for counter, value in zip(COUNTERS, counters, strict=True)}


def _inputs(memory: MemoryMap, fields: dict[str, int]) -> Inputs:
    """What the vectors' records say, and the bytes of the stream where its `last` flags decide."""
    if not Opcode.FORWARD.value <= fields["opcode"] <= Opcode.SCORES.value:
        none = np.zeros(0, np.int64)
        return Inputs(none, none, np.zeros((0, 4), np.int64), np.frombuffer(b"", np.uint8))
    records = _fields(record_layout(), memory.constant(fields["vector_records"])[: fields["vectors"] * RECORD_BYTES])
    columns = np.stack([records[name] for name in ("emission", "emission_blocks", "first", "count")], axis=1)
    is_score = fields["opcode"] == Opcode.SCORES.value
    stream = np.frombuffer(memory.constant(fields["stream"]) if is_score else b"", np.uint8)
    return Inputs(records["source"], records["destination"], columns, stream)


def _fields(layout: data.StructLayout, content: bytes) -> dict[str, npt.NDArray[np.int64]]:
    """Return each unsigned field of at most 63 bits of consecutive structures; none crosses a 64-bit word."""
    words = np.frombuffer(content, "<u8").reshape(-1, layout.size // 64)
    found: dict[str, Any] = {}
    for name, field in layout:
        if field.width <= 64:
            word, shift = divmod(field.offset, 64)
            mask = np.uint64((1 << min(field.width, 63)) - 1)
            found[str(name)] = ((words[:, word] >> np.uint64(shift)) & mask).astype(np.int64)
    return found
