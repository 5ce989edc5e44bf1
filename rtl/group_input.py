"""The input stage: records, vectors and emission columns of a group, then its passes, then its leak."""

from typing import Any

from amaranth import Module, Signal, signed
from amaranth.hdl import Array, Cat, Mux
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import ceil_log2
from . import lane_ports as ports
from .bus.axi import ADDRESS_BITS
from .bus.width import WORD_BITS
from .emission_load import column_layout
from .operation import RECORD_BYTES, Opcode, record_layout
from .passes import Pass, request_layout
from .pipeline import wire
from .shape import BUFFERS, COUNT_BITS, VECTOR_EXPONENT_BITS, Shape

RECORD_WORDS = RECORD_BYTES * 8 // WORD_BITS
GROUPS_IN_FLIGHT = 4
"""Destinations are kept until a group is written, two groups after they were read."""


class GroupSettings(wiring.Signature):
    """What the input stage needs of the descriptor."""

    def __init__(self) -> None:
        super().__init__({"opcode": Out(Opcode), "vectors": Out(COUNT_BITS), "groups": Out(COUNT_BITS)})


class GroupInput(wiring.Component):
    """Group after group: read P records, load, run the passes, compute the leak, hand z over.

    A buffer is taken when its passes begin (`claimed`) and given back from outside when the group's results have
    left it (`free_buffers`); loading runs ahead of that. `ready` marks a z buffer that gather may read.
    """

    settings: Any
    start: Signal
    words: stream.Interface
    skip: Signal
    setup_write: Signal
    setup: Any
    sources: Any
    columns: Any
    destination: Any
    destination_lane: Signal
    destination_group: Signal
    active: Signal
    load_start: Signal
    load_done: Signal
    emission_start: Signal
    emission_done: Signal
    pass_request: stream.Interface
    leak_start: Signal
    leak_done: Signal
    free_buffers: Signal
    claimed: Signal
    ready: Signal
    buffer: Signal
    done: Signal
    loading: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        lanes = shape.config.lanes
        super().__init__(
            {
                "settings": In(GroupSettings()),
                "start": In(1),
                "words": In(stream.Signature(WORD_BITS)),
                "skip": Out(1),
                "setup_write": Out(lanes),
                "setup": Out(ports.setup_layout()),
                "sources": Out(data.ArrayLayout(ADDRESS_BITS, lanes)),
                "columns": Out(data.ArrayLayout(column_layout(), lanes)),
                "destination_group": In(2),
                "destination_lane": In(ceil_log2(lanes)),
                "destination": Out(ADDRESS_BITS),
                "active": Out(range(lanes + 1)),
                "load_start": Out(1),
                "load_done": In(1),
                "emission_start": Out(1),
                "emission_done": In(1),
                "pass_request": Out(stream.Signature(request_layout())),
                "leak_start": Out(1),
                "leak_done": In(1),
                "free_buffers": In(BUFFERS),
                "claimed": Out(BUFFERS),
                "ready": Out(BUFFERS),
                "buffer": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lanes = self.shape.config.lanes
        left, vectors_left, group = Signal(COUNT_BITS), Signal(COUNT_BITS), Signal(2)
        word, lane = Signal(ceil_log2(RECORD_WORDS)), Signal(ceil_log2(lanes))
        exponents = Array(Signal(signed(VECTOR_EXPONENT_BITS), name=f"exponent_{p}") for p in range(lanes))
        is_forward = self.settings.opcode == Opcode.FORWARD
        is_backward = self.settings.opcode == Opcode.BACKWARD
        is_free = wire(m, Array(self.free_buffers)[self.buffer], "is_free")
        m.d.comb += self.active.eq(Mux(vectors_left < lanes, vectors_left, lanes))
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.done.eq(1)
                with m.If(self.start):
                    m.d.sync += [left.eq(self.settings.groups), vectors_left.eq(self.settings.vectors)]
                    m.d.sync += [self.buffer.eq(0), group.eq(0), word.eq(0), lane.eq(0)]
                    m.next = "records"
            with m.State("records"):
                m.d.comb += self.words.ready.eq(1)
                with m.If(self.words.valid):
                    m.d.sync += word.eq(word + 1)
                    with m.If(word == RECORD_WORDS - 1):
                        m.d.sync += lane.eq(lane + 1)
                        with m.If(lane == self.active - 1):
                            m.d.comb += self.skip.eq(left == 1)
                            m.d.sync += lane.eq(0)
                            m.next = "setup"
            with m.State("setup"):
                m.d.comb += [
                    self.setup_write.eq(1 << lane),
                    self.setup.active.eq(lane < self.active),
                    self.setup.exponent.eq(exponents[lane]),
                ]
                m.d.sync += lane.eq(lane + 1)
                with m.If(lane == lanes - 1):
                    m.d.comb += [self.load_start.eq(1), self.emission_start.eq(is_forward)]
                    m.d.sync += lane.eq(0)
                    m.next = "emission"
            with m.State("emission"):
                with m.If(self.emission_done & is_free):
                    m.d.comb += self.claimed.eq(1 << self.buffer)
                    m.next = "copy"
                    with m.If(~is_backward):
                        m.next = "maximum"
            with m.State("maximum"):
                m.d.comb += self.pass_request.valid.eq(1)
                m.d.comb += self.pass_request.payload.kind.eq(Pass.INPUT_MAXIMUM)
                with m.If(self.pass_request.ready):
                    m.next = "encode"
            with m.State("encode"):
                m.d.comb += self.pass_request.valid.eq(1)
                m.d.comb += self.pass_request.payload.kind.eq(Pass.INPUT_ENCODE)
                with m.If(self.pass_request.ready):
                    m.next = "leak"
            with m.State("copy"):
                m.d.comb += self.pass_request.valid.eq(1)
                m.d.comb += self.pass_request.payload.kind.eq(Pass.INPUT_COPY)
                with m.If(self.pass_request.ready):
                    m.next = "leak"
            with m.State("leak"):
                m.d.comb += self.leak_start.eq(1)
                m.next = "wait"
            with m.State("wait"):
                with m.If(self.leak_done & self.load_done):
                    m.d.comb += self.ready.eq(1 << self.buffer)
                    m.d.sync += [self.buffer.eq(~self.buffer), group.eq(group + 1)]
                    m.d.sync += [left.eq(left - 1), vectors_left.eq(vectors_left - lanes)]
                    with m.If(left == 1):
                        m.next = "idle"
                    with m.Else():
                        m.next = "records"
        m.d.comb += self.pass_request.payload.buffer.eq(self.buffer)
        self._records(m, word, lane, group, exponents)
        return m

    def _records(self, m: Module, word: Signal, lane: Signal, group: Signal, exponents: Array) -> None:
        """Fields of the records, each as the word that holds it arrives."""
        lanes = self.shape.config.lanes
        fields = record_layout()
        arrived = Signal(RECORD_WORDS * WORD_BITS)
        m.d.comb += arrived.eq(self.words.payload << (word << 6))
        record = fields(arrived)
        taken = wire(m, self.words.valid & self.words.ready, "taken")
        for place, target, value in (
            (0, Array(self.sources)[lane], record.source),
            (2, exponents[lane], record.exponent),
            (2, Array(column.first for column in self.columns)[lane], record.first),
            (2, Array(column.count for column in self.columns)[lane], record.count),
            (3, Array(column.address for column in self.columns)[lane], record.emission),
            (3, Array(column.blocks for column in self.columns)[lane], record.emission_blocks),
        ):
            with m.If(taken & (word == place)):
                m.d.sync += target.eq(value)
        kept = Array(Signal(ADDRESS_BITS, name=f"destination_{p}") for p in range(GROUPS_IN_FLIGHT * lanes))
        with m.If(taken & (word == 1)):
            m.d.sync += kept[Cat(lane, group)].eq(record.destination)
        m.d.comb += self.destination.eq(kept[Cat(self.destination_lane, self.destination_group)])
