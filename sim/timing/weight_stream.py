"""rtl/weight_stream.py: the same blocks, or the same columns, for every group; commands wait for the decoder."""

from typing import Any

import numpy as np

from ...model.jit import inlined
from .emission_load import ADDRESS, BLOCKS, COUNT, FIRST
from .fifo import fifo_step

IDLE, STREAM, LIST, COLUMNS = range(4)
COMMANDS_AHEAD = 8

COMMAND_FIELDS = ("blocks", "entries", "inputs", "outputs", "first", "ends_group", "number")
"""A queued command; `number` is its descriptor."""

WEIGHTS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("state", "left", "columns", "column", "has_first", "level", "out", "produce", "consume"),
            *("decode_number", "open_commands", "closes", "next_closes"),
            # wires
            *("has_room", "asks", "asked", "words_ready", "skip", "is_last", "changes"),
            *COMMAND_FIELDS,
        )
    ]
    + [(f"queue_{name}", np.int64, (COMMANDS_AHEAD,)) for name in COMMAND_FIELDS]
    + [(f"head_{name}", np.int64) for name in COMMAND_FIELDS]
)
"""`column` counts the columns of the list. Queue and head are those of a buffered FIFO. `closes` says of the command
whose entries come next that a group ends with it; `changes` that the decoder goes on to the next descriptor."""


@inlined
def stream_offer(u: Any, d: Any, fetch: Any, lists: Any, list_valid: int, columns: Any, decoder: Any) -> None:
    """What is fetched next; what the decoder is told. `d` is the descriptor that is fetched."""
    u.has_room = u.level != COMMANDS_AHEAD - 1
    u.asks = 0
    u.is_last = u.columns == 1
    if u.state == STREAM:
        u.asks = u.has_room
        fetch.range_address = d.stream
        u.blocks = d.stream_blocks
        u.entries = d.entries
        u.inputs = d.inputs
        u.outputs = d.outputs
        u.first = 0
        u.ends_group = 1
    elif u.state == COLUMNS:
        column = columns[d.first_column + u.column]
        u.asks = u.has_room and u.has_first and list_valid
        fetch.range_address = column[ADDRESS]
        u.blocks = column[BLOCKS]
        u.entries = column[COUNT]
        u.inputs = column[COUNT]
        u.outputs = 1
        u.first = column[FIRST]
        u.ends_group = u.is_last
    fetch.range_valid = u.asks
    fetch.range_blocks = u.blocks
    lists.range_valid = u.state == LIST
    lists.range_address = d.stream
    lists.range_blocks = d.stream_blocks
    is_own = u.out and u.head_number == u.decode_number
    u.changes = u.out and not is_own and u.open_commands == 0
    decoder.command_valid = is_own
    decoder.blocks = u.head_blocks
    decoder.entries = u.head_entries
    decoder.command_inputs = u.head_inputs
    decoder.outputs = u.head_outputs
    decoder.first = u.head_first


@inlined
def stream_words(u: Any, fetch: Any) -> None:
    """Whether a word of the list is taken: the second one of a column when the column is asked for."""
    u.asked = u.asks and fetch.range_ready
    u.words_ready = u.state == COLUMNS and (not u.has_first or (u.has_room and fetch.range_ready))
    u.skip = u.state == COLUMNS and u.asked and u.is_last


@inlined
def stream_step(u: Any, d: Any, number: int, lists: Any, decoder: Any, start: int, word_taken: int, ended: int) -> None:
    """One clock edge; `number` is the descriptor that is fetched, `ended` says that gather took final entries."""
    _closes(u, decoder.begin, ended)
    if u.changes:
        u.decode_number = u.head_number
    _queue(u, number, decoder.begin)
    if u.state == IDLE:
        if start and d.has_entries:
            u.left = d.groups
            u.state = LIST if d.is_listed else STREAM
    elif u.state == STREAM:
        if u.asked:
            if u.left == 1:
                u.state = IDLE
            u.left -= 1
    elif u.state == LIST:
        if lists.range_ready:
            u.columns = d.entries
            u.column = 0
            u.state = COLUMNS
    else:
        if word_taken:
            u.has_first = not u.has_first
        if u.asked:
            u.columns -= 1
            u.column += 1
            if u.is_last:
                u.state = IDLE if u.left == 1 else LIST
                u.left -= 1


@inlined
def _closes(u: Any, begun: int, ended: int) -> None:
    """A command may begin while the last entries of the one before still wait."""
    if begun and u.open_commands == ended:
        u.closes = u.head_ends_group
    else:
        if ended:
            u.closes = u.next_closes
        if begun:
            u.next_closes = u.head_ends_group
    u.open_commands += begun - ended


@inlined
def _queue(u: Any, number: int, begun: int) -> None:
    if u.asked:
        place = u.produce
        u.queue_blocks[place] = u.blocks
        u.queue_entries[place] = u.entries
        u.queue_inputs[place] = u.inputs
        u.queue_outputs[place] = u.outputs
        u.queue_first[place] = u.first
        u.queue_ends_group[place] = u.ends_group
        u.queue_number[place] = number
        u.produce = (place + 1) % COMMANDS_AHEAD
    u.level, u.out, fill = fifo_step(u.level, u.out, u.asked, begun)
    if fill:
        place = u.consume
        u.head_blocks = u.queue_blocks[place]
        u.head_entries = u.queue_entries[place]
        u.head_inputs = u.queue_inputs[place]
        u.head_outputs = u.queue_outputs[place]
        u.head_first = u.queue_first[place]
        u.head_ends_group = u.queue_ends_group[place]
        u.head_number = u.queue_number[place]
        u.consume = (place + 1) % COMMANDS_AHEAD
