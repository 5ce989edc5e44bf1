"""rtl/sequencer.py."""

from typing import Any

import numpy as np

from ...model.jit import inlined

IDLE, DESCRIPTOR, CHECK, REST, DISPATCH, ASK_TABLE, TABLE, ASK_RECORDS, JUDGE, REPORT, COPYING, EDGES = range(12)
RHO, SIGMA, ZERO_ROWS, NONEMPTY, CODEBOOK, LEAKS = range(6)
KIND_DESCRIPTOR, KIND_TABLE, KIND_RECORD = range(3)
FORWARD, BACKWARD, SCORES, LOAD_CODEBOOK, LOAD_ROWS = range(1, 6)
EDGE_WEIGHTS, EDGE_SUMS, COPY = range(6, 9)
"""Values of rtl.operation.Opcode."""
DESCRIPTOR_WORDS = 16
BLOCK = 64
RECORD = 32

SEQUENCER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("state", "word", "words", "table", "unread", "number", "kind"),
            # wires
            *("busy", "asked_kind", "words_ready", "skip", "issue", "takes"),
        )
    ]
)
"""`number` counts the descriptors taken; `kind` is the register of rtl/engine_counters.py."""


@inlined
def sequencer_offer(u: Any, d: Any, fetch: Any, flight: Any, next_descriptor: int) -> None:
    """What the state alone decides; `d` was taken last, `next_descriptor` is the next one's address or -1."""
    u.busy = u.state != IDLE or not flight.at_rest
    u.words_ready = (u.state == DESCRIPTOR and u.unread == 0) or u.state == TABLE
    u.skip = u.state == TABLE and u.word + 1 == u.words
    u.asked_kind = KIND_DESCRIPTOR
    fetch.range_valid = 1
    if u.state == IDLE:
        fetch.range_valid = next_descriptor >= 0 and flight.has_room
        fetch.range_address = next_descriptor
        fetch.range_blocks = DESCRIPTOR_WORDS * 8 // BLOCK
    elif u.state == ASK_TABLE:
        u.asked_kind = KIND_TABLE
        fetch.range_address, size = _table(u, d)
        fetch.range_blocks = (size + BLOCK - 1) // BLOCK
    elif u.state == ASK_RECORDS:
        u.asked_kind = KIND_RECORD
        fetch.range_address = d.vector_records
        fetch.range_blocks = (d.vectors * RECORD + BLOCK - 1) // BLOCK
    else:
        fetch.range_valid = 0


@inlined
def _table(u: Any, d: Any) -> tuple[int, int]:
    """Address and bytes of the next table."""
    if u.table == RHO:
        return d.stream, d.inputs * 2
    if u.table == SIGMA:
        return d.nonempty, d.inputs * 2
    if u.table == ZERO_ROWS:
        return d.vector_records, (d.inputs + 7) // 8
    if u.table == NONEMPTY:
        return d.nonempty, (d.outputs + 7) // 8
    if u.table == LEAKS:
        return d.results, d.inputs * 2
    return d.stream, d.outputs * 2


@inlined
def sequencer_start(u: Any, fetch: Any) -> None:
    """A descriptor is taken when it has been asked for, an operation issued when its records have been."""
    u.takes = u.state == IDLE and fetch.range_valid and fetch.range_ready
    u.issue = u.state == ASK_RECORDS and fetch.range_ready


@inlined
def sequencer_step(u: Any, d: Any, fetch: Any, at_rest: int, word_taken: int, records_read: int, copied: int) -> None:
    """One clock edge."""
    if fetch.range_valid and fetch.range_ready:
        u.kind = u.asked_kind
    if u.state == IDLE:
        if u.takes:
            u.word = 0
            u.number += 1
            u.state = DESCRIPTOR
    elif u.state == DESCRIPTOR:
        if word_taken and u.unread == 0:
            u.word += 1
            if u.word == DESCRIPTOR_WORDS:
                u.state = CHECK
    elif u.state == CHECK:
        u.word = 0
        u.state = ASK_RECORDS if d.opcode == SCORES else REST
    elif u.state == REST:
        if at_rest:
            u.state = DISPATCH
    elif u.state == DISPATCH:
        _dispatch(u, d)
    elif u.state == ASK_TABLE:
        _, size = _table(u, d)
        u.word = 0
        u.words = (size + 7) // 8
        if fetch.range_ready:
            u.state = TABLE
    elif u.state == TABLE:
        if word_taken:
            u.word += 1
            if u.word == u.words:
                _next_table(u, d)
    elif u.state == ASK_RECORDS:
        if fetch.range_ready:
            u.state = IDLE
    elif u.state == COPYING:
        if copied:
            u.state = JUDGE
    elif u.state == JUDGE:
        u.state = REPORT
    else:
        u.state = IDLE
    u.unread += u.issue - records_read


@inlined
def _dispatch(u: Any, d: Any) -> None:
    u.state = ASK_TABLE
    if d.opcode == LOAD_CODEBOOK:
        u.table = CODEBOOK
    elif d.opcode == LOAD_ROWS:
        u.table = RHO
    elif d.opcode == COPY:
        u.state = COPYING
    elif d.opcode == EDGE_WEIGHTS or d.opcode == EDGE_SUMS:
        u.state = EDGES
    else:
        u.table = NONEMPTY
        if d.opcode == SCORES or d.is_dense:
            u.state = ASK_RECORDS


@inlined
def _next_table(u: Any, d: Any) -> None:
    if u.table == RHO or u.table == SIGMA:
        u.table += 1
        u.state = ASK_TABLE
    elif u.table == ZERO_ROWS and d.has_row_leaks:
        u.table = LEAKS
        u.state = ASK_TABLE
    elif u.table == NONEMPTY:
        u.state = ASK_RECORDS
    else:
        u.state = JUDGE
