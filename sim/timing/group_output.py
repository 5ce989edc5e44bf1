"""rtl/group_output.py: write each vector once y is encoded, then the header; or write scores as they come."""

from typing import Any

import numpy as np

from ...model.jit import inlined

IDLE, ENCODED, VECTOR, WRITE_VECTOR, HEADER, WRITE_HEADER, HEADED, WRITE_ROWS = range(8)

OUTPUT = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("state", "left", "vectors_left", "results", "buffer", "group", "lane", "filled"),
            # wires
            *("done", "is_header", "vector_start", "row_start", "released"),
        )
    ]
)


@inlined
def output_offer(u: Any, d: Any, writer: Any, destinations: Any, headed: int) -> None:
    """Ask for a write."""
    u.done = u.state == IDLE
    u.is_header = u.state == HEADER or u.state == WRITE_HEADER
    writer.command_valid = u.state == VECTOR or u.state == HEADER
    writer.command_address = u.results
    writer.command_bytes = d.header_bytes
    if u.state == VECTOR:
        writer.command_address = destinations[d.first_vector + u.group * d.lanes + u.lane]
        writer.command_bytes = d.outputs * 2
    elif u.state == HEADED:
        writer.command_valid = (headed >> u.buffer) & 1
        writer.command_bytes = d.header_bytes + d.records * d.record_bytes
    begins = writer.command_valid and writer.command_ready
    writer.ends_group = u.state != VECTOR
    u.row_start = u.state == HEADED and begins
    u.vector_start = u.state != HEADED and begins


@inlined
def output_release(u: Any, header_taken: int) -> None:
    """The buffer of scores that nothing needs any more."""
    u.released = (1 << u.buffer) if u.state == WRITE_ROWS and header_taken else 0


@inlined
def output_step(u: Any, d: Any, start: int, encoded: int, finish: int) -> None:
    """One clock edge."""
    is_filled = u.filled
    if encoded:
        u.filled = 1
    if u.state == IDLE:
        if start:
            u.left = d.groups
            u.vectors_left = d.vectors
            u.results = d.results
            u.group = 0
            u.state = HEADED if d.is_score else ENCODED
    elif u.state == ENCODED:
        if is_filled:
            u.state = VECTOR
    elif u.state == VECTOR:
        if u.vector_start:
            u.state = WRITE_VECTOR
    elif u.state == WRITE_VECTOR:
        if finish:
            u.lane += 1
            u.state = VECTOR
            if u.lane == min(u.vectors_left, d.lanes):
                u.lane = 0
                u.state = HEADER
    elif u.state == HEADER:
        if u.vector_start:
            u.state = WRITE_HEADER
    elif u.state == HEADED:
        if u.row_start:
            u.state = WRITE_ROWS
    elif finish:
        if u.state == WRITE_HEADER:
            u.filled = 0
        _next_group(u, d)


@inlined
def _next_group(u: Any, d: Any) -> None:
    u.state = HEADED if d.is_score else ENCODED
    if u.left == 1:
        u.state = IDLE
    u.left -= 1
    u.vectors_left -= d.lanes
    u.results += d.result_stride
    u.buffer ^= 1
    u.group += 1
