"""Descriptors, cycle by cycle: wires in the order in which they depend on each other, then every clock edge."""

from typing import Any, NamedTuple

from ...model.jit import inlined, kernel
from ...rtl.stages import READERS
from .copier import copier_offer, copier_step
from .count import count_cycle
from .decoder import BY_FLAGS, NOT_COUNTED, decoder_set, decoder_step, decoder_take, ends_of
from .emission_load import emissions_offer, emissions_step
from .engine import (
    ASK_D,
    DECODE_D,
    EMISSION_DECODER,
    EMISSION_READER,
    FILLING,
    GATHER_D,
    INPUT_D,
    LIST_READER,
    LIST_WORDS,
    LOAD_D,
    LOAD_WORDS,
    NAMES,
    OUTPUT_D,
    STATE,
    VECTOR_READER,
    WEIGHT_DECODER,
    WEIGHT_READER,
    Engine,
)
from .fetch import fetch_offer, fetch_step
from .gather_control import gather_idle, gather_offer, gather_step
from .group_input import IDLE as INPUT_IDLE
from .group_input import input_offer, input_step
from .group_load import IDLE as LOAD_IDLE
from .group_load import load_offer, load_step
from .group_output import IDLE as OUTPUT_IDLE
from .group_output import output_offer, output_release, output_step
from .hand_over import hand_over_step
from .output_passes import output_passes_offer, output_passes_release, output_passes_step
from .passes import GRANT, passes_offer, passes_step
from .result_rows import beats_offer, beats_step, beats_take, rows_offer, rows_step, rows_take
from .sequencer import COPYING, EDGES, IDLE, REPORT, sequencer_offer, sequencer_start, sequencer_step
from .settings import SETTINGS
from .sides import sides_grant, sides_step
from .steady import AT, PATIENCE, skip_periods
from .turn import flight_offer, flight_step, share_results, share_step, turn_offer, turn_step
from .vector_load import vectors_offer, vectors_step
from .weight_stream import IDLE as STREAM_IDLE
from .weight_stream import stream_offer, stream_step, stream_words
from .words import words_step, words_take
from .writer import writer_offer, writer_send, writer_step

IS_SCORE, ADDRESS = (list(SETTINGS.names or ()).index(name) for name in ("is_score", "descriptor"))
"""Columns of a table of settings."""


class Inputs(NamedTuple):
    """What a run depends on beside the build."""

    descriptors: Any
    """[n, words of SETTINGS] of all descriptors, in their order."""
    operations: Any
    """[m, words of SETTINGS] of those that are not loads of tables; descriptors are numbered within these."""
    sources: Any
    """[vectors] addresses, over all operations."""
    destinations: Any
    """[vectors] addresses."""
    columns: Any
    """[vectors, 4] emission columns, fields as `emission_load` names them; or second factors, by their addresses."""
    listed: Any
    """[columns, 4] of the lists."""
    flags: Any
    """`last` flags, uint8, of the entries of sparse streams."""


class Past(NamedTuple):
    """What jumps over steady stretches need: buffers of the size of what they keep (steady.py)."""

    kept: Any
    counters: Any
    table: Any
    """`steady.rules`."""
    search: Any
    """`steady.new_search`."""


NOW, SKIPPED, OVER = range(3)
"""What a clock counts: cycles that were run, cycles that were jumped over, descriptors that are over."""
ENDED, AT_EDGES, AT_LIMIT = range(3)
"""Why a run stopped: all descriptors are over; the constraint unit has the turn; the limit is reached."""


