"""rtl/gather_control.py: headers and entries, the room of the ring of scores, and what arrives at its end."""

from typing import Any

import numpy as np

from ...model.jit import inlined

IDLE, HEADER, ENTRIES = range(3)
STALL_IDLE, STALL_BUSY, STALL_INPUT, STALL_OUTPUT, STALL_MEMORY = range(5)
HEADER_SLOTS = 2
PIPE = 64
"""Cycles that the pipe remembers; more than the latency from issue to result."""

GATHER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("state", "left", "buffer", "slots_taken", "in_row", "bank", "rows_filled", "undone"),
            *("done", "header_done", "active_0", "active_1"),
            # wires
            *("stall", "has_room", "header", "fire", "end", "entries_ready", "taken_buffers", "accepted", "ended"),
            *("active", "done_mask", "header_mask"),
        )
    ]
    + [("pipe", np.int64, (PIPE,))]
)
"""`done` and `header_done` are registers, masks of buffers; `slots_taken` is `taken` of the RTL; `pipe` holds what was
issued in each of the last cycles."""


@inlined
def gather_idle(u: Any) -> int:
    """Whether the last group of a descriptor is done."""
    return 1 if u.state == IDLE and u.undone == 0 else 0


@inlined
def gather_offer(u: Any, d: Any, decoder: Any, ends_group: int, ready: int) -> None:
    """Issue a header or entries, or say what is missing; `ends_group` says it of a final entry."""
    u.done_mask = u.done
    u.header_mask = u.header_done
    u.has_room = not d.is_score or u.slots_taken <= d.capacity - 2 * d.banks - d.slots
    u.header = 0
    u.fire = 0
    u.end = 0
    u.entries_ready = 0
    if u.state == IDLE:
        u.stall = STALL_IDLE
    elif u.state == HEADER:
        if not (ready >> u.buffer) & 1:
            u.stall = STALL_INPUT
        elif not u.has_room:
            u.stall = STALL_OUTPUT
        else:
            u.stall = STALL_BUSY
            u.header = 1
            u.end = not d.has_entries
    else:
        u.entries_ready = u.has_room
        if not u.has_room:
            u.stall = STALL_OUTPUT
        elif not decoder.valid:
            u.stall = STALL_MEMORY
        else:
            u.stall = STALL_BUSY
            u.fire = 1
            u.end = decoder.final and ends_group
    u.taken_buffers = u.end << u.buffer
    u.accepted = decoder.count if u.fire else 0
    u.ended = decoder.ended if u.fire else 0
    u.active = u.active_1 if u.buffer else u.active_0


@inlined
def gather_step(
    u: Any, d: Any, now: int, start: int, restart: int, row_taken: int, input_ready: int, input_active: int
) -> None:
    """One clock edge."""
    pipe = u.pipe
    if input_ready & 1:
        u.active_0 = input_active
    if input_ready & 2:
        u.active_1 = input_active
    pipe[now % PIPE] = u.header | (u.end << 1) | (u.buffer << 2) | (u.ended << 3)
    u.undone += u.end - (1 if u.done else 0)
    _results(u, d, pipe[(now - d.gather_delay) % PIPE], restart, row_taken)
    _room(u, d, restart, row_taken)
    if u.state == IDLE:
        if start:
            u.left = d.groups
            u.state = HEADER
    elif u.end:
        u.state = IDLE if u.left == 1 else HEADER
        u.left -= 1
        u.buffer ^= 1
    elif u.header:
        u.state = ENTRIES


@inlined
def _room(u: Any, d: Any, restart: int, row_taken: int) -> None:
    """Slots taken or promised; the end of a group claims the rest of its row. Without a meaning but for scores."""
    if restart or not d.is_score:
        u.slots_taken = 0
        u.in_row = 0
        return
    claimed = HEADER_SLOTS if u.header else u.ended
    after = (u.in_row + claimed) & (d.banks - 1)
    u.slots_taken += claimed + (-after & (d.banks - 1) if u.end else 0) - (d.banks if row_taken else 0)
    u.in_row = 0 if u.end else after


@inlined
def _results(u: Any, d: Any, issued: int, restart: int, row_taken: int) -> None:
    """What was issued `gather_delay` cycles ago has become results: rows that are complete, groups that are done."""
    header = issued & 1
    end = (issued >> 1) & 1
    buffer = (issued >> 2) & 1
    count = issued >> 3
    u.done = end << buffer
    u.header_done = header << buffer
    filled = 0
    if header:
        after = HEADER_SLOTS & (d.banks - 1)
        filled += after == 0
    else:
        filled += u.bank + count >= d.banks
        after = (u.bank + count) & (d.banks - 1)
    if end and after != 0:
        filled += 1
    u.bank = 0 if restart else after
    u.rows_filled = 0 if restart else u.rows_filled + (filled if d.is_score else 0) - row_taken
