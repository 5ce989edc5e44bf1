"""rtl/engine_counters.py: what each counter adds in a cycle."""

from typing import Any

from ...model.jit import inlined
from ...rtl.counters import COUNTERS
from .engine import EMISSION_READER, LIST_READER, NAMES, VECTOR_READER, WEIGHT_READER
from .gather_control import STALL_BUSY, STALL_IDLE, STALL_INPUT, STALL_MEMORY, STALL_OUTPUT
from .sequencer import KIND_DESCRIPTOR, KIND_RECORD, KIND_TABLE

_ROWS = {counter.name: row for row, counter in enumerate(COUNTERS)}
CYCLES, EDGE_CYCLES, WORDS = (_ROWS[name] for name in ("engine.cycles", "edges.cycles", "passes.words"))
BUSY, INPUT, OUTPUT, MEMORY, IDLE, ENTRIES, PRODUCTS = (
    _ROWS[f"gather.{event}"]
    for event in ("busy", "stall_input", "stall_output", "stall_memory", "idle", "entries", "multiply_accumulates")
)
DESCRIPTORS, TABLES, RECORDS, LISTS, EMISSIONS, VECTORS, WEIGHTS = (
    _ROWS[f"read.{kind}"] for kind in ("descriptors", "tables", "records", "lists", "emissions", "vectors", "weights")
)
WRITTEN_VECTORS, WRITTEN_HEADERS, WRITTEN_SCORES = (_ROWS[f"write.{kind}"] for kind in ("vectors", "headers", "scores"))
"""Rows of `counters`; what is not named here stays 0 without a local memory."""


@inlined
def count_cycle(
    counters: Any, d: Any, sequencer: Any, gather: Any, passes: Any, fetchers: Any, writer: Any, is_header: int
) -> None:
    """Add what this cycle counts; `d` is the descriptor of the output stage."""
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
    words = fetchers[NAMES]
    if words.taken:
        asked = words.beats * d.port_bytes
        counters[DESCRIPTORS] += asked if sequencer.kind == KIND_DESCRIPTOR else 0
        counters[TABLES] += asked if sequencer.kind == KIND_TABLE else 0
        counters[RECORDS] += asked if sequencer.kind == KIND_RECORD else 0
    counters[LISTS] += d.port_bytes if fetchers[LIST_READER].returned else 0
    counters[EMISSIONS] += d.port_bytes if fetchers[EMISSION_READER].returned else 0
    counters[VECTORS] += d.port_bytes if fetchers[VECTOR_READER].returned else 0
    counters[WEIGHTS] += d.port_bytes if fetchers[WEIGHT_READER].returned else 0
    if writer.sent:
        if d.is_score:
            counters[WRITTEN_SCORES] += d.port_bytes
        elif is_header:
            counters[WRITTEN_HEADERS] += d.port_bytes
        else:
            counters[WRITTEN_VECTORS] += d.port_bytes
