"""rtl/vector_load.py: one burst a lane, lane after lane, first factors before second ones, chunk after chunk."""

from typing import Any

import numpy as np

from ...model.jit import inlined
from .emission_load import ADDRESS

BURST_BLOCKS = 4
ALL = (1 << 32) - 1
"""All ones: every word, of a vector that is loaded or that no pass reads."""

VECTORS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *(
                "ask_lane",
                "ask_block",
                "ask_second",
                "asking",
                "lane",
                "chunk",
                "beat",
                "taking",
                "chunk_words",
                "loaded",
            ),
            *("first", "vector_blocks", "has_second", "keeps_first", "is_second"),
            # wires
            *("beats", "stop", "stop_word", "is_last_chunk", "taken", "done", "active"),
        )
    ]
)


@inlined
def vectors_offer(u: Any, d: Any, fetch: Any, sources: Any, columns: Any, active: int, passed: int) -> None:
    """Ask for the next burst of a lane; take a beat when its place is free."""
    u.active = active
    fetch.range_valid = u.asking
    if u.asking:
        vector = u.first + u.ask_lane
        source = columns[vector, ADDRESS] if u.ask_second else sources[vector]
        fetch.range_address = source + (u.ask_block << 6)
        fetch.range_blocks = min(u.vector_blocks - u.ask_block, BURST_BLOCKS)
    u.beats = u.vector_blocks * fetch.beats_per_block
    chunk_end = u.chunk + BURST_BLOCKS * fetch.beats_per_block
    u.is_last_chunk = chunk_end >= u.beats
    u.stop = u.beats if u.is_last_chunk else chunk_end
    u.stop_word = u.chunk_words + d.chunk_words
    fetch.ready = u.taking and passed >= u.stop_word
    u.taken = fetch.ready and fetch.valid
    u.done = not u.taking


@inlined
def vectors_step(u: Any, d: Any, fetch: Any, start: int, group: int) -> None:
    """One clock edge. A load keeps what it began with: the load stage may be at the next descriptor before it ends."""
    if u.asking and fetch.range_ready:
        u.ask_lane += 1
        if u.ask_lane == u.active:
            u.ask_lane = 0
            if not u.has_second or u.ask_second:
                u.asking = u.vector_blocks - u.ask_block > BURST_BLOCKS
                u.ask_block += BURST_BLOCKS
            u.ask_second = u.has_second and (u.keeps_first or not u.ask_second)
    if u.taken:
        u.beat += 1
        if u.beat == u.stop:
            u.beat = u.chunk
            u.lane += 1
            if u.lane == u.active:
                u.lane = 0
                if not u.has_second or u.is_second:
                    u.chunk = u.stop
                    u.beat = u.stop
                    u.taking = not u.is_last_chunk
                    u.loaded = ALL if u.is_last_chunk else u.stop_word
                    u.chunk_words = u.stop_word
                u.is_second = u.has_second and (u.keeps_first or not u.is_second)
    if start:
        u.first = d.first_vector + group * d.lanes
        u.vector_blocks = d.vector_blocks
        u.has_second = d.has_second
        u.keeps_first = d.keeps_first
        u.ask_second = d.keeps_first
        u.is_second = d.keeps_first
        u.ask_lane = 0
        u.ask_block = 0
        u.asking = 1
        u.lane = 0
        u.chunk = 0
        u.beat = 0
        u.taking = 1
        u.loaded = 0
        u.chunk_words = 0
