"""rtl/constraint/{encode_control,output}.py."""

from typing import Any

import numpy as np

from ....model.jit import inlined
from ....rtl.constraint.encode_control import CODE_QUEUE
from ..fifo import fifo_step
from .settings import DESTINATION

IDLE, MAXIMUM, DRAIN, SETTLE, ENCODE = range(5)
REST, VECTOR, WRITE_VECTOR, HEADER, WRITE_HEADER = range(5)
"""States of the output."""

ENCODER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("state", "word", "wait", "taken_room", "coded", "level", "out", "output", "place", "popped_words"),
            # wires
            *("encodes", "popped", "beat", "beats_valid", "is_header", "done"),
        )
    ]
)
"""`coded` are the words issued in the last cycles, a bit each; `place` counts words of a beat, or beats of a word."""


@inlined
def output_offer(u: Any, d: Any, writer: Any, head: Any, vector: int) -> None:
    """Command and beats, before the writer says what it takes."""
    u.done = u.output == REST
    u.is_header = u.output == HEADER or u.output == WRITE_HEADER
    writer.command_valid = u.output == VECTOR or u.output == HEADER
    writer.ends_group = 0
    if u.output == VECTOR:
        writer.command_address = head[DESTINATION]
        writer.command_bytes = d.vector_bytes
    else:
        writer.command_address = d.results + vector * d.result_stride
        writer.command_bytes = d.header_bytes
    is_full = u.place == d.beat_words - 1 or u.popped_words + 1 == d.words
    u.beat = u.out and (is_full if d.word_beats == 1 else 1)
    u.beats_valid = u.output == WRITE_HEADER or (u.output == WRITE_VECTOR and u.beat)


@inlined
def output_take(u: Any, d: Any, writer: Any) -> None:
    """What leaves the queue; the word of the next cycle's pass."""
    sent = u.beat and writer.beats_ready and u.output == WRITE_VECTOR
    if d.word_beats == 1:
        u.popped = u.out and (not u.beat or sent)
    else:
        u.popped = sent and (u.place == d.word_beats - 1 or writer.finish)
    u.encodes = u.state == ENCODE and u.taken_room != CODE_QUEUE


@inlined
def encode_step(u: Any, d: Any, writer: Any, start: int) -> None:
    """One clock edge."""
    _pass_step(u, d, start)
    sent = u.beat and writer.beats_ready and u.output == WRITE_VECTOR
    if d.word_beats == 1:
        if u.popped:
            u.place = 0 if u.beat else u.place + 1
    elif sent:
        u.place = 0 if u.popped else u.place + 1
    u.popped_words += 1 if u.popped else 0
    u.taken_room += (1 if u.encodes else 0) - (1 if u.popped else 0)
    u.level, u.out, _ = fifo_step(u.level, u.out, u.coded >> (d.codes_latency - 1) & 1, u.popped)
    u.coded = (u.coded << 1 | u.encodes) & ((1 << d.codes_latency) - 1)
    if u.output == REST:
        if start:
            u.popped_words = 0
            u.output = VECTOR
    elif u.output == VECTOR or u.output == HEADER:
        if writer.command_ready:
            u.output += 1
    elif writer.finish:
        u.output = REST if u.output == WRITE_HEADER else HEADER


@inlined
def _pass_step(u: Any, d: Any, start: int) -> None:
    if u.state == IDLE:
        u.word = 0
        u.wait = d.drain - 2
        if start:
            u.state = SETTLE if d.is_sums else MAXIMUM
    elif u.state == MAXIMUM:
        u.word += 1
        if u.word == d.words:
            u.word = 0
            u.state = DRAIN
    elif u.state == DRAIN:
        if u.wait == 0:
            u.state = SETTLE
        u.wait -= 1
    elif u.state == SETTLE:
        u.state = ENCODE
    elif u.encodes:
        u.word += 1
        if u.word == d.words:
            u.state = IDLE
