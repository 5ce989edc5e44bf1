"""One descriptor, cycle by cycle: wires in the order in which they depend on each other, then every clock edge."""

from typing import Any, NamedTuple

from ...model.jit import inlined, kernel
from ...rtl.stages import READERS
from .arbiter import arbiter_grant, arbiter_step
from .count import count_cycle
from .decoder import decoder_step, decoder_take
from .emission_load import emissions_offer, emissions_step
from .engine import (
    EMISSION_DECODER,
    EMISSION_READER,
    LOAD_WORDS,
    NAMES,
    STATE,
    VECTOR_READER,
    WEIGHT_DECODER,
    WEIGHT_READER,
    Engine,
)
from .fetch import fetch_offer, fetch_step
from .gather_control import IDLE as GATHER_IDLE
from .gather_control import gather_offer, gather_step
from .group_input import input_offer, input_step
from .group_load import load_offer, load_step
from .group_output import output_offer, output_release, output_step
from .hand_over import hand_over_step
from .memory import memory_step
from .passes import GRANT, passes_offer, passes_step
from .result_rows import beats_offer, beats_step, beats_take, rows_offer, rows_step, rows_take
from .sequencer import IDLE, sequencer_offer, sequencer_start, sequencer_step
from .steady import AT, PATIENCE, skip_periods
from .vector_load import vectors_offer, vectors_step
from .weight_stream import stream_offer, stream_step
from .words import words_step, words_take
from .writer import writer_offer, writer_send, writer_step


class Inputs(NamedTuple):
    """What one run depends on beside build and descriptor."""

    sources: Any
    """[vectors] addresses."""
    destinations: Any
    """[vectors] addresses."""
    columns: Any
    """[vectors, 4] emission columns, fields as `emission_load` names them."""
    data: Any
    """Bytes of the weight stream; empty where `last` flags do not matter."""


class Past(NamedTuple):
    """What jumps over steady stretches need: buffers of the size of what they keep (steady.py)."""

    kept: Any
    counters: Any
    table: Any
    """`steady.rules`."""
    search: Any
    """`steady.new_search`."""


@kernel
def run_engine(state: Any, dram: Any, inputs: Inputs, past: Past, may_jump: bool, counters: Any, limit: int) -> int:
    """Run one descriptor from the cycle in which it is taken; return the cycles, or -1 when `limit` was not enough.

    `state` is the engine's (engine.py), `dram` [1] what is behind its memory. With `may_jump` steady stretches are
    taken at once; nothing else depends on it.
    """
    sources, destinations, columns, data = inputs
    kept, kept_counters, table, search = past
    u = state.view(STATE)[0]
    e = Engine(
        *(u.settings, u.passes, (u.decoders[0], u.decoders[1]), (u.words[0], u.words[1], u.words[2]), u.gather),
        *((u.fetchers[0], u.fetchers[1], u.fetchers[2], u.fetchers[3]), u.arbiter, u.memory, u.stream, u.sequencer),
        *(u.load, u.vectors, u.emissions, u.input, u.held, u.output, u.rows, u.beats, u.writer, dram[0]),
    )
    now, skipped = 0, 0
    while now + skipped < limit:
        _wires(e, sources, destinations, columns)
        count_cycle(counters, e.settings, e.sequencer, e.gather, e.passes, e.fetchers, e.writer, e.output.is_header)
        _edge(e, data, now)
        if e.sequencer.state == IDLE:
            return now + skipped
        if e.gather.header:
            search[AT] = -1
            search[PATIENCE] = 1
        elif may_jump and e.fetchers[WEIGHT_READER].taken and e.passes.state == GRANT:
            skipped += skip_periods(now, state, counters, kept, kept_counters, table, search)
        now += 1
    return -1


