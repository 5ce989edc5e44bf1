"""rtl/group_input.py, and rtl/leak.py behind it."""

from typing import Any

import numpy as np

from ...model.jit import inlined

IDLE, CLAIM, MAXIMUM, ENCODE, COPY, LEAK, WAIT = range(7)

INPUT = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("state", "left", "buffer", "active", "leak_left"),
            # wires
            *("done", "taken", "claimed", "request", "ready", "load_active"),
        )
    ]
)
"""`claimed` and `ready` are masks of buffers. `leak_left` counts the leak unit down."""


@inlined
def input_offer(u: Any, loaded: int, load_active: int, free_buffers: int) -> None:
    """Take what was loaded when a buffer is free; ask for passes; hand over when the leak is there."""
    u.done = u.state == IDLE
    u.load_active = load_active
    u.taken = u.state == CLAIM and loaded and (free_buffers >> u.buffer) & 1
    u.claimed = u.taken << u.buffer
    u.request = u.state == MAXIMUM or u.state == ENCODE or u.state == COPY
    u.ready = 1 << u.buffer if u.state == WAIT and u.leak_left == 0 else 0


@inlined
def input_step(u: Any, d: Any, start: int, pass_ready: int) -> None:
    """One clock edge."""
    if u.leak_left:
        u.leak_left -= 1
    if u.state == IDLE:
        if start:
            u.left = d.groups
            u.state = CLAIM
    elif u.state == CLAIM:
        if u.taken:
            u.active = u.load_active
            u.state = COPY if d.is_backward else MAXIMUM
    elif u.state == MAXIMUM:
        if pass_ready:
            u.state = ENCODE
    elif u.state == ENCODE or u.state == COPY:
        if pass_ready:
            u.state = LEAK
    elif u.state == LEAK:
        u.leak_left = d.lanes + d.leak_latency - 1
        u.state = WAIT
    elif u.ready:
        u.state = IDLE if u.left == 1 else CLAIM
        u.left -= 1
        u.buffer ^= 1
