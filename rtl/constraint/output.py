"""Writing a vector and its header: codes to beats, beats to the burst writer."""

from typing import Any

from amaranth import Module, Signal, signed
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ...model.formats import CODE_BYTES, ceil_log2
from ..bus.axi import ADDRESS_BITS
from ..bus.write import write_command_layout
from ..pipeline import wire
from ..shape import CELL_BITS, COUNT_BITS, VECTOR_EXPONENT_BITS, Shape
from .encode_control import CODE_QUEUE
from .layouts import HEADER_BYTES


class EdgeOutput(wiring.Component):
    """From `start`, writes `inputs` codes to `destination`, then the header to `result`; `done` in between.

    Words of W codes are taken from the encoders into a queue (`coded`, always room: the issue saw to it; `popped` in
    the cycle that frees a place) and joined, or cut, into beats.
    """

    start: Signal
    inputs: Signal
    destination: Signal
    result: Signal
    exponent: Signal
    coded: Signal
    coded_last: Signal
    codes: Any
    popped: Signal
    command: stream.Interface
    beats: stream.Interface
    finish: Signal
    is_header: Signal
    done: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        config = shape.config
        super().__init__(
            {
                "start": In(1),
                "inputs": In(COUNT_BITS),
                "destination": In(ADDRESS_BITS),
                "result": In(ADDRESS_BITS),
                "exponent": In(signed(VECTOR_EXPONENT_BITS)),
                "coded": In(1),
                "coded_last": In(1),
                "codes": In(data.ArrayLayout(CELL_BITS, config.elements_per_cycle)),
                "popped": Out(1),
                "command": Out(stream.Signature(write_command_layout())),
                "beats": Out(stream.Signature(config.port_bits)),
                "finish": In(1),
                "is_header": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        width = CELL_BITS * self.shape.config.elements_per_cycle
        m.submodules.queue = queue = SyncFIFOBuffered(width=width + 1, depth=CODE_QUEUE)
        m.d.comb += [
            queue.w_data.eq(Cat(self.codes.as_value(), self.coded_last)),
            queue.w_en.eq(self.coded),
            self.popped.eq(queue.r_en & queue.r_rdy),
        ]
        word, is_last = queue.r_data[:width], queue.r_data[width]
        vector_beat = stream.Signature(self.shape.config.port_bits).create(path=("vector_beat",))
        if width < self.shape.config.port_bits:
            self._join(m, queue, word, is_last, vector_beat)
        else:
            self._cut(m, queue, word, vector_beat)
        command = self.command.payload
        header = Cat(Const(0, CELL_BITS), self.exponent)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.done.eq(1)
                with m.If(self.start):
                    m.next = "vector"
            with m.State("vector"):
                m.d.comb += [
                    self.command.valid.eq(1),
                    command.address.eq(self.destination),
                    command.bytes.eq(self.inputs * CODE_BYTES),
                ]
                with m.If(self.command.ready):
                    m.next = "write vector"
            with m.State("write vector"):
                m.d.comb += [
                    self.beats.valid.eq(vector_beat.valid),
                    self.beats.payload.eq(vector_beat.payload),
                    vector_beat.ready.eq(self.beats.ready),
                ]
                with m.If(self.finish):
                    m.next = "header"
            with m.State("header"):
                m.d.comb += [
                    self.is_header.eq(1),
                    self.command.valid.eq(1),
                    command.address.eq(self.result),
                    command.bytes.eq(HEADER_BYTES),
                ]
                with m.If(self.command.ready):
                    m.next = "write header"
            with m.State("write header"):
                m.d.comb += [self.is_header.eq(1), self.beats.valid.eq(1), self.beats.payload.eq(header)]
                with m.If(self.finish):
                    m.next = "idle"
        return m

    def _join(self, m: Module, queue: SyncFIFOBuffered, word: Value, is_last: Value, beat: Any) -> None:
        """Several words make a beat; the last one may not fill it."""
        parts = self.shape.config.port_bits // len(word)
        place = Signal(ceil_log2(parts))
        held = [Signal(len(word), name=f"held_{number}") for number in range(parts - 1)]
        is_full = wire(m, (place == parts - 1) | is_last, "is_full")
        m.d.comb += [
            beat.valid.eq(queue.r_rdy & is_full),
            beat.payload.eq(Cat(*(Mux(place == number, word, kept) for number, kept in enumerate(held)), word)),
            queue.r_en.eq(~is_full | beat.ready),
        ]
        with m.If(self.popped):
            m.d.sync += place.eq(Mux(is_full, 0, place + 1))
            for number, kept in enumerate(held):
                with m.If(place == number):
                    m.d.sync += kept.eq(word)

    def _cut(self, m: Module, queue: SyncFIFOBuffered, word: Value, beat: Any) -> None:
        """A word makes one beat or several; of the last one, as many as there are to write."""
        parts = len(word) // self.shape.config.port_bits
        part = Signal(ceil_log2(parts))
        sent = wire(m, beat.valid & beat.ready, "sent")
        ends = wire(m, (part == parts - 1) | self.finish, "ends")
        m.d.comb += [
            beat.valid.eq(queue.r_rdy),
            beat.payload.eq(word.word_select(part, self.shape.config.port_bits)),
            queue.r_en.eq(sent & ends),
        ]
        with m.If(sent):
            m.d.sync += part.eq(Mux(ends, 0, part + 1))
