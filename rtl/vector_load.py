"""Loading the vectors of a group."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Mux
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import CODE_BYTES, ceil_log2
from . import lane_ports as ports
from .bus.axi import ADDRESS_BITS
from .bus.fetch import BLOCK_BYTES, BURST_BLOCKS, range_layout
from .pipeline import wire
from .shape import COUNT_BITS, Shape

CODES_PER_BLOCK = BLOCK_BYTES // CODE_BYTES
CODES_PER_CHUNK = CODES_PER_BLOCK * BURST_BLOCKS


class VectorLoad(wiring.Component):
    """Loads the vectors of a group into the lanes' memories, chunk by chunk of one burst a lane.

    With `has_second` a chunk of the second factors follows each chunk of the first ones; with `keeps_first` too only
    the second ones are loaded, the first are those of the group before.

    `loaded` counts the words of W elements that every active lane holds, so that a pass may follow the load; a beat
    is written once the words of its chunk are below `passed`, so that the load may follow a pass.
    """

    start: Signal
    inputs: Signal
    active: Signal
    passed: Signal
    sources: Any
    has_second: Signal
    keeps_first: Signal
    seconds: Any
    ranges: stream.Interface
    beats: stream.Interface
    load_write: Signal
    load: Any
    loaded: Signal
    done: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        lanes = shape.config.lanes
        super().__init__(
            {
                "start": In(1),
                "inputs": In(COUNT_BITS),
                "active": In(range(lanes + 1)),
                "passed": In(COUNT_BITS),
                "sources": In(data.ArrayLayout(ADDRESS_BITS, lanes)),
                "has_second": In(1),
                "keeps_first": In(1),
                "seconds": In(data.ArrayLayout(ADDRESS_BITS, lanes)),
                "ranges": Out(stream.Signature(range_layout())),
                "beats": In(stream.Signature(shape.config.port_bits)),
                "load_write": Out(lanes),
                "load": Out(ports.load_layout(shape)),
                "loaded": Out(COUNT_BITS),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lanes = self.shape.config.lanes
        elements = self.shape.config.elements_per_cycle
        # the stage above may be at the next descriptor before the last vectors have arrived
        inputs, has_second = Signal.like(self.inputs, name="inputs_held"), Signal(name="has_second_held")
        keeps_first = Signal(name="keeps_first_held")
        with m.If(self.start):
            m.d.sync += [inputs.eq(self.inputs), has_second.eq(self.has_second)]
            m.d.sync += keeps_first.eq(self.keeps_first)
        blocks = wire(m, (inputs + (CODES_PER_BLOCK - 1)) >> ceil_log2(CODES_PER_BLOCK), "blocks")

        # asking: one burst a lane, lane after lane, first factors before second ones, chunk after chunk
        ask_lane, ask_block, asking = Signal(ceil_log2(lanes)), Signal(COUNT_BITS), Signal()
        ask_second = Signal()
        ask_last_lane = ask_lane == self.active - 1
        source = Array(Array(side)[ask_lane] for side in (self.sources, self.seconds))[ask_second]
        ask_left = wire(m, (blocks - ask_block)[:COUNT_BITS], "ask_left")
        burst = wire(m, Mux(ask_left < BURST_BLOCKS, ask_left, BURST_BLOCKS), "burst")
        m.d.comb += [
            self.ranges.valid.eq(asking),
            self.ranges.payload.address.eq(source + (ask_block << 6)),
            self.ranges.payload.blocks.eq(burst),
        ]
        with m.If(asking & self.ranges.ready):
            m.d.sync += ask_lane.eq(ask_lane + 1)
            with m.If(ask_last_lane):
                m.d.sync += [ask_lane.eq(0), ask_second.eq(has_second & (keeps_first | ~ask_second))]
                with m.If(~has_second | ask_second):
                    m.d.sync += [ask_block.eq(ask_block + BURST_BLOCKS), asking.eq(ask_left > BURST_BLOCKS)]

        # taking: the beats come back in the same order
        beats_per_block = BLOCK_BYTES // self.shape.config.port_bytes
        lane, chunk, beat, taking = Signal(ceil_log2(lanes)), Signal(COUNT_BITS), Signal(COUNT_BITS), Signal()
        chunk_words, is_second = Signal(COUNT_BITS), Signal()
        beats = wire(m, blocks * beats_per_block, "beats_of_vector")
        chunk_end = wire(m, chunk + BURST_BLOCKS * beats_per_block, "chunk_end")
        is_last_chunk = wire(m, chunk_end >= beats, "is_last_chunk")
        stop = wire(m, Mux(is_last_chunk, beats, chunk_end), "stop")
        stop_word = wire(m, chunk_words + CODES_PER_CHUNK // elements, "stop_word")
        may_take = wire(m, taking & (self.passed >= stop_word), "may_take")
        m.d.comb += [
            self.beats.ready.eq(may_take),
            self.load.second.eq(is_second),
            self.load.beat.eq(beat),
            self.load.data.eq(self.beats.payload),
            self.load_write.eq((may_take & self.beats.valid) << lane),
        ]
        with m.If(may_take & self.beats.valid):
            m.d.sync += beat.eq(beat + 1)
            with m.If(beat + 1 == stop):
                m.d.sync += [beat.eq(chunk), lane.eq(lane + 1)]
                with m.If(lane == self.active - 1):
                    m.d.sync += [lane.eq(0), is_second.eq(has_second & (keeps_first | ~is_second))]
                    with m.If(~has_second | is_second):
                        m.d.sync += [chunk.eq(stop), beat.eq(stop), taking.eq(~is_last_chunk)]
                        m.d.sync += [
                            self.loaded.eq(Mux(is_last_chunk, ~0, stop_word[:COUNT_BITS])),
                            chunk_words.eq(stop_word),
                        ]
        m.d.comb += self.done.eq(~taking)
        with m.If(self.start):
            m.d.sync += [
                ask_lane.eq(0),
                ask_second.eq(self.keeps_first),
                ask_block.eq(0),
                asking.eq(1),
                is_second.eq(self.keeps_first),
            ]
            m.d.sync += [lane.eq(0), chunk.eq(0), beat.eq(0), taking.eq(1), self.loaded.eq(0), chunk_words.eq(0)]
        return m
