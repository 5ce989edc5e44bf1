"""One edge descriptor, cycle by cycle, from its dispatch on: it runs with the stages of the engine at rest."""

from typing import Any, NamedTuple

import numpy as np

from ....model.jit import inlined, kernel
from ....rtl.stages import READERS
from ..arbiter import ARBITER
from ..decoder import DECODER, decoder_step, decoder_take
from ..engine import LOAD_WORDS
from ..fetch import FETCH, fetch_offer, fetch_step
from ..local import LOCAL_MEMORY
from ..memory import MEMORY
from ..sides import sides_grant, sides_step
from ..words import WORDS, words_step, words_take
from ..writer import WRITER, writer_offer, writer_send, writer_step
from .control import CONTROL, ENDED, HEAD, control_offer, control_step
from .count import count_cycle
from .encode import ENCODER, encode_step, output_offer, output_take
from .settings import OTHERS, SETTINGS, EdgeList
from .sums import SUMS, sums_done, sums_offer, sums_step
from .weights import WEIGHTS, weights_done, weights_offer, weights_step

NAMES, FIRST_READER, SECOND_READER = (READERS.index(name) for name in ("words", "emissions", "weights"))
LIST_WORDS, COLUMN_WORDS = range(2)
BORROWED = ("fetchers", "arbiter", "memory", "writer", "local_memory", "local_arbiter")
"""What the unit uses of the engine; beside it the words of descriptors and records."""

STATE = np.dtype(
    [
        ("settings", SETTINGS),
        ("control", CONTROL),
        ("weights", WEIGHTS),
        ("sums", SUMS),
        ("encoder", ENCODER),
        ("decoder", DECODER),
        ("words", WORDS, (2,)),
        ("fetchers", FETCH, (len(READERS),)),
        ("arbiter", ARBITER),
        ("memory", MEMORY),
        ("writer", WRITER),
        ("local_memory", LOCAL_MEMORY),
        ("local_arbiter", ARBITER),
    ]
)


class Unit(NamedTuple):
    """The records of everything that is at work, views of one buffer."""

    settings: Any
    control: Any
    weights: Any
    sums: Any
    encoder: Any
    decoder: Any
    words: Any
    fetchers: Any
    arbiter: Any
    memory: Any
    writer: Any
    local_memory: Any
    local_arbiter: Any
    dram: Any
    """Behind the memory, in a buffer of its own."""


def borrow(settings: Any, engine: Any) -> Any:
    """Return the state [1] of the unit before a descriptor, with what it borrows of an `engine` (`engine.STATE`)."""
    state = np.zeros(1, STATE)
    unit: Any = state[0]
    unit["settings"] = settings
    unit["decoder"]["slots"] = 1
    for name in ("is_dense", "bits", "width", "per_block"):
        unit["decoder"][name] = settings[name]
    for name in BORROWED:
        unit[name] = engine[name]
    unit["words"][LIST_WORDS] = engine["words"][LOAD_WORDS]
    return state


def give_back(state: Any, engine: Any) -> None:
    """Leave to the engine what was borrowed of it, as the unit left it."""
    unit = state[0]
    for name in BORROWED:
        engine[name] = unit[name]
    engine["words"][LOAD_WORDS] = unit["words"][LIST_WORDS]


@kernel
def run_unit(state: Any, dram: Any, edges: EdgeList, counters: Any, start: int, limit: int) -> int:
    """Run one descriptor from cycle `start`, in which its list is asked for; return the cycle of its report.

    Returns -1 when that does not come before cycle `limit`.
    """
    heads, items = edges
    u = state[0]
    fetchers = (u.fetchers[0], u.fetchers[1], u.fetchers[2], u.fetchers[3], u.fetchers[4])
    e = Unit(
        *(u.settings, u.control, u.weights, u.sums, u.encoder, u.decoder, (u.words[0], u.words[1]), fetchers),
        *(u.arbiter, u.memory, u.writer, u.local_memory, u.local_arbiter, dram[0]),
    )
    nothing = np.zeros(0, np.uint8)
    for now in range(start, limit):
        head = heads[min(e.control.vector, e.settings.vectors - 1)]
        _wires(e, head, items)
        count_cycle(counters, e.settings, e.control, e.fetchers, e.writer, e.encoder.is_header)
        _edge(e, head, nothing, now)
        if e.control.sequence == ENDED:
            return now
    return -1


@inlined
def _wires(e: Any, head: Any, items: Any) -> None:
    d, fetchers, control, encoder = e.settings, e.fetchers, e.control, e.encoder
    first, second, names = fetchers[FIRST_READER], fetchers[SECOND_READER], fetchers[NAMES]
    for number in range(len(READERS)):
        fetch_offer(fetchers[number])
    writer_offer(e.writer)
    output_offer(encoder, d, e.writer, head, control.vector)
    writer_send(e.writer, d, e.memory, encoder.beats_valid)
    output_take(encoder, d, e.writer)
    if d.is_sums:
        sums_done(e.sums)
        control_offer(control, d, names, e.sums.done)
        sums_offer(e.sums, d, first, second, items, head)
        wants_word = e.sums.wants_word
    else:
        weights_done(e.weights)
        control_offer(control, d, names, e.weights.done)
        weights_offer(e.weights, d, first, second, e.decoder, items, head[OTHERS])
        second.ready = decoder_take(e.decoder, e.words[COLUMN_WORDS], second.valid)
        wants_word = e.weights.wants_word
    ready = control.running and not control.spent and (control.drop or control.state == HEAD or wants_word)
    names.ready = words_take(e.words[LIST_WORDS], names.valid, ready, 0)
    sides_grant(e, fetchers)


@inlined
def _edge(e: Any, head: Any, nothing: Any, now: int) -> None:
    d, fetchers, control, encoder = e.settings, e.fetchers, e.control, e.encoder
    first, second = fetchers[FIRST_READER], fetchers[SECOND_READER]
    word_taken, begin = e.words[LIST_WORDS].taken, control.begin
    sides_step(e, fetchers, now)
    if d.is_sums:
        sums_step(e.sums, d, first, second, head, begin, word_taken)
    else:
        weights_step(e.weights, d, first, second, e.decoder, head, begin, word_taken)
        decoder_step(e.decoder, e.words[COLUMN_WORDS], nothing)
    encode_step(encoder, d, e.writer, control.encode)
    control_step(control, d, fetchers[NAMES], word_taken, encoder.done, e.writer.idle)
    writer_step(e.writer, d)
    words_step(e.words[LIST_WORDS])
    for number in range(len(READERS)):
        fetch_step(fetchers[number])
