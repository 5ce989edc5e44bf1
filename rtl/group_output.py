"""The output stage: passes over the results of a group, and the order in which everything is written."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import CODE_BYTES, ceil_log2
from .bus.axi import ADDRESS_BITS
from .bus.write import write_command_layout
from .operation import Opcode
from .pipeline import wire
from .shape import BUFFERS, CELL_BITS, COUNT_BITS, Shape


class OutputSettings(wiring.Signature):
    """What the output stage needs of the descriptor."""

    def __init__(self) -> None:
        super().__init__(
            {
                "opcode": Out(Opcode),
                "groups": Out(COUNT_BITS),
                "vectors": Out(COUNT_BITS),
                "outputs": Out(COUNT_BITS),
                "records": Out(COUNT_BITS),
                "results": Out(ADDRESS_BITS),
                "result_stride": Out(COUNT_BITS),
            }
        )


class GroupOutput(wiring.Component):
    """Group after group: write each vector to its place as soon as y was `encoded`, then the group's header.

    Scores need no pass: their header and records are written as they come. Their buffer is `released` when nothing of
    the group is left in it. y `is_free` for the next group when all of it is written.
    """

    settings: Any
    start: Signal
    encoded: Signal
    is_free: Signal
    headed: Signal
    header_taken: Signal
    command: stream.Interface
    finish: Signal
    row_start: Signal
    vector_start: Signal
    is_header: Signal
    lane: Signal
    group: Signal
    buffer: Signal
    destination: Signal
    released: Signal
    done: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        lanes = shape.config.lanes
        super().__init__(
            {
                "settings": In(OutputSettings()),
                "start": In(1),
                "encoded": In(1),
                "is_free": Out(1),
                "headed": In(BUFFERS),
                "header_taken": In(1),
                "command": Out(stream.Signature(write_command_layout())),
                "finish": In(1),
                "row_start": Out(1),
                "vector_start": Out(1),
                "is_header": Out(1),
                "lane": Out(ceil_log2(lanes)),
                "group": Out(2),
                "buffer": Out(1),
                "destination": In(ADDRESS_BITS),
                "released": Out(BUFFERS),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        settings, lanes = self.settings, self.shape.config.lanes
        header_bytes = lanes * 2 * CELL_BITS // 8
        left, vectors_left, results = Signal(COUNT_BITS), Signal(COUNT_BITS), Signal(ADDRESS_BITS)
        active = wire(m, Mux(vectors_left < lanes, vectors_left, lanes), "active")
        filled = Signal()
        command = self.command.payload
        m.d.comb += self.is_free.eq(~filled)
        with m.If(self.encoded):
            m.d.sync += filled.eq(1)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.done.eq(1)
                with m.If(self.start):
                    m.d.sync += [left.eq(settings.groups), vectors_left.eq(settings.vectors)]
                    m.d.sync += results.eq(settings.results)
                    m.next = "encoded"
                    with m.If(settings.opcode == Opcode.SCORES):
                        m.next = "headed"
            with m.State("encoded"):
                with m.If(filled):
                    m.next = "vector"
            with m.State("vector"):
                m.d.comb += [
                    self.command.valid.eq(1),
                    command.address.eq(self.destination),
                    command.bytes.eq(settings.outputs * CODE_BYTES),
                ]
                with m.If(self.command.ready):
                    m.d.comb += self.vector_start.eq(1)
                    m.next = "write vector"
            with m.State("write vector"):
                with m.If(self.finish):
                    m.d.sync += self.lane.eq(self.lane + 1)
                    m.next = "vector"
                    with m.If(self.lane == active - 1):
                        m.d.sync += self.lane.eq(0)
                        m.next = "header"
            with m.State("header"):
                m.d.comb += [
                    self.command.valid.eq(1),
                    self.is_header.eq(1),
                    command.address.eq(results),
                    command.bytes.eq(header_bytes),
                    command.ends_group.eq(1),
                ]
                with m.If(self.command.ready):
                    m.d.comb += self.vector_start.eq(1)
                    m.next = "write header"
            with m.State("write header"):
                m.d.comb += self.is_header.eq(1)
                with m.If(self.finish):
                    m.d.sync += filled.eq(0)
                    self._next_group(m, left, vectors_left, results, "encoded")
            with m.State("headed"):
                m.d.comb += [
                    self.command.valid.eq(Array(self.headed)[self.buffer]),
                    command.address.eq(results),
                    command.bytes.eq(header_bytes + settings.records * self.shape.config.record_bytes),
                    command.ends_group.eq(1),
                ]
                with m.If(self.command.valid & self.command.ready):
                    m.d.comb += self.row_start.eq(1)
                    m.next = "write rows"
            with m.State("write rows"):
                with m.If(self.header_taken):
                    m.d.comb += self.released.eq(1 << self.buffer)
                with m.If(self.finish):
                    self._next_group(m, left, vectors_left, results, "headed")
        return m

    def _next_group(self, m: Module, left: Signal, vectors_left: Signal, results: Signal, state: str) -> None:
        m.d.sync += [
            left.eq(left - 1),
            vectors_left.eq(vectors_left - self.shape.config.lanes),
            results.eq(results + self.settings.result_stride),
            self.buffer.eq(~self.buffer),
            self.group.eq(self.group + 1),
        ]
        m.next = state
        with m.If(left == 1):
            m.next = "idle"
