"""rtl/group_load.py: records of a group, its vectors, its emission columns."""

from typing import Any

import numpy as np

from ...model.jit import inlined

IDLE, RECORDS, WAIT, SETUP, MARK, EMISSION = range(6)
RECORD_WORDS = 4

LOAD = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("state", "left", "vectors_left", "word", "lane", "may_load", "may_mark", "active"),
            *("read_group", "group", "target"),
            # wires
            *("words_ready", "skip", "load_start", "emission_start", "loaded", "taken", "coming", "records_read"),
        )
    ]
)
"""`read_group` counts the groups whose records are read, `group` is the one whose vectors are loaded."""


@inlined
def load_offer(u: Any, d: Any, written: int, words_valid: int, vectors_done: int, emission_done: int) -> None:
    """What is asked of the other stages."""
    u.coming = min(u.vectors_left, d.lanes)
    u.words_ready = u.state == RECORDS
    ends = u.words_ready and words_valid and u.word == RECORD_WORDS - 1 and u.lane == u.coming - 1
    u.skip = ends and u.left == 1
    u.records_read = u.skip
    may_read = not d.follows or written >= u.target
    u.load_start = u.state == WAIT and u.may_load and vectors_done and may_read
    u.emission_start = u.state == MARK and u.may_mark and d.is_forward
    u.loaded = u.state == EMISSION and emission_done


@inlined
def load_step(u: Any, d: Any, flight: Any, turn: Any, words_valid: int, begun: int, ended: int) -> None:
    """One clock edge."""
    slot = turn.number & 1
    if u.state == IDLE:
        if turn.start:
            u.left = d.groups
            u.vectors_left = d.vectors
            u.read_group = 0
            u.word = 0
            u.lane = 0
            u.target = flight.firsts[slot] + 1
            u.state = RECORDS
    elif u.state == RECORDS:
        if words_valid:
            _record(u)
    elif u.state == WAIT:
        if u.load_start:
            u.may_load = 0
            u.active = u.coming
            u.group = u.read_group
            u.state = SETUP
    elif u.state == SETUP:
        u.lane += 1
        if u.lane == d.lanes:
            u.lane = 0
            u.state = MARK
    elif u.state == MARK:
        if u.may_mark:
            u.may_mark = 0
            u.state = EMISSION
    elif u.loaded and u.taken:
        u.state = IDLE if u.left == 1 else RECORDS
        u.left -= 1
        u.vectors_left -= d.lanes
        u.read_group += 1
        u.target += u.target != flight.lasts[slot]
    if begun:
        u.may_load = 1
    if ended:
        u.may_mark = 1


@inlined
def _record(u: Any) -> None:
    """One word of a record."""
    u.word += 1
    if u.word == RECORD_WORDS:
        u.word = 0
        u.lane += 1
        if u.lane == u.coming:
            u.lane = 0
            u.state = WAIT
