"""rtl/engine_counters.py: what each counter adds in a cycle."""

from typing import Any

from ...model.jit import inlined
from ...rtl.counters import COUNTERS
from .gather_control import STALL_BUSY, STALL_IDLE, STALL_INPUT, STALL_MEMORY, STALL_OUTPUT
from .sequencer import KIND_DESCRIPTOR, KIND_RECORD, KIND_TABLE

(
    CYCLES,
    BUSY,
    INPUT,
    OUTPUT,
    MEMORY,
    IDLE,
    ENTRIES,
    PRODUCTS,
    WORDS,
    EDGE_CYCLES,
    DESCRIPTORS,
    TABLES,
    RECORDS,
    EMISSIONS,
    VECTORS,
    WEIGHTS,
    WRITTEN_VECTORS,
    WRITTEN_HEADERS,
    WRITTEN_SCORES,
) = range(len(COUNTERS))
"""Rows of `counters`, in the order of rtl.counters.COUNTERS."""


@inlined
def count_cycle(
    counters: Any, d: Any, sequencer: Any, gather: Any, passes: Any, fetchers: Any, writer: Any, is_header: int
) -> None:
    """Add what this cycle counts."""
    if sequencer.busy:
        counters[CYCLES] += 1
        counters[BUSY] += gather.stall == STALL_BUSY
        counters[INPUT] += gather.stall == STALL_INPUT
        counters[OUTPUT] += gather.stall == STALL_OUTPUT
        counters[MEMORY] += gather.stall == STALL_MEMORY
        counters[IDLE] += gather.stall == STALL_IDLE
    counters[ENTRIES] += gather.accepted
    counters[PRODUCTS] += gather.accepted * gather.active
    counters[WORDS] += 1 if passes.issued else 0
    if fetchers[0].returned:
        counters[DESCRIPTORS] += d.port_bytes if sequencer.kind == KIND_DESCRIPTOR else 0
        counters[TABLES] += d.port_bytes if sequencer.kind == KIND_TABLE else 0
        counters[RECORDS] += d.port_bytes if sequencer.kind == KIND_RECORD else 0
    counters[EMISSIONS] += d.port_bytes if fetchers[1].returned else 0
    counters[VECTORS] += d.port_bytes if fetchers[2].returned else 0
    counters[WEIGHTS] += d.port_bytes if fetchers[3].returned else 0
    if writer.sent:
        if d.is_score:
            counters[WRITTEN_SCORES] += d.port_bytes
        elif is_header:
            counters[WRITTEN_HEADERS] += d.port_bytes
        else:
            counters[WRITTEN_VECTORS] += d.port_bytes
