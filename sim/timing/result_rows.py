"""rtl/result_rows.py: rows of scores, and beats of y."""

from typing import Any

import numpy as np

from ...model.jit import inlined
from .gather_control import HEADER_SLOTS

ROWS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("parts", "joins", "left", "row_valid", "is_first", "part"),
            # wires
            *("valid", "is_full", "row_ready", "read", "header_taken", "sent", "finish"),
        )
    ]
)
"""A row is split over `parts` beats, or `joins`: `parts` rows make one. `part` is `place` where rows are joined."""

VECTOR_BEATS = np.dtype([(name, np.int64) for name in ("running", "held", "valid", "sent", "is_header", "finish")])
"""`held` is the register `valid` of the RTL, `valid` the wire to the writer."""


@inlined
def rows_offer(u: Any) -> None:
    """Whether there is a beat."""
    u.is_full = not u.joins or u.part == u.parts - 1 or u.left == 0
    u.valid = u.row_valid and u.is_full


@inlined
def rows_take(u: Any, beats_ready: int, finish: int, rows_filled: int) -> None:
    """Whether the row is done with, and the next one read."""
    u.finish = finish
    u.sent = u.valid and beats_ready
    if u.joins:
        u.row_ready = beats_ready if u.is_full else 1
    else:
        u.row_ready = u.sent and (u.part == u.parts - 1 or finish)
    u.read = u.left != 0 and rows_filled != 0 and (not u.row_valid or u.row_ready) and not finish
    u.header_taken = u.row_valid and u.row_ready and u.is_first


@inlined
def rows_step(u: Any, d: Any, start: int) -> None:
    """One clock edge."""
    if u.joins:
        if u.row_valid and u.row_ready:
            u.part = 0 if u.is_full else u.part + 1
    elif u.sent:
        u.part = 0 if u.finish else (u.part + 1) % u.parts
    if u.row_valid and u.row_ready:
        u.is_first = 0
    if u.read:
        u.left -= 1
        u.row_valid = 1
    elif u.row_ready:
        u.row_valid = 0
    if start:
        u.left = (d.records + HEADER_SLOTS + d.banks - 1) // d.banks
        u.is_first = 1
        u.row_valid = 0


@inlined
def beats_offer(u: Any, is_header: int) -> None:
    """Whether there is a beat of a vector or of a header."""
    u.is_header = is_header
    u.valid = u.running and (is_header or u.held)


@inlined
def beats_take(u: Any, beats_ready: int, finish: int) -> None:
    """Whether it is taken."""
    u.sent = u.valid and beats_ready
    u.finish = finish


@inlined
def beats_step(u: Any, start: int) -> None:
    """One clock edge."""
    if u.running and not u.is_header and (not u.held or u.sent) and not u.finish:
        u.held = 1
    if u.finish:
        u.running = 0
        u.held = 0
    if start:
        u.running = 1
        u.held = 0