@kernel
def run_engine(
    state: Any,
    dram: Any,
    inputs: Inputs,
    past: Past,
    may_jump: bool,
    counters: Any,
    completed: Any,
    clock: Any,
    limit: int,
) -> int:
    """Run descriptors from the cycle of `clock` [3] on, 0 being that in which the first is taken; return why it ends.

    `state` is the engine's (engine.py), `dram` [1] what is behind its memory; `completed` [n] receives the cycle in
    which each descriptor was over. With `may_jump` steady stretches are taken at once; nothing else depends on it.
    Before the list of an edge descriptor is asked for, the run stops with AT_EDGES: what asks is the constraint unit,
    and no stage of the engine is at work until it reports (`go_on`).
    """
    descriptors, operations, sources, destinations, columns, listed, flags = inputs
    kept, kept_counters, table, search = past
    u = state.view(STATE)[0]
    e = Engine(
        *(u.filling, u.load_d, u.input_d, u.ask_d, u.decode_d, u.gather_d, u.output_d, u.passes),
        *((u.decoders[0], u.decoders[1]), (u.words[0], u.words[1], u.words[2], u.words[3]), u.gather),
        *((u.fetchers[0], u.fetchers[1], u.fetchers[2], u.fetchers[3], u.fetchers[4]), u.arbiter, u.memory, u.stream),
        *(u.sequencer, u.flight, u.load_turn, u.input_turn, u.stream_turn, u.gather_turn, u.output_turn),
        *(u.load, u.vectors, u.emissions, u.input, u.held, u.output_passes, u.output, u.rows, u.beats, u.writer),
        *(u.copier, u.local_memory, u.local_arbiter, dram[0]),
    )
    now, skipped, over = clock[NOW], clock[SKIPPED], clock[OVER]
    if now == 0:
        _copy(state, DECODE_D, operations, 0)
        decoder_set(e.decoders[WEIGHT_DECODER], e.decode_d, ends_of(e.decode_d))
    while now + skipped < limit:
        _turns(e, operations)
        _wires(e, descriptors, sources, destinations, columns, listed)
        count_cycle(counters, e.output_d, e.sequencer, e.gather, e.passes, e.fetchers, e.writer, e.output.is_header)
        if e.flight.retire or e.sequencer.state == REPORT:
            completed[over] = now + skipped + (1 if e.flight.retire else 0)
            over += 1
        _edge(e, flags, now)
        _hand_out(e, state, descriptors, operations)
        if e.sequencer.state == EDGES or _is_over(e, len(descriptors)):
            clock[NOW], clock[SKIPPED], clock[OVER] = now + 1, skipped, over
            return AT_EDGES if e.sequencer.state == EDGES else ENDED
        if e.gather.header:
            search[AT] = -1
            search[PATIENCE] = 1
        elif may_jump and e.fetchers[WEIGHT_READER].taken and e.passes.state == GRANT and _is_even(e):
            skipped += skip_periods(now, state, counters, kept, kept_counters, table, search)
        now += 1
    return AT_LIMIT


@kernel
def go_on(state: Any, past: Past, completed: Any, clock: Any, reported: int) -> bool:
    """Give the turn back to the sequencer after an edge descriptor that `reported` in that cycle.

    Returns whether descriptors are left. Nothing is in the gather pipe, which knows its places by the cycle.
    """
    u = state.view(STATE)[0]
    u.sequencer.state = IDLE
    u.gather.pipe[:] = 0
    past.search[AT] = -1
    past.search[PATIENCE] = 1
    clock[NOW] = reported + 1
    completed[clock[OVER]] = reported + clock[SKIPPED]
    clock[OVER] += 1
    return clock[OVER] < len(completed)


@inlined
def _is_over(e: Any, descriptors: int) -> bool:
    f = e.flight
    return e.sequencer.state == IDLE and e.sequencer.number == descriptors and f.issued == f.retired


@inlined
def _is_even(e: Any) -> bool:
    """Whether one stretch of the stream takes as long as another: `last` flags of sparse scores come at any time."""
    decoder = e.decoders[WEIGHT_DECODER]
    return decoder.is_dense or decoder.counts_ends != BY_FLAGS


