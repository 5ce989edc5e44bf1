"""The counters of descriptors, without a simulator."""

from dataclasses import dataclass

import numpy as np

from ...model.config import AcceleratorConfig
from ...rtl.counters import COUNTERS
from ..memory.dram import COUNTERS as DRAM_COUNTERS
from ..memory.map import MemoryMap
from ..session import MemoryBehavior
from .constraint.predict import run_edges
from .cycle import AT_EDGES, AT_LIMIT, Past, go_on, run_engine
from .dram import dram_at_rest
from .engine import STATE, engine_at_rest
from .program import read_program
from .steady import new_search, rules

STALLS = ("ar_stall", "r_stall", "aw_stall", "w_stall", "b_stall")
LIMIT_CYCLES = 1 << 40
TABLE = rules()


class TimingError(Exception):
    """Descriptors that do not come to an end."""


@dataclass(frozen=True)
class Prediction:
    """What a chain of descriptors counts, and when each of them is over."""

    counters: dict[str, int]
    """Those of rtl.counters.COUNTERS."""
    completed_at: tuple[int, ...]
    """Cycles since the first was taken."""
    dram: dict[str, int]
    """By sim.memory.dram.COUNTERS; zeros without a DRAM."""


def predict(
    config: AcceleratorConfig,
    memory: MemoryMap,
    descriptors: tuple[int, ...],
    behavior: MemoryBehavior,
    limit_cycles: int = LIMIT_CYCLES,
    jumps: bool = True,
) -> Prediction:
    """Return what the RTL counts in a chain of descriptors, given by their addresses in `memory`.

    It holds for descriptors that end with Status.DONE, on an engine that was at rest, each of them in the queue before
    the engine comes to it. `jumps` takes steady stretches at once, which changes no result.

    Raises ValueError when `behavior` stalls at random, and for descriptors of no known opcode;
    TimingError when `limit_cycles` cycles are not enough.
    """
    stalls = {name: getattr(behavior, name) for name in STALLS}
    if any(stalls.values()):
        raise ValueError(f"the timing model knows no random stalls, got {stalls!r}")
    ports = behavior.ports()
    state, dram = engine_at_rest(config, ports), dram_at_rest(ports, config.port_bytes)
    counters, completed = np.zeros(len(COUNTERS), np.int64), np.zeros(len(descriptors), np.int64)
    past = Past(np.zeros_like(state), np.zeros_like(counters), TABLE, new_search())
    inputs = read_program(config, memory, descriptors)
    # what a DRAM is up to differs from one period to the next
    may_jump = jumps and behavior.dram is None
    clock, has_more = np.zeros(3, np.int64), True
    while has_more:
        why = run_engine(state, dram, inputs, past, may_jump, counters, completed, clock, limit_cycles)
        has_more = why == AT_EDGES
        if has_more:
            now, skipped, over = clock.tolist()
            edges, engine, limit = descriptors[over], state.view(STATE)[0], limit_cycles - skipped
            reported = run_edges(config, memory, edges, engine, dram, counters, now, limit)
            why = AT_LIMIT if reported < 0 else why
            has_more = reported >= 0 and go_on(state, past, completed, clock, reported)
        if why == AT_LIMIT:
            which = f"{len(descriptors)} descriptors from {descriptors[0]:#x} on"
            raise TimingError(f"{which} have not ended after {limit_cycles} cycles")
    values = {counter.name: int(value) for counter, value in zip(COUNTERS, counters, strict=True)}
    return Prediction(values, tuple(completed.tolist()), {name: int(dram[0][name]) for name in DRAM_COUNTERS})
