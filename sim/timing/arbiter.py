"""rtl/bus/arbiter.py: requests in rotation, beats back to who asked."""

from typing import Any

import numpy as np

from ...model.jit import inlined
from .fifo import fifo_step

REQUESTERS = 4
OUTSTANDING = 16

ARBITER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("turn", "ar_valid", "ar_beats", "level", "out", "owner", "produce", "consume"),
            # wires
            *("asked", "chosen", "can_take", "ar_ready", "last_read"),
        )
    ]
    + [("owners", np.int64, (OUTSTANDING,))]
)
"""`owners` says who asked for each of the bursts under way."""


@inlined
def arbiter_grant(u: Any, fetchers: Any, memory: Any) -> None:
    """Which request leaves, whose range ends with it, and whose beat comes back."""
    u.ar_ready = memory.ar_ready
    u.can_take = u.level != OUTSTANDING - 1 and (not u.ar_valid or u.ar_ready)
    u.asked = 0
    for offset in range(REQUESTERS):
        candidate = (u.turn + offset) & (REQUESTERS - 1)
        if fetchers[candidate].request:
            u.asked = 1
            u.chosen = candidate
            break
    arrives = memory.r_valid and u.out
    for index in range(REQUESTERS):
        f = fetchers[index]
        f.taken = u.can_take and u.asked and u.chosen == index
        f.range_ready = f.blocks == 0 or (f.taken and f.blocks == f.burst)
        f.returned = arrives and u.owner == index
    u.last_read = memory.r_valid and memory.r_last
    memory.ar = u.ar_valid and memory.ar_ready
    memory.ar_beats = u.ar_beats
    memory.r = u.out


@inlined
def arbiter_step(u: Any, fetchers: Any) -> None:
    """One clock edge."""
    owners = u.owners
    write = u.can_take and u.asked
    if write:
        owners[u.produce] = u.chosen
        u.produce = (u.produce + 1) % OUTSTANDING
    if u.can_take:
        u.ar_valid = u.asked
        if u.asked:
            u.ar_beats = fetchers[u.chosen].beats
            u.turn = (u.chosen + 1) % REQUESTERS
    elif u.ar_ready:
        u.ar_valid = 0
    u.level, u.out, fill = fifo_step(u.level, u.out, write, u.last_read)
    if fill:
        u.owner = owners[u.consume]
        u.consume = (u.consume + 1) % OUTSTANDING
