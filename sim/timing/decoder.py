"""rtl/decoder/: the budget of blocks, the sparse and the dense decoder, and who of both is at work."""

from typing import Any

import numpy as np

from ...model.jit import inlined
from .words import words_step, words_take

WORD_BITS = 64
NOT_COUNTED, BY_FLAGS, BY_LISTS = range(3)
"""Results of vectors need no count; scores of a stream count its flags, listed scores one for each list."""

DECODER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("slots", "is_dense", "bits", "width", "per_block", "counts_ends", "first_flag"),
            *("budget", "busy"),
            *("left", "place", "entry"),  # sparse
            *("inputs", "lists", "list_left", "drop", "has_word", "offset"),  # dense
            *("valid", "final", "count", "ended"),  # entries, registered
            # wires
            *("command_valid", "blocks", "entries", "command_inputs", "outputs", "first"),
            *("ready", "take", "ends", "taking", "can_emit", "begin", "command_ready", "done", "block_taken"),
            *("ends_list", "leaves", "keeps_next", "dropped", "after", "words_valid"),
        )
    ]
)
"""`ready` is the reader's of the entries. `counts_ends` says how the outputs that end among sparse
entries are counted, `first_flag` where the `last` flags of the stream begin."""


@inlined
def decoder_set(u: Any, d: Any, counts_ends: int) -> None:
    """Set up for the lists of another descriptor."""
    u.is_dense = d.is_dense
    u.bits = d.bits
    u.width = d.width
    u.per_block = d.per_block
    u.first_flag = d.first_flag
    u.counts_ends = counts_ends


@inlined
def ends_of(d: Any) -> int:
    """Return how a descriptor's ends are counted."""
    if not d.is_score:
        return NOT_COUNTED
    return BY_LISTS if d.is_listed else BY_FLAGS


@inlined
def decoder_take(u: Any, words: Any, source_valid: int) -> int:
    """Return whether a block is taken from the source."""
    is_spent = u.budget == 0
    sink_valid = 1 if u.busy and (is_spent or source_valid) else 0
    u.can_emit = not u.valid or u.ready
    sink_ready = _dense(u, words, sink_valid) if u.is_dense else _sparse(u, sink_valid)
    ready = (sink_ready and not is_spent) if u.busy else not is_spent
    u.block_taken = source_valid and ready
    clean = is_spent or (u.busy and u.block_taken and u.budget == 1)
    u.command_ready = u.done and clean
    u.begin = u.command_valid and u.command_ready
    return 1 if ready else 0


@inlined
def _sparse(u: Any, sink_valid: int) -> int:
    block_left = u.per_block - u.place
    # a column may begin between two windows of `slots` entries
    cut = min(u.slots - u.place % u.slots, block_left)
    u.ends = u.left <= cut
    u.taking = u.left if u.ends else cut
    u.take = u.left != 0 and sink_valid and u.can_emit
    u.done = u.left == 0 or (u.take and u.ends)
    return 1 if u.take and (u.ends or block_left <= cut) else 0


@inlined
def _dense(u: Any, words: Any, sink_valid: int) -> int:
    u.ends_list = u.list_left <= u.slots
    u.ends = u.ends_list and u.lists == 1
    u.taking = u.list_left if u.ends_list else u.slots
    u.after = u.offset + u.taking * u.bits
    crosses = u.after > WORD_BITS
    u.leaves = u.after >= WORD_BITS or u.ends_list
    dropping = u.lists != 0 and u.drop != 0
    needs_next = crosses or not u.has_word
    u.take = u.lists != 0 and u.drop == 0 and u.can_emit and (not needs_next or sink_valid)
    wants = dropping or (u.take and (needs_next or (u.leaves and not u.ends)))
    u.keeps_next = not (u.ends or (u.ends_list and crosses)) if u.has_word else not u.leaves
    u.words_valid = sink_valid
    u.dropped = dropping and sink_valid
    u.done = u.lists == 0 or (u.take and u.ends)
    return words_take(words, sink_valid, 1 if wants else 0, 1 if u.take and u.ends else 0)


@inlined
def decoder_step(u: Any, words: Any, flags: Any) -> None:
    """One clock edge; `flags` are the `last` flags of all streams."""
    if u.can_emit:
        u.valid = u.take
        u.final = u.ends
        u.count = u.taking
        u.ended = 0
        if u.take:
            u.ended = u.ends_list if u.is_dense else _ended(u, flags)
    u.budget -= u.block_taken
    if u.begin:
        u.budget = u.blocks
        u.busy = 1
    elif u.busy and u.done:
        u.busy = 0
    if u.is_dense:
        _dense_step(u)
        words_step(words)
    else:
        _sparse_step(u)


@inlined
def _ended(u: Any, flags: Any) -> int:
    """Outputs that end among the entries taken."""
    if u.counts_ends == BY_LISTS:
        return 1 if u.ends else 0
    ended = 0
    if u.counts_ends == BY_FLAGS:
        for entry in range(u.entry, u.entry + u.taking):
            ended += flags[entry]
    return ended


@inlined
def _sparse_step(u: Any) -> None:
    if u.take:
        u.left -= u.taking
        u.entry += u.taking
        u.place += u.slots - u.place % u.slots
        if u.place >= u.per_block:
            u.place = 0
    if u.begin:
        u.left = u.entries
        u.place = u.first
        u.entry = u.first_flag


@inlined
def _dense_step(u: Any) -> None:
    if u.dropped:
        u.drop -= 1
    if u.take:
        if u.leaves or not u.has_word:
            u.has_word = u.words_valid and u.keeps_next
        u.offset = 0 if u.ends_list else u.after % WORD_BITS
        u.list_left = u.inputs if u.ends_list else u.list_left - u.slots
        u.lists -= u.ends_list
    if u.begin:
        u.inputs = u.command_inputs
        u.list_left = u.command_inputs
        u.lists = u.outputs
        u.drop = u.first
        u.offset = 0
        u.has_word = 0
