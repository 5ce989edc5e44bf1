"""rtl/turn.py and rtl/overlap.py: whose turn it is in each stage, and which descriptors are under way.

Descriptors and groups are counted from the beginning, not modulo a power of two.
"""

from typing import Any

import numpy as np

from ...model.jit import inlined

SLOTS = 2
"""Descriptors that may be under way at once."""

TURN = np.dtype([(name, np.int64) for name in ("taken", "number", "start", "begins", "ended")])
"""`number` is the descriptor that the stage works on; `begins` and `ended` are wires."""

FLIGHT = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("issued", "retired", "before", "total", "written", "was_score"),
            # wires
            *("at_rest", "has_room", "retire", "hold", "restart"),
        )
    ]
    + [(name, np.int64, (SLOTS,)) for name in ("firsts", "lasts", "ends", "fresh")]
)
"""By slot: the first group of the descriptor before, the first that is not its own any more, the end of one's own
groups, and whether nothing else was under way."""


@inlined
def turn_offer(u: Any, issued: int, idle: int) -> None:
    """Whether the stage goes on to the next descriptor, if nothing holds it."""
    rests = idle and not u.start
    u.begins = rests and u.taken != issued
    u.ended = u.taken if rests else u.taken - 1


@inlined
def turn_step(u: Any) -> None:
    """One clock edge."""
    u.start = u.begins
    if u.begins:
        u.number = u.taken
        u.taken += 1


@inlined
def flight_offer(u: Any, load: Any, group_input: Any, gather: Any, output: Any) -> None:
    """Whether the oldest descriptor is over; the arguments are turns."""
    under_way = u.issued - u.retired
    u.at_rest = under_way == 0
    u.has_room = under_way < SLOTS
    is_ended = load.ended != u.retired and group_input.ended != u.retired
    is_ended = is_ended and gather.ended != u.retired and output.ended != u.retired
    u.retire = under_way and is_ended and u.written >= u.ends[u.retired % SLOTS]


@inlined
def flight_step(u: Any, issue: int, groups: int, answered: int) -> None:
    """One clock edge."""
    if issue:
        slot = u.issued % SLOTS
        u.firsts[slot] = u.before
        u.lasts[slot] = u.total
        u.ends[slot] = u.total + groups
        u.fresh[slot] = u.at_rest
        u.before = u.total
        u.total += groups
        u.issued += 1
    u.retired += u.retire
    u.written += answered


@inlined
def share_results(u: Any, gather: Any, output: Any, comes_score: int, headed: int) -> None:
    """Whether gather has to wait, as its results would meet those of the other kind; whether the ring restarts."""
    if comes_score:
        u.hold = not u.was_score and headed != 0
    else:
        u.hold = u.was_score and gather.ended != output.ended
    u.restart = gather.start and (u.fresh[gather.number % SLOTS] or not u.was_score)


@inlined
def share_step(u: Any, gather: Any, is_score: int) -> None:
    """One clock edge."""
    if gather.start:
        u.was_score = is_score
