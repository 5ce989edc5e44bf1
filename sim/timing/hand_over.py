"""The flags of rtl/engine.py that say which stage holds which of the two buffers; all are masks of buffers."""

from typing import Any

import numpy as np

from ...model.jit import inlined

BUFFERS_HELD = np.dtype([(name, np.int64) for name in ("ready", "gathered", "headed", "unwritten", "ungathered")])


@inlined
def hand_over_step(u: Any, group_input: Any, gather: Any, is_score: int, released: int) -> None:
    """One clock edge; `is_score` says it of what is gathered."""
    u.ready = (u.ready | group_input.ready) & ~gather.taken_buffers
    u.gathered = (u.gathered | (0 if is_score else gather.done_mask)) & ~released
    u.headed = (u.headed | gather.header_mask) & ~released
    u.unwritten = (u.unwritten | group_input.claimed) & ~released
    u.ungathered = (u.ungathered | group_input.claimed) & ~gather.done_mask
