"""The BlocksToWords of rtl/bus/width.py."""

from typing import Any

import numpy as np

from ...model.jit import inlined

WORDS_PER_BLOCK = 8

WORDS = np.dtype([(name, np.int64) for name in ("place", "taken", "drop")])


@inlined
def words_take(u: Any, valid: int, ready: int, skip: int) -> int:
    """Return whether the block is taken: with its last word, or when the rest of it is skipped."""
    u.taken = valid and ready
    u.drop = skip and (u.taken or u.place != 0)
    return 1 if (u.taken and u.place == WORDS_PER_BLOCK - 1) or u.drop else 0


@inlined
def words_step(u: Any) -> None:
    """One clock edge."""
    if u.drop:
        u.place = 0
    elif u.taken:
        u.place = (u.place + 1) % WORDS_PER_BLOCK
