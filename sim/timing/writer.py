"""rtl/bus/write.py."""

from typing import Any

import numpy as np

from ...model.jit import inlined
from ...rtl.bus.axi import LOCAL_BIT
from .fifo import fifo_step

BURST_BYTES = 256
BLOCK = 64
UNANSWERED_GROUPS = 8

WRITER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("address", "to_ask", "place", "to_send", "ahead", "open_bursts", "closes_group", "has_local", "is_local"),
            *("asked_bursts", "answered_bursts", "mark_level", "mark_out", "mark", "mark_produce", "mark_consume"),
            # wires
            *("burst", "asked", "asked_port", "is_final", "is_last", "sent", "beats_ready", "finish"),
            *(
                "command_ready",
                "idle",
                "answered",
                "command_valid",
                "command_address",
                "command_bytes",
                "ends_group",
                "group_answered",
            ),
        )
    ]
    + [("marks", np.int64, (UNANSWERED_GROUPS,))]
)
"""Bursts are counted from the beginning: 16 bits of the RTL are enough to compare them."""


@inlined
def writer_offer(u: Any) -> None:
    """Whether a command is taken, and whether all bursts of a group were answered."""
    u.command_ready = u.to_send == 0 and u.to_ask == 0 and u.mark_level != UNANSWERED_GROUPS - 1
    u.idle = u.command_ready and u.open_bursts == 0
    u.group_answered = u.mark_out and u.answered_bursts >= u.mark


@inlined
def writer_send(u: Any, d: Any, memory: Any, beats_valid: int) -> None:
    """Address and data of this cycle."""
    u.burst = min(u.to_ask, BURST_BYTES - (u.address & (BURST_BYTES - 1)))
    u.asked = u.to_ask != 0 and (memory.aw_ready or u.is_local)
    if u.asked:
        memory.aw_address = u.address
        memory.aw_beats = (u.burst + d.port_bytes - 1) // d.port_bytes
    u.is_final = u.to_send <= d.port_bytes
    u.is_last = u.is_final or u.place == BURST_BYTES - d.port_bytes
    u.beats_ready = u.to_send != 0 and u.ahead != 0 and (memory.w_ready or u.is_local)
    u.sent = u.beats_ready and beats_valid
    u.finish = u.sent and u.is_final
    u.answered = memory.b_valid
    u.asked_port = 1 if u.asked and not u.is_local else 0
    memory.aw = u.asked_port
    memory.w = u.sent and not u.is_local


@inlined
def writer_step(u: Any, d: Any) -> None:
    """One clock edge."""
    u.ahead += u.asked - (1 if u.sent and u.is_last else 0)
    if u.asked:
        u.address += u.burst
        u.to_ask -= u.burst
    if u.sent:
        u.place = (u.place + d.port_bytes) % BURST_BYTES
        u.to_send = 0 if u.is_final else u.to_send - d.port_bytes
    _marks(u)
    if u.command_valid and u.command_ready:
        u.closes_group = u.ends_group
        u.address = u.command_address // BLOCK * BLOCK
        u.to_ask = u.command_bytes
        u.place = u.address % BURST_BYTES
        u.to_send = u.command_bytes
        u.is_local = (u.address >> LOCAL_BIT) & u.has_local
    u.open_bursts += u.asked_port - u.answered


@inlined
def _marks(u: Any) -> None:
    """How many bursts there were at the end of each group that is not answered."""
    marks = u.marks
    marked = u.finish and u.closes_group
    if marked:
        marks[u.mark_produce] = u.asked_bursts
        u.mark_produce = (u.mark_produce + 1) % UNANSWERED_GROUPS
    u.mark_level, u.mark_out, fill = fifo_step(u.mark_level, u.mark_out, marked, u.group_answered)
    if fill:
        u.mark = marks[u.mark_consume]
        u.mark_consume = (u.mark_consume + 1) % UNANSWERED_GROUPS
    u.asked_bursts += u.asked_port
    u.answered_bursts += u.answered
