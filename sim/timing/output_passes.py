"""rtl/output_passes.py: passes over results, a group ahead of what is written."""

from typing import Any

import numpy as np

from ...model.jit import inlined

IDLE, GATHERED, MAXIMUM, ENCODE = range(4)

OUTPUT_PASSES = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("state", "left", "buffer"),
            # wires
            *("request", "is_ready", "encoded", "released"),
        )
    ]
)


@inlined
def output_passes_offer(u: Any, gathered: int, is_free: int) -> None:
    """Ask for a pass."""
    u.is_ready = (gathered >> u.buffer) & 1
    u.request = u.state == MAXIMUM or (u.state == ENCODE and is_free)


@inlined
def output_passes_release(u: Any, pass_ready: int) -> None:
    """Whether y is complete, and so the buffer free."""
    u.encoded = u.state == ENCODE and pass_ready
    u.released = (1 << u.buffer) if u.encoded else 0


@inlined
def output_passes_step(u: Any, d: Any, start: int, first_buffer: int, pass_ready: int) -> None:
    """One clock edge."""
    if u.state == IDLE:
        if start and not d.is_score:
            u.left = d.groups
            u.buffer = first_buffer
            u.state = GATHERED
    elif u.state == GATHERED:
        if u.is_ready:
            u.state = MAXIMUM if d.is_backward else ENCODE
    elif u.state == MAXIMUM:
        if pass_ready:
            u.state = ENCODE
    elif u.encoded:
        u.state = IDLE if u.left == 1 else GATHERED
        u.left -= 1
        u.buffer ^= 1
