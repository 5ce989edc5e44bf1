"""The sequencer's part of an edge descriptor, and rtl/constraint/{list_words,control}.py."""

from typing import Any

import numpy as np

from ....model.jit import inlined
from .settings import HEAD_WORDS, LIST_WORDS

ASK, EDGES, JUDGE, REPORT, ENDED = range(5)
"""States of the sequencer, from the one behind its dispatch on."""
REST, HEAD, BEGIN, WORK, ENCODE, DROP = range(6)
"""States of the unit."""

CONTROL = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("sequence", "left", "state", "head_word", "vector"),
            # wires
            *("running", "spent", "drop", "begin", "encode", "start"),
        )
    ]
)
"""`left` words of the list."""


@inlined
def control_offer(u: Any, d: Any, fetch: Any, worked: int) -> None:
    """What the states alone decide."""
    u.running = u.state != REST
    u.spent = u.left == 0
    u.drop = u.state == DROP
    u.begin = u.state == BEGIN
    u.encode = u.state == WORK and worked
    fetch.range_valid = u.sequence == ASK
    fetch.range_address = d.list
    fetch.range_blocks = d.list_blocks


@inlined
def control_step(u: Any, d: Any, fetch: Any, word_taken: int, is_encoded: int, is_written: int) -> None:
    """One clock edge; `word_taken` of the list."""
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
    if u.sequence == ASK:
        u.sequence = EDGES if start else ASK
    elif u.sequence == EDGES:
        u.sequence = EDGES if u.running else JUDGE
    else:
        u.sequence += 1