@inlined
def _wires(e: Any, sources: Any, destinations: Any, columns: Any) -> None:
    d, fetchers = e.settings, e.fetchers
    for number in range(len(READERS)):
        fetch_offer(fetchers[number])
    # output: writing depends on registers alone
    writer_offer(e.writer)
    output_offer(e.output, d, e.writer, destinations, e.held.gathered, e.held.headed)
    rows_offer(e.rows)
    beats_offer(e.beats, e.output.is_header)
    writer_send(e.writer, d, e.memory, e.rows.valid if d.is_score else e.beats.valid)
    rows_take(e.rows, e.writer.beats_ready and d.is_score, e.writer.finish and d.is_score, e.gather.rows_filled)
    beats_take(e.beats, e.writer.beats_ready and not d.is_score, e.writer.finish and not d.is_score)
    # passes, and the group that they work on
    passes_offer(e.passes, e.vectors.loaded)
    output_release(e.output, e.passes.output_ready, e.rows.header_taken)
    sequencer_offer(e.sequencer, d, fetchers[NAMES])
    load_offer(e.load, d, fetchers[NAMES].valid, not e.vectors.taking, not e.emissions.working)
    input_offer(e.input, e.load.loaded, e.load.active, ~(e.held.unwritten | e.held.ungathered))
    e.load.taken = e.input.taken
    # what the readers want
    load, active, group = e.load, e.load.active, e.load.group
    vectors_offer(e.vectors, d, fetchers[VECTOR_READER], sources, active, group, e.passes.passed)
    emissions_offer(e.emissions, d, fetchers[EMISSION_READER], e.decoders[EMISSION_DECODER], columns, active, group)
    stream_offer(e.stream, d, fetchers[WEIGHT_READER], e.decoders[WEIGHT_DECODER])
    gather_offer(e.gather, d, e.decoders[WEIGHT_DECODER], e.held.ready)
    e.decoders[WEIGHT_DECODER].ready = e.gather.entries_ready
    words = fetchers[NAMES]
    words.ready = words_take(
        e.words[LOAD_WORDS],
        words.valid,
        e.sequencer.words_ready or load.words_ready,
        e.sequencer.skip or load.skip,
    )
    for number in range(2 if d.is_forward else 1):
        fetch = fetchers[EMISSION_READER if number else WEIGHT_READER]
        fetch.ready = decoder_take(e.decoders[number], e.words[number], fetch.valid)
    # the port
    arbiter_grant(e.arbiter, fetchers, e.memory)
    sequencer_start(e.sequencer, fetchers[NAMES])
    e.sequencer.running = not (e.input.done and e.gather.state == GATHER_IDLE and e.output.done and e.writer.idle)


@inlined
def _edge(e: Any, data: Any, now: int) -> None:
    d, fetchers, start = e.settings, e.fetchers, e.sequencer.start
    emission_decoder = e.decoders[EMISSION_DECODER]
    word_taken, column_ends = e.words[LOAD_WORDS].taken, emission_decoder.valid and emission_decoder.final
    input_state = e.input.state
    memory_step(e.memory, e.dram, now)
    arbiter_step(e.arbiter, fetchers)
    sequencer_step(e.sequencer, d, fetchers[NAMES], word_taken)
    load_step(e.load, d, word_taken, start, e.passes.begun, e.passes.ended)
    vectors_step(e.vectors, d, fetchers[VECTOR_READER], e.load.load_start)
    emissions_step(e.emissions, fetchers[EMISSION_READER], emission_decoder, e.load.emission_start, column_ends)
    stream_step(e.stream, d, fetchers[WEIGHT_READER], e.decoders[WEIGHT_DECODER], start)
    input_step(e.input, d, start, e.passes.input_ready)
    passes_step(e.passes, d, e.input.request, input_state, e.output.request)
    gather_step(e.gather, d, now, start, e.rows.read, e.input.ready, e.input.active)
    hand_over_step(e.held, e.input, e.gather, e.output.released, start)
    output_step(e.output, d, start, e.passes.output_ready, e.writer.finish)
    rows_step(e.rows, d, e.output.row_start)
    beats_step(e.beats, e.output.vector_start)
    writer_step(e.writer, d)
    words_step(e.words[LOAD_WORDS])
    for number in range(2 if d.is_forward else 1):
        decoder_step(e.decoders[number], e.words[number], data)
    for number in range(len(READERS)):
        fetch_step(fetchers[number])
