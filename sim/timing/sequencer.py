"""rtl/sequencer.py."""

from typing import Any

import numpy as np

from ...model.jit import inlined

IDLE, DESCRIPTOR, CHECK, DISPATCH, ASK_TABLE, TABLE, ASK_RECORDS, RUN, JUDGE, REPORT = range(10)
RHO, SIGMA, ZERO_ROWS, NONEMPTY, CODEBOOK = range(5)
KIND_DESCRIPTOR, KIND_TABLE, KIND_RECORD = range(3)
FORWARD, BACKWARD, SCORES, LOAD_CODEBOOK, LOAD_ROWS = range(1, 6)
"""Values of rtl.operation.Opcode."""
DESCRIPTOR_WORDS = 16
BLOCK = 64
RECORD = 32

SEQUENCER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("state", "word", "words", "table"),
            # wires
            *("busy", "kind", "words_ready", "skip", "start", "running"),
        )
    ]
)


@inlined
def sequencer_offer(u: Any, d: Any, fetch: Any) -> None:
    """What the state alone decides."""
    u.busy = u.state != IDLE
    u.kind = KIND_TABLE if u.state == TABLE else (KIND_RECORD if u.state == RUN else KIND_DESCRIPTOR)
    u.words_ready = u.state == DESCRIPTOR or u.state == TABLE
    u.skip = u.state == TABLE and u.word + 1 == u.words
    fetch.range_valid = 1
    if u.state == IDLE:
        fetch.range_address = d.descriptor
        fetch.range_blocks = DESCRIPTOR_WORDS * 8 // BLOCK
    elif u.state == ASK_TABLE:
        fetch.range_address, size = _table(u, d)
        fetch.range_blocks = (size + BLOCK - 1) // BLOCK
    elif u.state == ASK_RECORDS:
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
    return d.stream, d.outputs * 2


@inlined
def sequencer_start(u: Any, fetch: Any) -> None:
    """The operation begins when its records have been asked for."""
    u.start = u.state == ASK_RECORDS and fetch.range_ready


@inlined
def sequencer_step(u: Any, d: Any, fetch: Any, word_taken: int) -> None:
    """One clock edge."""
    if u.state == IDLE:
        if fetch.range_ready:
            u.word = 0
            u.state = DESCRIPTOR
    elif u.state == DESCRIPTOR:
        if word_taken:
            u.word += 1
            if u.word == DESCRIPTOR_WORDS:
                u.state = CHECK
    elif u.state == CHECK:
        u.word = 0
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
                _next_table(u)
    elif u.state == ASK_RECORDS:
        if fetch.range_ready:
            u.state = RUN
    elif u.state == RUN:
        if not u.running:
            u.state = JUDGE
    elif u.state == JUDGE:
        u.state = REPORT
    else:
        u.state = IDLE


@inlined
def _dispatch(u: Any, d: Any) -> None:
    u.state = ASK_TABLE
    if d.opcode == LOAD_CODEBOOK:
        u.table = CODEBOOK
    elif d.opcode == LOAD_ROWS:
        u.table = RHO
    else:
        u.table = NONEMPTY
        if d.opcode == SCORES or d.is_dense:
            u.state = ASK_RECORDS


@inlined
def _next_table(u: Any) -> None:
    if u.table == RHO or u.table == SIGMA:
        u.table += 1
        u.state = ASK_TABLE
    elif u.table == NONEMPTY:
        u.state = ASK_RECORDS
    else:
        u.state = JUDGE
