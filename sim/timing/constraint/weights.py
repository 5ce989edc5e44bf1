"""rtl/constraint/{prepare,columns}.py."""

from typing import Any

import numpy as np

from ....model.jit import inlined
from ....rtl.constraint.columns import COLUMN_QUEUE
from ..fifo import fifo_step
from .settings import ADDRESS, BLOCKS, COUNT, ENTRIES, FIRST, ITEMS, OTHERS

REST, ASK, WRITE = range(3)
"""States of what prepares the sums."""
IDLE, LOW, HIGH, RANGE = range(4)
"""States of what asks for columns."""
COMMAND, DECODE = range(2)
"""States of what decodes them."""

WEIGHTS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("prepare", "word", "asking", "left", "item", "level", "out", "decoding", "decoded", "open"),
            # wires
            *("written", "row_ready", "wants_word", "pushed", "popped", "ended", "done"),
        )
    ]
)
"""`item` is the row of the column being asked for, `decoded` that of the one being decoded."""


@inlined
def weights_done(u: Any) -> None:
    """Whether all columns are added."""
    u.done = u.prepare == REST and u.asking == IDLE and u.open == 0


@inlined
def weights_offer(u: Any, d: Any, rows: Any, columns: Any, decoder: Any, items: Any, others: int) -> None:
    """Row sums from fetcher `rows`, columns from fetcher `columns`."""
    rows.range_valid = u.prepare == ASK
    rows.range_address = d.row_sums
    rows.range_blocks = d.row_sum_blocks
    u.written = u.prepare == WRITE and (not others or rows.valid)
    ends_block = u.word + 1 == d.words or u.word % d.row_sum_places == d.row_sum_places - 1
    rows.ready = u.written and others and ends_block
    u.wants_word = (u.asking == LOW and u.left != 0) or u.asking == HIGH
    columns.range_valid = u.asking == RANGE and u.level != COLUMN_QUEUE - 1
    if u.asking == RANGE:
        columns.range_address = items[u.item, ADDRESS]
        columns.range_blocks = items[u.item, BLOCKS]
    decoder.ready = 1
    decoder.command_valid = 0
    u.ended = u.decoding == DECODE and decoder.valid and decoder.final
    u.popped = 0
    if u.decoding == COMMAND and u.out and u.prepare == REST:
        decoder.command_valid = items[u.decoded, ENTRIES] != 0
        decoder.blocks = items[u.decoded, BLOCKS]
        decoder.entries = items[u.decoded, ENTRIES]
        decoder.command_inputs = items[u.decoded, ENTRIES]
        decoder.outputs = 1
        decoder.first = items[u.decoded, FIRST]
        if not decoder.command_valid:
            u.ended = 1
            u.popped = 1


@inlined
def weights_step(u: Any, d: Any, rows: Any, columns: Any, decoder: Any, head: Any, begin: int, word_taken: int) -> None:
    """One clock edge; `head` is that of the current vector."""
    if u.prepare == REST:
        if begin:
            u.word = 0
            u.prepare = ASK if head[OTHERS] else WRITE
    elif u.prepare == ASK:
        if rows.range_ready:
            u.prepare = WRITE
    elif u.written:
        u.word += 1
        if u.word == d.words:
            u.prepare = REST
    u.pushed = columns.range_valid and columns.range_ready
    if u.asking == IDLE:
        if begin:
            u.left = head[COUNT]
            u.item = head[ITEMS]
            u.decoded = head[ITEMS]
            u.asking = LOW
    elif u.asking == LOW:
        if u.left == 0:
            u.asking = IDLE
        elif word_taken:
            u.asking = HIGH
    elif u.asking == HIGH:
        if word_taken:
            u.asking = RANGE
    elif u.pushed:
        u.left -= 1
        u.item += 1
        u.asking = LOW
    if u.decoding == COMMAND:
        if decoder.begin:
            u.popped = 1
            u.decoding = DECODE
    elif u.ended:
        u.decoding = COMMAND
    u.decoded += 1 if u.ended else 0
    u.open += (1 if u.pushed else 0) - (1 if u.ended else 0)
    u.level, u.out, _ = fifo_step(u.level, u.out, u.pushed, u.popped)
