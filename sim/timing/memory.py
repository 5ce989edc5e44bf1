"""The memory of sim/memory/memory.sv without contents and without stalls."""

from typing import Any

import numpy as np

from ...model.jit import inlined
from .dram import QUEUE, dram_serve

MEMORY = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("latency", "write_latency", "gap"),
            *("ar_ready", "r_valid", "r_last", "aw_ready", "w_ready", "b_valid"),
            *("read_head", "read_count", "read_beat", "gap_left"),
            *("write_head", "write_count", "write_beat", "beat_count"),
            *("response_head", "response_count"),
            # wires
            *("ar", "ar_address", "ar_beats", "r", "aw", "aw_address", "aw_beats", "w"),
        )
    ]
    + [("queues", np.int64, (5, QUEUE))]
)
"""Wires: what is taken in this cycle, and the beats of the burst; b is always taken."""

READ_DUE, READ_BEATS, WRITE_ADDRESS, WRITE_BEATS, RESPONSE_DUE = range(5)
"""Rows of the queues, each QUEUE long."""


@inlined
def memory_step(u: Any, dram: Any, now: int) -> None:
    """One clock edge, in the order of events of memory.sv."""
    queues = u.queues
    if u.ar:
        place = (u.read_head + u.read_count) & (QUEUE - 1)
        queues[READ_DUE, place] = now + max(1, u.latency)
        queues[READ_BEATS, place] = u.ar_beats
        if dram.dram_clock:
            dram_serve(dram, now, u.ar_address, u.ar_beats, 0, place)
        u.read_count += 1
    if u.aw:
        place = (u.write_head + u.write_count) % QUEUE
        queues[WRITE_ADDRESS, place] = u.aw_address
        queues[WRITE_BEATS, place] = u.aw_beats
        u.write_count += 1
    if u.w:
        u.beat_count += 1
    _write(u, dram, queues, now)
    u.b_valid = 0
    if u.response_count > 0 and now + 1 >= queues[RESPONSE_DUE, u.response_head]:
        u.b_valid = 1
        u.response_head = (u.response_head + 1) % QUEUE
        u.response_count -= 1
    if not u.r_valid or u.r:
        _read(u, dram, queues, now)
    if u.gap_left != 0:
        u.gap_left -= 1
    u.ar_ready = u.read_count < QUEUE
    u.aw_ready = u.write_count + u.response_count < QUEUE
    u.w_ready = u.beat_count < QUEUE


@inlined
def _write(u: Any, dram: Any, queues: Any, now: int) -> None:
    """One beat written, and a response with the last one."""
    if u.write_count > 0 and u.beat_count > 0:
        u.beat_count -= 1
        u.write_beat += 1
        if u.write_beat == queues[WRITE_BEATS, u.write_head]:
            due = now + max(1, u.write_latency)
            if dram.dram_clock:
                address = queues[WRITE_ADDRESS, u.write_head]
                due = dram_serve(dram, now, address, u.write_beat, 1, 0) + u.write_latency
            queues[RESPONSE_DUE, (u.response_head + u.response_count) % QUEUE] = due
            u.response_count += 1
            u.write_head = (u.write_head + 1) % QUEUE
            u.write_count -= 1
            u.write_beat = 0


@inlined
def _read(u: Any, dram: Any, queues: Any, now: int) -> None:
    """The beat that is offered in the next cycle."""
    u.r_valid = 0
    due = queues[READ_DUE, u.read_head]
    if dram.dram_clock:
        due = dram.beat_due[u.read_head, u.read_beat] + u.latency
    if u.read_count > 0 and now + 1 >= due and u.gap_left == 0:
        u.r_valid = 1
        u.read_beat += 1
        u.r_last = u.read_beat == queues[READ_BEATS, u.read_head]
        u.gap_left = u.gap + 1
        if u.r_last:
            u.read_head = (u.read_head + 1) % QUEUE
            u.read_count -= 1
            u.read_beat = 0
