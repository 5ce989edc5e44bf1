"""The counters of one descriptor, without a simulator."""

from dataclasses import dataclass

import numpy as np

from ...model.config import AcceleratorConfig
from ...rtl.counters import COUNTERS
from ...rtl.operation import RECORD_BYTES, Opcode
from ..memory.dram import COUNTERS as DRAM_COUNTERS
from ..memory.map import MemoryMap
from ..session import MemoryBehavior
from .constraint.predict import run_edges, runs_in_unit
from .cycle import Inputs, Past, run_engine
from .dram import dram_at_rest
from .engine import STATE, engine_at_rest
from .settings import settings_of
from .steady import new_search, rules
from .structures import DESCRIPTOR, RECORD

STALLS = ("ar_stall", "r_stall", "aw_stall", "w_stall", "b_stall")
LIMIT_CYCLES = 1 << 40
TABLE = rules()


@dataclass(frozen=True)
class Prediction:
    """What the engine and its memory count during one descriptor."""

    counters: dict[str, int]
    """By rtl.counters.COUNTERS."""
    dram: dict[str, int]
    """By sim.memory.dram.COUNTERS; zeros without a DRAM."""


class TimingError(Exception):
    """A descriptor that does not come to an end."""


def predict(
    config: AcceleratorConfig,
    memory: MemoryMap,
    descriptor: int,
    behavior: MemoryBehavior,
    limit_cycles: int = LIMIT_CYCLES,
    jumps: bool = True,
) -> dict[str, int]:
    """Return the counters of rtl.counters.COUNTERS after the descriptor at address `descriptor` of `memory`.

    Arguments and errors are those of `replay`.
    """
    return replay(config, memory, descriptor, behavior, limit_cycles, jumps).counters


def replay(
    config: AcceleratorConfig,
    memory: MemoryMap,
    descriptor: int,
    behavior: MemoryBehavior,
    limit_cycles: int = LIMIT_CYCLES,
    jumps: bool = True,
) -> Prediction:
    """Return what is counted while the descriptor at address `descriptor` of `memory` runs.

    The counters are those of the RTL for a descriptor that ends with Status.DONE on an engine that was at rest. Raises
    ValueError when `behavior` stalls at random, TimingError when `limit_cycles` cycles are not enough.
    """
    stalls = {name: getattr(behavior, name) for name in STALLS}
    if any(stalls.values()):
        raise ValueError(f"the timing model knows no random stalls, got {stalls!r}")
    fields = {name: int(row[0]) for name, row in DESCRIPTOR.read(memory.constant(descriptor)).items()}
    settings = settings_of(config, descriptor, fields)
    ports = behavior.ports()
    state, dram = engine_at_rest(config, settings, ports), dram_at_rest(ports, config.port_bytes)
    counters = np.zeros(len(COUNTERS), np.int64)
    if runs_in_unit(memory, descriptor):
        cycles = run_edges(config, memory, descriptor, state.view(STATE)[0], dram, counters, limit_cycles)
    else:
        past = Past(np.zeros_like(state), np.zeros_like(counters), TABLE, new_search())
        # the `last` flags of sparse scores differ from one period to the next, and so does what a DRAM is up to
        may_jump = jumps and behavior.dram is None and bool(settings["is_dense"] or not settings["is_score"])
        cycles = run_engine(state, dram, _inputs(memory, fields), past, may_jump, counters, limit_cycles)
    if cycles < 0:
        raise TimingError(f"descriptor {descriptor:#x} has not ended after {limit_cycles} cycles")
    return Prediction(
        {counter.name: int(value) for counter, value in zip(COUNTERS, counters, strict=True)},
        {name: int(dram[0][name]) for name in DRAM_COUNTERS},
    )


def _inputs(memory: MemoryMap, fields: dict[str, int]) -> Inputs:
    """What the vectors' records say, and the bytes of the stream where its `last` flags decide."""
    if not Opcode.FORWARD.value <= fields["opcode"] <= Opcode.SCORES.value:
        none = np.zeros(0, np.int64)
        return Inputs(none, none, np.zeros((0, 4), np.int64), np.frombuffer(b"", np.uint8))
    records = RECORD.read(memory.constant(fields["vector_records"])[: fields["vectors"] * RECORD_BYTES])
    columns = np.stack([records[name] for name in ("emission", "emission_blocks", "first", "count")], axis=1)
    is_score = fields["opcode"] == Opcode.SCORES.value
    stream = np.frombuffer(memory.constant(fields["stream"]) if is_score else b"", np.uint8)
    return Inputs(records["source"], records["destination"], columns, stream)
