"""rtl/bus/arbiter.py: requests in rotation, beats back to who asked."""

from typing import Any

import numpy as np

from ...model.config import GREATEST_OUTSTANDING_READS
from ...model.jit import inlined
from ...rtl.stages import READERS
from .fifo import fifo_step

REQUESTERS = len(READERS)

ARBITER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("outstanding", "turn", "ar_valid", "ar_address", "ar_beats", "level", "out", "owner"),
            *("produce", "consume"),
            # wires
            *("asked", "chosen", "can_take", "ar_ready", "last_read"),
        )
    ]
    + [("owners", np.int64, (GREATEST_OUTSTANDING_READS,))]
)
"""`owners` says who asked for each of the bursts under way, of which there are at most `outstanding`."""


@inlined
def arbiter_grant(u: Any, fetchers: Any, memory: Any, side: int) -> None:
    """Which request to a side leaves, and whose beat comes back from it."""
    u.ar_ready = memory.ar_ready
    # of one place: no memory, only the output register
    is_full = u.out if u.outstanding == 1 else u.level == u.outstanding - 1
    u.can_take = not is_full and (not u.ar_valid or u.ar_ready)
    u.asked = 0
    for offset in range(REQUESTERS):
        candidate = (u.turn + offset) % REQUESTERS
        if fetchers[candidate].request and fetchers[candidate].wanted == side:
            u.asked = 1
            u.chosen = candidate
            break
    arrives = memory.r_valid and u.out
    for index in range(REQUESTERS):
        f = fetchers[index]
        if u.can_take and u.asked and u.chosen == index:
            f.taken = 1
        if arrives and u.owner == index:
            f.returned = 1
            f.from_local = side
    u.last_read = memory.r_valid and memory.r_last
    memory.ar = u.ar_valid and memory.ar_ready
    memory.ar_address = u.ar_address
    memory.ar_beats = u.ar_beats
    memory.r = u.out


@inlined
def arbiter_step(u: Any, fetchers: Any) -> None:
    """One clock edge."""
    owners = u.owners
    write = u.can_take and u.asked
    if u.can_take:
        u.ar_valid = u.asked
        if u.asked:
            u.ar_address = fetchers[u.chosen].address
            u.ar_beats = fetchers[u.chosen].beats
            u.turn = (u.chosen + 1) % REQUESTERS
    elif u.ar_ready:
        u.ar_valid = 0
    if u.outstanding == 1:
        if write:
            u.owner, u.out = u.chosen, 1
        elif u.last_read:
            u.out = 0
    else:
        if write:
            owners[u.produce] = u.chosen
            u.produce = (u.produce + 1) % u.outstanding
        u.level, u.out, fill = fifo_step(u.level, u.out, write, u.last_read)
        if fill:
            u.owner = owners[u.consume]
            u.consume = (u.consume + 1) % u.outstanding
