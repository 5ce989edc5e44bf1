"""rtl/emission_load.py: one column a lane."""

from typing import Any

import numpy as np

from ...model.jit import inlined

IDLE, COMMAND, ENTRIES = range(3)
ADDRESS, BLOCKS, FIRST, COUNT = range(4)
"""Columns of the table of emission columns [vectors, 4]."""

EMISSIONS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("ask_lane", "asking", "state", "lane", "working"),
            # wires
            *("is_read", "is_last_lane", "done", "active"),
        )
    ]
)


@inlined
def emissions_offer(u: Any, d: Any, fetch: Any, decoder: Any, columns: Any, active: int, group: int) -> None:
    """Ask for the next lane's column; command the decoder with the current one's."""
    u.active = active
    u.done = not u.working
    u.is_last_lane = u.lane == active - 1
    fetch.range_valid = u.asking
    if u.asking:
        column = columns[d.first_vector + group * d.lanes + u.ask_lane]
        fetch.range_address = column[ADDRESS]
        fetch.range_blocks = column[BLOCKS] if 0 < column[COUNT] <= d.inputs else 0
    decoder.ready = 1
    decoder.command_valid = 0
    if u.state == COMMAND:
        column = columns[d.first_vector + group * d.lanes + u.lane]
        u.is_read = 0 < column[COUNT] <= d.inputs
        decoder.command_valid = u.is_read
        decoder.blocks = column[BLOCKS]
        decoder.entries = column[COUNT]
        decoder.command_inputs = column[COUNT]
        decoder.outputs = 1
        decoder.first = column[FIRST]


@inlined
def emissions_step(u: Any, fetch: Any, decoder: Any, start: int, final: int) -> None:
    """One clock edge; `final` says that the decoder showed the last entry of a column."""
    if start:
        u.asking = 1
        u.ask_lane = 0
    elif u.asking and fetch.range_ready:
        u.ask_lane += 1
        u.asking = u.ask_lane != u.active
    if u.state == IDLE:
        u.working = start
        if start:
            u.lane = 0
            u.state = COMMAND
    elif u.state == COMMAND:
        if u.is_read:
            if decoder.command_ready:
                u.state = ENTRIES
        elif u.is_last_lane:
            u.state = IDLE
        else:
            u.lane += 1
    elif final:
        u.lane += 1
        u.state = IDLE if u.is_last_lane else COMMAND