@inlined
def _turns(e: Any, operations: Any) -> None:
    """Which stage goes on to its next descriptor, and which descriptor is over."""
    f, gather = e.flight, e.gather_turn
    turn_offer(e.load_turn, f.issued, e.load.state == LOAD_IDLE)
    turn_offer(e.input_turn, f.issued, e.input.state == INPUT_IDLE)
    turn_offer(e.stream_turn, f.issued, e.stream.state == STREAM_IDLE)
    turn_offer(e.output_turn, f.issued, e.output.state == OUTPUT_IDLE)
    turn_offer(gather, f.issued, gather_idle(e.gather))
    comes_score = gather.taken < len(operations) and operations[gather.taken, IS_SCORE]
    share_results(f, gather, e.output_turn, comes_score, e.held.headed)
    gather.begins = gather.begins and not f.hold
    flight_offer(f, e.load_turn, e.input_turn, gather, e.output_turn)


@inlined
def _wires(e: Any, descriptors: Any, sources: Any, destinations: Any, columns: Any, listed: Any) -> None:
    fetchers, is_score = e.fetchers, e.output_d.is_score
    copying = e.sequencer.state == COPYING
    fetchers[WEIGHT_READER].raw = copying
    for number in range(len(READERS)):
        fetch_offer(fetchers[number])
    # output: writing depends on registers alone
    writer_offer(e.writer)
    output_offer(e.output, e.output_d, e.writer, destinations, e.held.headed)
    output_passes_offer(e.output_passes, e.held.gathered, not e.output.filled)
    rows_offer(e.rows)
    beats_offer(e.beats, e.output.is_header)
    beats_valid = e.rows.valid if is_score else e.beats.valid
    writer_send(e.writer, e.output_d, e.memory, fetchers[WEIGHT_READER].valid if copying else beats_valid)
    rows_take(e.rows, e.writer.beats_ready and is_score, e.writer.finish and is_score, e.gather.rows_filled)
    beats_take(e.beats, e.writer.beats_ready and not is_score, e.writer.finish and not is_score)
    # passes, and the group that they work on
    passes_offer(e.passes, e.vectors.loaded)
    output_release(e.output, e.rows.header_taken)
    output_passes_release(e.output_passes, e.passes.output_ready)
    following = e.sequencer.number
    next_descriptor = descriptors[following, ADDRESS] if following < len(descriptors) else -1
    sequencer_offer(e.sequencer, e.filling, fetchers[NAMES], e.flight, next_descriptor)
    load, words = e.load, fetchers[NAMES]
    load_offer(load, e.load_d, e.flight.written, words.valid, not e.vectors.taking, not e.emissions.working)
    input_offer(e.input, load.loaded, load.active, ~(e.held.unwritten | e.held.ungathered))
    load.taken = e.input.taken
    # what the readers want
    d, active, group = e.load_d, load.active, load.group
    vectors_offer(e.vectors, d, fetchers[VECTOR_READER], sources, columns, active, e.passes.passed)
    emissions_offer(e.emissions, d, fetchers[EMISSION_READER], e.decoders[EMISSION_DECODER], columns, active, group)
    lists, decoder = fetchers[LIST_READER], e.decoders[WEIGHT_DECODER]
    stream_offer(e.stream, e.ask_d, fetchers[WEIGHT_READER], lists, lists.valid, listed, decoder)
    gather_offer(e.gather, e.gather_d, decoder, e.stream.closes, e.held.ready)
    decoder.ready = e.gather.entries_ready
    words.ready = words_take(
        e.words[LOAD_WORDS],
        words.valid,
        e.sequencer.words_ready or load.words_ready,
        e.sequencer.skip or load.skip,
    )
    for number in range(2):
        fetch = fetchers[EMISSION_READER if number else WEIGHT_READER]
        fetch.ready = decoder_take(e.decoders[number], e.words[number], fetch.valid and not copying)
    if copying:
        copier_offer(e.copier, e.filling, fetchers[WEIGHT_READER], e.writer)
    # the port
    sides_grant(e, fetchers)
    sequencer_start(e.sequencer, words)
    stream_words(e.stream, fetchers[WEIGHT_READER])
    lists.ready = words_take(e.words[LIST_WORDS], lists.valid, e.stream.words_ready, e.stream.skip)


