"""The sequencer's part of an edge descriptor, and rtl/constraint/{list_words,control}.py."""

from typing import Any

import numpy as np

from ....model.jit import inlined
from .settings import COUNT, HEAD_WORDS, LIST_WORDS

IDLE, DESCRIPTOR, CHECK, AT_REST, DISPATCH, ASK, EDGES, JUDGE, REPORT = range(9)
"""States of the sequencer."""
REST, HEAD, BEGIN, WORK, ENCODE, DROP = range(6)
"""States of the unit."""
DESCRIPTOR_WORDS = 16
DESCRIPTOR_BLOCKS = 2

CONTROL = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("sequence", "word", "left", "state", "head_word", "vector"),
            # wires
            *("busy", "running", "spent", "drop", "begin", "encode", "start"),
        )
    ]
)
"""`left` words of the list."""


@inlined
def control_offer(u: Any, d: Any, fetch: Any, worked: int) -> None:
    """What the states alone decide."""
    u.busy = u.sequence != IDLE
    u.running = u.state != REST
    u.spent = u.left == 0
    u.drop = u.state == DROP
    u.begin = u.state == BEGIN
    u.encode = u.state == WORK and worked
    fetch.range_valid = u.sequence == IDLE or u.sequence == ASK
    if u.sequence == IDLE:
        fetch.range_address = d.descriptor
        fetch.range_blocks = DESCRIPTOR_BLOCKS
    else:
        fetch.range_address = d.list
        fetch.range_blocks = d.list_blocks


@inlined
def control_step(u: Any, d: Any, fetch: Any, heads: Any, word_taken: int, is_encoded: int, is_written: int) -> None:
    """One clock edge; `word_taken` of the descriptor or of the list."""
    start = u.sequence == ASK and fetch.range_ready
    if u.running and word_taken:
        u.left -= 1
    if u.state == REST:
        if start:
            u.vector = 0
            u.head_word = 0
            u.state = HEAD
    elif u.state == HEAD:
        if word_taken:
            u.head_word += 1
            if u.head_word == HEAD_WORDS:
                u.head_word = 0
                u.state = BEGIN
    elif u.state == BEGIN:
        u.state = WORK
    elif u.state == WORK:
        if u.encode:
            u.state = ENCODE
    elif u.state == ENCODE:
        if is_encoded:
            u.vector += 1
            u.state = DROP if u.vector == d.vectors else HEAD
    elif u.spent and is_written:
        u.state = REST
    if start:
        u.left = d.list_blocks * LIST_WORDS
    _sequence_step(u, fetch, word_taken)


@inlined
def _sequence_step(u: Any, fetch: Any, word_taken: int) -> None:
    if u.sequence == IDLE or u.sequence == ASK:
        if fetch.range_ready:
            u.word = 0
            u.sequence += 1
    elif u.sequence == DESCRIPTOR:
        if word_taken:
            u.word += 1
            if u.word == DESCRIPTOR_WORDS:
                u.sequence = CHECK
    elif u.sequence == EDGES:
        if not u.running:
            u.sequence = JUDGE
    elif u.sequence == REPORT:
        u.sequence = IDLE
    else:
        u.sequence += 1


@inlined
def count_of(u: Any, heads: Any) -> int:
    """Items of the current vector."""
    return heads[u.vector, COUNT]
