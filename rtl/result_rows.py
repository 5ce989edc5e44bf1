"""Where written beats come from: rows of score records, codes of y, headers."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Cat, Mux, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import ceil_log2
from . import lane_ports as ports
from .gather_control import HEADER_SLOTS
from .pipeline import wire
from .shape import CELL_BITS, COUNT_BITS, Shape


class RowSource(wiring.Component):
    """Beats of one group of scores: its header, then its records, from the ring of the result memory.

    A row holds `banks` records of all lanes; it is split over beats, or joined with others into one. What is left
    of the last row is dropped at `finish`.
    """

    start: Signal
    records: Signal
    restart: Signal
    rows_filled: Signal
    flush: Signal
    row_taken: Signal
    bank_read: Any
    rows: Any
    header: Any
    header_taken: Signal
    beats: stream.Interface
    finish: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        lanes = shape.config.lanes
        super().__init__(
            {
                "restart": In(1),
                "start": In(1),
                "records": In(COUNT_BITS),
                "rows_filled": In(shape.bank_row_bits + 1),
                "flush": In(1),
                "row_taken": Out(1),
                "bank_read": Out(ports.bank_read_layout(shape)),
                "rows": In(data.ArrayLayout(data.ArrayLayout(CELL_BITS, shape.banks), lanes)),
                "header": In(data.ArrayLayout(2 * CELL_BITS, lanes)),
                "header_taken": Out(1),
                "beats": Out(stream.Signature(shape.config.port_bits)),
                "finish": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shape = self.shape
        left = Signal(COUNT_BITS)
        row, row_valid, is_first = Signal(shape.bank_row_bits), Signal(), Signal()
        row_ready = Signal()
        read = wire(
            m, left.any() & (self.rows_filled.any() | self.flush) & (~row_valid | row_ready) & ~self.finish, "read"
        )
        m.d.comb += [self.bank_read.enable.eq(read), self.row_taken.eq(read)]
        m.d.comb += [address.eq(row) for address in self.bank_read.row]
        with m.If(read):
            m.d.sync += [row.eq(row + 1), left.eq(left - 1), row_valid.eq(1)]
        with m.Elif(row_ready):
            m.d.sync += row_valid.eq(0)
        with m.If(row_valid & row_ready):
            m.d.sync += is_first.eq(0)
        m.d.comb += self.header_taken.eq(row_valid & row_ready & is_first)
        with m.If(self.start):
            slots = self.records + (HEADER_SLOTS + shape.banks - 1)
            m.d.sync += [left.eq(slots >> shape.bank_bits), is_first.eq(1), row_valid.eq(0)]
        with m.If(self.restart):
            m.d.sync += row.eq(0)

        records = Cat(Cat(lane[slot] for lane in self.rows) for slot in range(shape.banks))
        header = Cat(self.header)
        content = wire(m, Mux(is_first, Cat(header, records[len(header) :]), records), "content")
        is_last = wire(m, ~left.any(), "is_last_row")
        if len(content) >= shape.config.port_bits:
            self._split(m, content, row_valid, row_ready)
        else:
            self._join(m, content, row_valid, row_ready, is_last)
        return m

    def _split(self, m: Module, content: Value, row_valid: Signal, row_ready: Signal) -> None:
        parts = len(content) // self.shape.config.port_bits
        part = Signal(ceil_log2(parts))
        sent = self.beats.valid & self.beats.ready
        m.d.comb += [
            self.beats.valid.eq(row_valid),
            self.beats.payload.eq(content.word_select(part, self.shape.config.port_bits) if parts > 1 else content),
            row_ready.eq(sent & ((part == parts - 1) | self.finish)),
        ]
        with m.If(sent):
            m.d.sync += part.eq(Mux(self.finish, 0, part + 1))

    def _join(self, m: Module, content: Value, row_valid: Signal, row_ready: Signal, is_last: Signal) -> None:
        parts = self.shape.config.port_bits // len(content)
        place = Signal(ceil_log2(parts))
        held = [Signal(len(content), name=f"held_{number}") for number in range(parts - 1)]
        is_full = wire(m, (place == parts - 1) | is_last, "is_full")
        slots = [Mux(place == number, content, kept) for number, kept in enumerate(held)]
        m.d.comb += [
            self.beats.valid.eq(row_valid & is_full),
            self.beats.payload.eq(Cat(*slots, content)),
            row_ready.eq(Mux(is_full, self.beats.ready, 1)),
        ]
        with m.If(row_valid & row_ready):
            m.d.sync += place.eq(Mux(is_full, 0, place + 1))
            for number, kept in enumerate(held):
                with m.If(place == number):
                    m.d.sync += kept.eq(content)


class VectorSource(wiring.Component):
    """Beats of one lane's y, then of the header of the group."""

    start: Signal
    lane: Signal
    is_header: Signal
    y_read: Signal
    y_beat: Signal
    lane_beats: Any
    header: Any
    beats: stream.Interface
    finish: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        lanes = shape.config.lanes
        super().__init__(
            {
                "start": In(1),
                "lane": In(ceil_log2(lanes)),
                "is_header": In(1),
                "y_read": Out(lanes),
                "y_beat": Out(ceil_log2(shape.beats)),
                "lane_beats": In(data.ArrayLayout(shape.config.port_bits, lanes)),
                "header": In(data.ArrayLayout(2 * CELL_BITS, lanes)),
                "beats": Out(stream.Signature(shape.config.port_bits)),
                "finish": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        port_bits = self.shape.config.port_bits
        running, valid, beat = Signal(), Signal(), Signal(COUNT_BITS)
        sent = self.beats.valid & self.beats.ready
        read = wire(m, running & ~self.is_header & (~valid | sent) & ~self.finish, "read")
        header = Cat(self.header)
        parts = -(-len(header) // port_bits)
        part = Signal(ceil_log2(parts))
        shown = header.word_select(part, port_bits) if parts > 1 else header
        m.d.comb += [
            self.y_read.eq(read << self.lane),
            self.y_beat.eq(beat),
            self.beats.valid.eq(running & (self.is_header | valid)),
            self.beats.payload.eq(Mux(self.is_header, shown, Array(self.lane_beats)[self.lane])),
        ]
        with m.If(read):
            m.d.sync += [beat.eq(beat + 1), valid.eq(1)]
        with m.If(sent):
            m.d.sync += part.eq(part + 1)
        with m.If(self.finish):
            m.d.sync += [running.eq(0), valid.eq(0)]
        with m.If(self.start):
            m.d.sync += [running.eq(1), valid.eq(0), beat.eq(0), part.eq(0)]
        return m
