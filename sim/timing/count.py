"""rtl/engine_counters.py: what each counter adds in a cycle."""

from typing import Any

from ...model.jit import inlined
from ...rtl.bus.sides import PORT
from ...rtl.counters import COUNTERS
from .engine import EMISSION_READER, LIST_READER, NAMES, VECTOR_READER, WEIGHT_READER
from .gather_control import STALL_BUSY, STALL_IDLE, STALL_INPUT, STALL_MEMORY, STALL_OUTPUT
from .sequencer import COPYING, KIND_DESCRIPTOR, KIND_RECORD, KIND_TABLE

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
COPIES, WRITTEN_COPIES = _ROWS["read.copies"], _ROWS["write.copies"]
LOCAL_WORDS, LOCAL_LISTS, LOCAL_EMISSIONS, LOCAL_VECTORS, LOCAL_WEIGHTS, LOCAL_COPIES, LOCAL_WRITTEN = (
    _ROWS[f"local.{kind}"] for kind in ("words", "lists", "emissions", "vectors", "weights", "copies", "written")
)
"""Rows of `counters`."""


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
    copying = sequencer.state == COPYING
    _count_reads(counters, d, sequencer.kind, copying, fetchers)
    if writer.sent:
        if writer.is_local:
            counters[LOCAL_WRITTEN] += d.port_bytes
        elif copying:
            counters[WRITTEN_COPIES] += d.port_bytes
        elif d.is_score:
            counters[WRITTEN_SCORES] += d.port_bytes
        elif is_header:
            counters[WRITTEN_HEADERS] += d.port_bytes
        else:
            counters[WRITTEN_VECTORS] += d.port_bytes


@inlined
def _count_reads(counters: Any, d: Any, kind: int, copying: int, fetchers: Any) -> None:
    words, lists, vectors = fetchers[NAMES], fetchers[LIST_READER], fetchers[VECTOR_READER]
    emissions, weights = fetchers[EMISSION_READER], fetchers[WEIGHT_READER]
    if words.taken and words.wanted == PORT:
        asked = words.beats * d.port_bytes
        counters[DESCRIPTORS] += asked if kind == KIND_DESCRIPTOR else 0
        counters[TABLES] += asked if kind == KIND_TABLE else 0
        counters[RECORDS] += asked if kind == KIND_RECORD else 0
    if words.from_local:
        counters[LOCAL_WORDS] += d.port_bytes
    if lists.returned:
        counters[LOCAL_LISTS if lists.from_local else LISTS] += d.port_bytes
    if emissions.returned:
        counters[LOCAL_EMISSIONS if emissions.from_local else EMISSIONS] += d.port_bytes
    if vectors.returned:
        counters[LOCAL_VECTORS if vectors.from_local else VECTORS] += d.port_bytes
    if weights.returned and copying:
        counters[LOCAL_COPIES if weights.from_local else COPIES] += d.port_bytes
    elif weights.returned:
        counters[LOCAL_WEIGHTS if weights.from_local else WEIGHTS] += d.port_bytes
