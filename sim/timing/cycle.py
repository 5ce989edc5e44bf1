"""One descriptor, cycle by cycle: wires in the order in which they depend on each other, then every clock edge."""

from typing import Any, NamedTuple

import numpy as np

from ...model.config import AcceleratorConfig
from ...model.jit import kernel
from ...rtl.bus.fetch import BLOCK_BYTES, BURST_BLOCKS
from ...rtl.engine import OTHER_BUFFER_BYTES, STREAM_BUFFER_BYTES
from ...rtl.stages import READERS
from .arbiter import ARBITER, arbiter_grant, arbiter_step
from .count import count_cycle
from .decoder import DECODER, decoder_step, decoder_take
from .emission_load import EMISSIONS, emissions_offer, emissions_step
from .fetch import FETCH, fetch_offer, fetch_step
from .gather_control import GATHER, gather_offer, gather_step
from .gather_control import IDLE as GATHER_IDLE
from .group_input import INPUT, input_offer, input_step
from .group_load import LOAD, load_offer, load_step
from .group_output import OUTPUT, output_offer, output_release, output_step
from .hand_over import BUFFERS_HELD, hand_over_step
from .memory import MEMORY, memory_step
from .passes import PASSES, passes_offer, passes_step
from .result_rows import ROWS, VECTOR_BEATS, beats_offer, beats_step, beats_take, rows_offer, rows_step, rows_take
from .sequencer import IDLE, SEQUENCER, sequencer_offer, sequencer_start, sequencer_step
from .vector_load import VECTORS, vectors_offer, vectors_step
from .weight_stream import STREAM, stream_offer, stream_step
from .words import WORDS, words_step, words_take
from .writer import WRITER, writer_offer, writer_send, writer_step

NAMES, EMISSION_READER, VECTOR_READER, WEIGHT_READER = range(len(READERS))
WEIGHT_DECODER, EMISSION_DECODER = range(2)
LOAD_WORDS = 2
"""Who cuts blocks into words: the two decoders, and what reads descriptors, tables and records."""


class Engine(NamedTuple):
    """The records of all units. No arrays: counting their references in every cycle would double the time."""

    settings: Any
    memory: Any
    arbiter: Any
    fetchers: Any
    """In the order of rtl.stages.READERS."""
    words: Any
    decoders: Any
    stream: Any
    sequencer: Any
    load: Any
    vectors: Any
    emissions: Any
    input: Any
    passes: Any
    gather: Any
    held: Any
    output: Any
    rows: Any
    beats: Any
    writer: Any


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


def make_engine(config: AcceleratorConfig, settings: Any, behavior: tuple[int, int, int]) -> Engine:
    """Return an engine at rest; `behavior` is the memory's latency, write latency and gap."""

    def one(kind: Any) -> Any:
        return np.zeros(1, kind)[0]

    memory = one(MEMORY)
    memory["latency"], memory["write_latency"], memory["gap"] = behavior
    for name in ("ar_ready", "aw_ready", "w_ready"):
        memory[name] = 1
    fetchers, decoders = np.zeros(len(READERS), FETCH), np.zeros(2, DECODER)
    for number, name in enumerate(READERS):
        size = STREAM_BUFFER_BYTES if name == "weights" else OTHER_BUFFER_BYTES
        beats_per_block = BLOCK_BYTES // config.port_bytes
        fetchers[number]["room"] = max(size // config.port_bytes, 2 * BURST_BLOCKS * beats_per_block)
        fetchers[number]["beats_per_block"] = beats_per_block
        fetchers[number]["parts"] = 1 if name == "vectors" else beats_per_block
    for number, slots in ((WEIGHT_DECODER, config.entries_per_cycle), (EMISSION_DECODER, 1)):
        for name in ("is_dense", "bits", "width", "per_block"):
            decoders[number][name] = settings[name]
        decoders[number]["slots"] = slots
    decoders[WEIGHT_DECODER]["counts_ends"] = settings["is_score"]
    rows = one(ROWS)
    row_bytes = int(settings["banks"]) * config.record_bytes
    rows["joins"] = row_bytes < config.port_bytes
    rows["parts"] = max(row_bytes // config.port_bytes, config.port_bytes // row_bytes)
    return Engine(
        settings=settings,
        memory=memory,
        arbiter=one(ARBITER),
        fetchers=tuple(fetchers),
        words=tuple(np.zeros(3, WORDS)),
        decoders=tuple(decoders),
        stream=one(STREAM),
        sequencer=one(SEQUENCER),
        load=one(LOAD),
        vectors=one(VECTORS),
        emissions=one(EMISSIONS),
        input=one(INPUT),
        passes=one(PASSES),
        gather=one(GATHER),
        held=one(BUFFERS_HELD),
        output=one(OUTPUT),
        rows=rows,
        beats=one(VECTOR_BEATS),
        writer=one(WRITER),
    )


@kernel
def run_engine(e: Engine, inputs: Inputs, counters: Any, limit: int) -> int:
    """Run one descriptor from the cycle in which it is taken; return the cycles, or -1 when `limit` was not enough."""
    sources, destinations, columns, data = inputs
    for now in range(limit):
        _wires(e, sources, destinations, columns)
        count_cycle(counters, e.settings, e.sequencer, e.gather, e.passes, e.fetchers, e.writer, e.output.is_header)
        _edge(e, data, now)
        if e.sequencer.state == IDLE:
            return now
    return -1


@kernel
def _wires(e: Engine, sources: Any, destinations: Any, columns: Any) -> None:
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


@kernel
def _edge(e: Engine, data: Any, now: int) -> None:
    d, fetchers, start = e.settings, e.fetchers, e.sequencer.start
    emission_decoder = e.decoders[EMISSION_DECODER]
    word_taken, column_ends = e.words[LOAD_WORDS].taken, emission_decoder.valid and emission_decoder.final
    input_state = e.input.state
    memory_step(e.memory, now)
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