@inlined
def _edge(e: Any, flags: Any, now: int) -> None:
    fetchers = e.fetchers
    decoder, emission_decoder = e.decoders[WEIGHT_DECODER], e.decoders[EMISSION_DECODER]
    word_taken, column_ends = e.words[LOAD_WORDS].taken, emission_decoder.valid and emission_decoder.final
    entries_end = 1 if decoder.valid and decoder.ready and decoder.final else 0
    input_state, is_score, at_rest = e.input.state, e.gather_d.is_score, e.flight.at_rest
    sides_step(e, fetchers, now)
    copier_step(e.copier, e.sequencer.state == COPYING, fetchers[WEIGHT_READER], e.writer)
    load_step(e.load, e.load_d, e.flight, e.load_turn, word_taken, e.passes.begun, e.passes.ended)
    sequencer_step(e.sequencer, e.filling, fetchers[NAMES], at_rest, word_taken, e.load.records_read, e.copier.done)
    vectors_step(e.vectors, e.load_d, fetchers[VECTOR_READER], e.load.load_start, e.load.group)
    emissions_step(e.emissions, fetchers[EMISSION_READER], emission_decoder, e.load.emission_start, column_ends)
    list_taken = e.words[LIST_WORDS].taken
    turn, lists = e.stream_turn, fetchers[LIST_READER]
    stream_step(e.stream, e.ask_d, turn.number, lists, decoder, turn.start, list_taken, entries_end)
    input_step(e.input, e.input_d, e.input_turn.start, e.passes.input_ready)
    passes_step(e.passes, e.input_d, e.output_d, e.input.request, input_state, e.output_passes.request)
    restart = e.flight.restart
    gather_step(e.gather, e.gather_d, now, e.gather_turn.start, restart, e.rows.read, e.input.ready, e.input.active)
    hand_over_step(e.held, e.input, e.gather, is_score, e.output.released | e.output_passes.released)
    start, first_buffer = e.output_turn.start, e.output.buffer
    output_passes_step(e.output_passes, e.output_d, start, first_buffer, e.passes.output_ready)
    output_step(e.output, e.output_d, start, e.output_passes.encoded, e.writer.finish)
    rows_step(e.rows, e.output_d, e.output.row_start)
    beats_step(e.beats, e.output.vector_start)
    writer_step(e.writer, e.output_d)
    words_step(e.words[LOAD_WORDS])
    words_step(e.words[LIST_WORDS])
    for number in range(2):
        decoder_step(e.decoders[number], e.words[number], flags)
    for number in range(len(READERS)):
        fetch_step(fetchers[number])
    share_step(e.flight, e.gather_turn, is_score)
    flight_step(e.flight, e.sequencer.issue, e.filling.groups, e.writer.group_answered)
    turn_step(e.load_turn)
    turn_step(e.input_turn)
    turn_step(e.stream_turn)
    turn_step(e.gather_turn)
    turn_step(e.output_turn)


@inlined
def _hand_out(e: Any, state: Any, descriptors: Any, operations: Any) -> None:
    """Give each stage that goes on to a descriptor its settings."""
    if e.sequencer.takes:
        _copy(state, FILLING, descriptors, e.sequencer.number - 1)
    if e.load_turn.begins:
        _copy(state, LOAD_D, operations, e.load_turn.number)
        decoder_set(e.decoders[EMISSION_DECODER], e.load_d, NOT_COUNTED)
    if e.input_turn.begins:
        _copy(state, INPUT_D, operations, e.input_turn.number)
    if e.stream_turn.begins:
        _copy(state, ASK_D, operations, e.stream_turn.number)
    if e.stream.changes:
        _copy(state, DECODE_D, operations, e.stream.decode_number)
        decoder_set(e.decoders[WEIGHT_DECODER], e.decode_d, ends_of(e.decode_d))
    if e.gather_turn.begins:
        _copy(state, GATHER_D, operations, e.gather_turn.number)
    if e.output_turn.begins:
        _copy(state, OUTPUT_D, operations, e.output_turn.number)


@kernel
def _copy(state: Any, place: int, table: Any, row: int) -> None:
    """Write the settings in `row` of `table` to the state; none where there are none."""
    if row < len(table):
        state[place : place + table.shape[1]] = table[row]
