"""rtl/bus/local.py: one beat a cycle, some cycles later."""

from typing import Any

import numpy as np

from ...model.jit import inlined

LOCAL_MEMORY = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("left", "found", "found_last", "ar_ready", "r_valid", "r_last"),
            # wires
            *("ar", "ar_address", "ar_beats", "r"),
        )
    ]
)
"""Fields that arbiters use are named as those of the memory behind the port; ready is what registers say."""


@inlined
def local_step(u: Any) -> None:
    """One clock edge."""
    u.r_valid, u.r_last = u.found, u.found_last
    u.found, u.found_last = u.left != 0, u.left == 1
    if u.ar:
        u.left = u.ar_beats
    elif u.left != 0:
        u.left -= 1
    u.ar_ready = u.left <= 1
