"""rtl/bus/copy.py and rtl/connect_copier.py: blocks through the fetcher of the weights and the writer."""

from typing import Any

import numpy as np

from ...model.jit import inlined

BLOCK = 64

COPIER = np.dtype([(name, np.int64) for name in ("asked", "commanded", "done")])


@inlined
def copier_offer(u: Any, d: Any, fetch: Any, writer: Any) -> None:
    """Ask and command once each while a copy is at work; its beats pass the fetcher as they are."""
    fetch.range_valid = not u.asked
    fetch.range_address = d.stream
    fetch.range_blocks = d.stream_blocks
    fetch.ready = writer.beats_ready
    writer.command_valid = not u.commanded
    writer.command_address = d.results
    writer.command_bytes = d.stream_blocks * BLOCK
    writer.ends_group = 0
    u.done = u.asked and u.commanded and writer.idle


@inlined
def copier_step(u: Any, active: int, fetch: Any, writer: Any) -> None:
    """One clock edge; `active` says that a copy was at work."""
    if active:
        u.asked = u.asked or fetch.range_ready
        u.commanded = u.commanded or writer.command_ready
    else:
        u.asked = 0
        u.commanded = 0
