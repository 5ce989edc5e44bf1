"""rtl/bus/fetch.py, the BeatsToBlocks of rtl/bus/width.py behind it and the ReadRoute of rtl/bus/sides.py before it."""

from typing import Any

import numpy as np

from ...model.jit import inlined
from ...rtl.bus.axi import LOCAL_BIT
from .fifo import fifo_step

BLOCK_SHIFT = 6
BURST_BLOCKS = 4

FETCH = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("beats_per_block", "parts", "has_local", "raw"),
            *("address", "blocks", "room", "level", "out"),
            *("count", "block_valid"),
            *("under_way", "side"),
            # wires
            *("burst", "beats", "request", "wanted", "taken"),
            *("range_valid", "range_ready", "range_address", "range_blocks"),
            *("valid", "ready", "read", "returned", "from_local"),
        )
    ]
)
"""`parts` beats make a block (1: beats pass through, as they do while `raw`).
`valid` and `ready` are those of what the consumer takes.
`request` says that side `wanted` is asked; `taken`, `returned` and `from_local` are what the arbiters make of it."""


@inlined
def fetch_offer(u: Any) -> None:
    """What registers alone decide: the next burst, and whether the consumer finds something."""
    u.burst = min(u.blocks, BURST_BLOCKS - ((u.address >> BLOCK_SHIFT) & (BURST_BLOCKS - 1)))
    u.beats = u.burst * u.beats_per_block
    u.wanted = (u.address >> LOCAL_BIT) & u.has_local
    u.request = u.blocks != 0 and u.room >= u.beats and (u.under_way == 0 or u.side == u.wanted)
    u.taken = 0
    u.returned = 0
    u.from_local = 0
    u.valid = u.out if u.parts == 1 or u.raw else u.block_valid


@inlined
def fetch_settle(u: Any) -> None:
    """Whether the next range is taken, once the arbiters have granted."""
    u.range_ready = u.blocks == 0 or (u.taken and u.blocks == u.burst)


@inlined
def fetch_step(u: Any) -> None:
    """One clock edge."""
    if u.parts == 1 or u.raw:
        ready = u.ready
    else:
        is_last = u.count == u.parts - 1
        ready = 1 if not is_last or not u.block_valid or u.ready else 0
        if u.ready:
            u.block_valid = 0
        if u.out and ready:
            u.count = 0 if is_last else u.count + 1
            if is_last:
                u.block_valid = 1
    u.under_way += (u.beats if u.taken else 0) - u.returned
    if u.taken:
        u.side = u.wanted
    u.room += (1 if u.out and ready else 0) - (u.beats if u.taken else 0)
    if u.range_valid and u.range_ready:
        u.address = u.range_address
        u.blocks = u.range_blocks
    elif u.taken:
        u.address += u.burst << BLOCK_SHIFT
        u.blocks -= u.burst
    u.level, u.out, _ = fifo_step(u.level, u.out, u.returned, ready)
