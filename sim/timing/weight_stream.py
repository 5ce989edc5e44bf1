"""rtl/weight_stream.py: the same blocks for every group."""

from typing import Any

import numpy as np

from ...model.jit import inlined

STREAM = np.dtype([(name, np.int64) for name in ("to_ask", "to_decode")])


@inlined
def stream_offer(u: Any, d: Any, fetch: Any, decoder: Any) -> None:
    """Ask and command while groups are left."""
    fetch.range_valid = u.to_ask != 0
    fetch.range_address = d.stream
    fetch.range_blocks = d.stream_blocks
    decoder.command_valid = u.to_decode != 0
    decoder.blocks = d.stream_blocks
    decoder.entries = d.entries
    decoder.command_inputs = d.inputs
    decoder.outputs = d.outputs
    decoder.first = 0


@inlined
def stream_step(u: Any, d: Any, fetch: Any, decoder: Any, start: int) -> None:
    """One clock edge."""
    if start:
        u.to_ask = d.groups
        u.to_decode = d.groups
    else:
        u.to_ask -= 1 if fetch.range_valid and fetch.range_ready else 0
        u.to_decode -= decoder.begin
