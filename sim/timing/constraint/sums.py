"""rtl/constraint/{term_list,term_walk,chunk_finish}.py."""

from typing import Any

import numpy as np

from ....model.jit import inlined
from ....rtl.constraint.accumulate import Accumulate
from ....rtl.constraint.chunk_finish import ChunkFinish
from ....rtl.constraint.layouts import CHUNK_BLOCKS
from .settings import COUNT, FACTOR, IS_SINGLE, ITEMS, SECOND

IDLE, LOW, HIGH, LOADED = range(4)
"""States of the list of terms."""
BLOCK_SHIFT = 6
DRAIN = ChunkFinish.drain
FILL_DELAY = Accumulate.latency - 1

SUMS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("state", "number"),
            *("ask_active", "ask_term", "ask_round", "ask_block", "asked_first", "asked_second"),
            *("active", "term", "round", "block", "place", "buffer"),
            *("finish_active", "finish_block", "step", "waiting", "quiet", "finish_buffer", "busy", "fills"),
            # wires
            *("wants_word", "skips", "take", "is_single", "ends_block", "ends_chunk", "begins", "read", "done"),
        )
    ]
)
"""`fills` are the chunks that were filled in the last cycles, a bit each."""


@inlined
def sums_done(u: Any) -> None:
    """Whether all chunks are finished."""
    u.done = not u.finish_active and u.quiet == 0


@inlined
def sums_offer(u: Any, d: Any, first: Any, second: Any, items: Any, head: Any) -> None:
    """Both factors: what is asked for, and what is taken."""
    u.wants_word = u.state == LOW or u.state == HIGH
    first.range_valid = 0
    second.range_valid = 0
    u.skips = 0
    if u.ask_active:
        item = items[head[ITEMS] + u.ask_term]
        u.skips = item[IS_SINGLE]
        first.range_valid = not u.asked_first
        second.range_valid = not u.asked_second and not u.skips
        first.range_address = item[FACTOR] + (u.ask_block << BLOCK_SHIFT)
        second.range_address = item[SECOND] + (u.ask_block << BLOCK_SHIFT)
        first.range_blocks = min(d.blocks - u.ask_block, CHUNK_BLOCKS)
        second.range_blocks = first.range_blocks
    u.take = 0
    u.begins = 0
    if u.active:
        u.is_single = items[head[ITEMS] + u.term, IS_SINGLE]
        u.ends_block = u.place % d.pieces == d.pieces - 1
        u.ends_chunk = u.ends_block and u.place // d.pieces + 1 == min(d.blocks - u.block, CHUNK_BLOCKS)
        begins = u.term == 0 and u.round == 0 and u.place == 0
        is_there = first.valid and (second.valid or u.is_single)
        u.take = is_there and not (begins and u.busy >> u.buffer & 1)
        u.begins = begins and u.take
    first.ready = u.take and u.ends_block
    second.ready = first.ready and not u.is_single
    u.read = u.finish_active and u.waiting != 0


@inlined
def sums_step(u: Any, d: Any, first: Any, second: Any, head: Any, begin: int, word_taken: int) -> None:
    """One clock edge."""
    loaded = u.state == LOADED
    _load_step(u, head, begin, word_taken)
    _ask_step(u, d, first, second, head, loaded)
    claims = 1 << u.buffer if u.begins else 0
    filled = _walk_step(u, d, head, loaded)
    _finish_step(u, d, begin, claims, filled)


@inlined
def _load_step(u: Any, head: Any, begin: int, word_taken: int) -> None:
    if u.state == IDLE:
        if begin:
            u.number = 0
            u.state = LOW
    elif u.state == LOW:
        if word_taken:
            u.state = HIGH
    elif u.state == HIGH:
        if word_taken:
            u.number += 1
            u.state = LOADED if u.number == head[COUNT] else LOW
    else:
        u.state = IDLE


@inlined
def _ask_step(u: Any, d: Any, first: Any, second: Any, head: Any, loaded: int) -> None:
    if u.ask_active:
        first_done = u.asked_first or first.range_ready
        second_done = u.asked_second or u.skips or second.range_ready
        u.asked_first = first_done
        u.asked_second = second_done
        if first_done and second_done:
            u.asked_first = 0
            u.asked_second = 0
            u.ask_term += 1
            if u.ask_term == head[COUNT]:
                u.ask_term = 0
                if u.ask_round or head[COUNT] == 1:
                    u.ask_round = 0
                    u.ask_active = d.blocks - u.ask_block > CHUNK_BLOCKS
                    u.ask_block += CHUNK_BLOCKS
                else:
                    u.ask_round = 1
    if loaded:
        u.ask_active = 1
        u.ask_term = 0
        u.ask_round = 0
        u.ask_block = 0


@inlined
def _walk_step(u: Any, d: Any, head: Any, loaded: int) -> int:
    """Return whether the last piece of a chunk was taken."""
    filled = 0
    if u.take:
        u.place += 1
        if u.ends_chunk:
            u.place = 0
            u.term += 1
            if u.term == head[COUNT]:
                u.term = 0
                if u.round or head[COUNT] == 1:
                    filled = 1
                    u.round = 0
                    u.active = d.blocks - u.block > CHUNK_BLOCKS
                    u.block += CHUNK_BLOCKS
                    u.buffer ^= 1
                else:
                    u.round = 1
    if loaded:
        u.active = 1
        u.term = 0
        u.round = 0
        u.block = 0
        u.place = 0
        u.buffer = 0
    return filled


@inlined
def _finish_step(u: Any, d: Any, begin: int, claims: int, filled: int) -> None:
    is_last = 0
    if u.read:
        u.step += 1
        if u.step == min(d.blocks - u.finish_block, CHUNK_BLOCKS) * d.steps_per_block:
            is_last = 1
            u.step = 0
            u.finish_active = d.blocks - u.finish_block > CHUNK_BLOCKS
            u.finish_block += CHUNK_BLOCKS
            u.quiet = DRAIN
    elif u.quiet != 0:
        u.quiet -= 1
    u.busy |= claims
    u.waiting += u.fills >> (FILL_DELAY - 1) & 1
    if is_last:
        u.busy &= ~(1 << u.finish_buffer)
        u.waiting -= 1
        u.finish_buffer ^= 1
    u.fills = (u.fills << 1 | filled) & ((1 << FILL_DELAY) - 1)
    if begin:
        u.finish_block = 0
        u.step = 0
        u.finish_active = 1
        u.finish_buffer = 0
