"""The counters of descriptors, without a simulator."""

from dataclasses import dataclass

import numpy as np

from ...model.config import AcceleratorConfig
from ...rtl.counters import COUNTERS
from ..memory.dram import COUNTERS as DRAM_COUNTERS
from ..memory.map import MemoryMap
from ..session import MemoryBehavior
from .constraint.predict import run_edges, runs_in_unit
from .cycle import Past, run_engine
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
    the engine comes to it. `jumps` takes steady stretches at once, which changes no result. Edge descriptors are
    predicted one by one.

    Raises ValueError when `behavior` stalls at random, and for descriptors that are no part of a chain (program.py);
    TimingError when `limit_cycles` cycles are not enough.
    """
    stalls = {name: getattr(behavior, name) for name in STALLS}
    if any(stalls.values()):
        raise ValueError(f"the timing model knows no random stalls, got {stalls!r}")
    ports = behavior.ports()
    state, dram = engine_at_rest(config, ports), dram_at_rest(ports, config.port_bytes)
    counters, completed = np.zeros(len(COUNTERS), np.int64), np.zeros(len(descriptors), np.int64)
    if len(descriptors) == 1 and runs_in_unit(memory, descriptors[0]):
        cycles = run_edges(config, memory, descriptors[0], state.view(STATE)[0], dram, counters, limit_cycles)
        completed[0] = cycles
    else:
        past = Past(np.zeros_like(state), np.zeros_like(counters), TABLE, new_search())
        inputs = read_program(config, memory, descriptors)
        # what a DRAM is up to differs from one period to the next
        may_jump = jumps and behavior.dram is None
        cycles = run_engine(state, dram, inputs, past, may_jump, counters, completed, limit_cycles)
    if cycles < 0:
        which = f"{len(descriptors)} descriptors from {descriptors[0]:#x} on"
        raise TimingError(f"{which} have not ended after {limit_cycles} cycles")
    values = {counter.name: int(value) for counter, value in zip(COUNTERS, counters, strict=True)}
    return Prediction(values, tuple(completed.tolist()), {name: int(dram[0][name]) for name in DRAM_COUNTERS})
