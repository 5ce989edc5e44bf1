"""Adding the columns of listed tokens: asked for ahead, one entry a cycle."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Mux, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ...model.formats import CODEBOOK_BITS, ceil_log2
from ..bus.fetch import range_layout
from ..bus.width import BLOCK_BITS, WORD_BITS
from ..decoder.sparse import FIRST_BITS
from ..decoder.stream import EntryDecoder
from ..operation import column_record_layout
from ..pipeline import wire
from ..shape import CODEBOOK_SLOTS, COUNT_BITS, Shape
from .layouts import LEVEL_SUM_BITS

COLUMN_QUEUE = 8
"""Columns that are asked for and not yet decoded, at most."""


def queued_column_layout() -> data.StructLayout:
    """What the decoder is told of a column; `count` 0: nothing was asked for."""
    return data.StructLayout({"blocks": 24, "first": FIRST_BITS, "count": COUNT_BITS})


class ColumnSum(wiring.Component):
    """From `begin`, adds the levels of `count` columns to the element sums, or subtracts them (`others`).

    One entry a cycle and at most three cycles beside for each column, once its blocks are there. `wrong` is set in a
    cycle that shows a malformed column: one with more entries than inputs, or more blocks than entries, is not read,
    an index beyond the inputs not added. A list that is `spent` ends the columns.
    """

    begin: Signal
    count: Signal
    others: Signal
    may_decode: Signal
    inputs: Signal
    is_dense: Signal
    width: Signal
    bits: Signal
    codebook: Signal
    words: stream.Interface
    spent: Signal
    ranges: stream.Interface
    blocks: stream.Interface
    lookup: Any
    lookup_enable: Signal
    level: Signal
    read: Signal
    read_index: Signal
    old: Signal
    write: Signal
    write_index: Signal
    new: Signal
    done: Signal
    wrong: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        slot_bits = ceil_log2(CODEBOOK_SLOTS)
        super().__init__(
            {
                "begin": In(1),
                "count": In(COUNT_BITS),
                "others": In(1),
                "may_decode": In(1),
                "inputs": In(COUNT_BITS),
                "is_dense": In(1),
                "width": In(2),
                "bits": In(4),
                "codebook": In(slot_bits),
                "words": In(stream.Signature(WORD_BITS)),
                "spent": In(1),
                "ranges": Out(stream.Signature(range_layout())),
                "blocks": In(stream.Signature(BLOCK_BITS)),
                "lookup": Out(data.StructLayout({"index": shape.config.greatest_index_bits, "slot": slot_bits})),
                "lookup_enable": Out(1),
                "level": In(CODEBOOK_BITS),
                "read": Out(1),
                "read_index": Out(shape.index_bits),
                "old": In(LEVEL_SUM_BITS),
                "write": Out(1),
                "write_index": Out(shape.index_bits),
                "new": Out(LEVEL_SUM_BITS),
                "done": Out(1),
                "wrong": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.queue = queue = SyncFIFOBuffered(width=queued_column_layout().size, depth=COLUMN_QUEUE)
        faults = [Signal(name=name) for name in ("list_ends", "is_excessive", "is_outside")]
        ended = Signal()
        parsing = self._ask(m, queue, faults)
        decoder = self._decode(m, queue, ended)
        # blocks beyond a column's entries are dropped before anyone else reads
        open_columns = Signal(range(COLUMN_QUEUE + 2))
        m.d.sync += open_columns.eq(open_columns + queue.w_en - ended)
        m.d.comb += self.done.eq(~parsing & ~open_columns.any() & decoder.command.ready)
        self._add(m, decoder, faults)
        m.d.comb += self.wrong.eq(decoder.wrong | faults[0] | faults[1] | faults[2])
        return m

    def _ask(self, m: Module, queue: SyncFIFOBuffered, faults: list[Signal]) -> Signal:
        """Two words of a record, then its range; return whether records are left."""
        left, first_word = Signal(COUNT_BITS), Signal(WORD_BITS)
        record = Signal(column_record_layout())
        parsing = Signal()
        is_read = wire(m, (record.count <= self.inputs) & (record.emission_blocks <= record.count), "is_read")
        queued = queued_column_layout()(queue.w_data)
        m.d.comb += [
            self.ranges.payload.address.eq(record.emission),
            self.ranges.payload.blocks.eq(Mux(is_read, record.emission_blocks, 0)),
            queued.blocks.eq(record.emission_blocks),
            queued.first.eq(record.first),
            queued.count.eq(Mux(is_read, record.count, 0)),
        ]
        with m.FSM(name="ask"):
            with m.State("idle"):
                with m.If(self.begin):
                    m.d.sync += left.eq(self.count)
                    m.next = "low"
            with m.State("low"):
                m.d.comb += parsing.eq(1)
                with m.If(left == 0):
                    m.next = "idle"
                with m.Else():
                    m.d.comb += self.words.ready.eq(1)
                    with m.If(self.words.valid):
                        m.d.sync += first_word.eq(self.words.payload)
                        m.next = "high"
                    self._end(m, faults[0])
            with m.State("high"):
                m.d.comb += [parsing.eq(1), self.words.ready.eq(1)]
                with m.If(self.words.valid):
                    m.d.sync += record.as_value().eq(first_word | (self.words.payload << WORD_BITS))
                    m.next = "ask"
                self._end(m, faults[0])
            with m.State("ask"):
                m.d.comb += [
                    parsing.eq(1),
                    self.ranges.valid.eq(queue.w_rdy),
                    queue.w_en.eq(self.ranges.ready & queue.w_rdy),
                ]
                with m.If(queue.w_en):
                    m.d.comb += faults[1].eq(~is_read)
                    m.d.sync += left.eq(left - 1)
                    m.next = "low"
        return parsing

    def _end(self, m: Module, fault: Signal) -> None:
        with m.If(self.spent):
            m.d.comb += fault.eq(1)
            m.next = "idle"

    def _decode(self, m: Module, queue: SyncFIFOBuffered, ended: Signal) -> EntryDecoder:
        m.submodules.decoder = decoder = EntryDecoder(self.shape, slots=1)
        column = queued_column_layout()(queue.r_data)
        command = decoder.command.payload
        m.d.comb += [
            decoder.is_dense.eq(self.is_dense),
            decoder.width.eq(self.width),
            decoder.bits.eq(self.bits),
            decoder.blocks.payload.eq(self.blocks.payload),
            decoder.blocks.valid.eq(self.blocks.valid),
            self.blocks.ready.eq(decoder.blocks.ready),
            command.blocks.eq(column.blocks),
            command.entries.eq(column.count),
            command.inputs.eq(column.count),
            command.outputs.eq(1),
            command.first.eq(column.first),
            decoder.entries.ready.eq(1),
        ]
        is_empty = wire(m, column.count == 0, "is_empty")
        with m.FSM(name="decode"):
            with m.State("command"):
                with m.If(queue.r_rdy & self.may_decode):
                    with m.If(is_empty):
                        m.d.comb += [queue.r_en.eq(1), ended.eq(1)]
                    with m.Else():
                        m.d.comb += decoder.command.valid.eq(1)
                        with m.If(decoder.command.ready):
                            m.d.comb += queue.r_en.eq(1)
                            m.next = "entries"
            with m.State("entries"):
                with m.If(decoder.entries.valid & decoder.entries.payload.final):
                    m.d.comb += ended.eq(1)
                    m.next = "command"
        return decoder

    def _add(self, m: Module, decoder: EntryDecoder, faults: list[Signal]) -> None:
        """Level and sum are read in one cycle, the new sum is written in the next.

        A column names an element once, and the next column's entries come two cycles later at the earliest.
        """
        entry = decoder.entries.payload.slots[0]
        is_valid = wire(m, decoder.entries.valid & entry.valid, "is_valid")
        is_inside = wire(m, entry.index < self.inputs, "is_inside")
        written, is_present, index = Signal(), Signal(), Signal(self.shape.index_bits)
        m.d.sync += [written.eq(is_valid & is_inside), is_present.eq(entry.level.any()), index.eq(entry.index)]
        level: Value = Mux(is_present, self.level, 0)
        m.d.comb += [
            faults[2].eq(is_valid & ~is_inside),
            self.lookup.index.eq(entry.level),
            self.lookup.slot.eq(self.codebook),
            self.lookup_enable.eq(decoder.entries.valid),
            self.read.eq(is_valid),
            self.read_index.eq(entry.index),
            self.write.eq(written),
            self.write_index.eq(index),
            self.new.eq(Mux(self.others, self.old - level, self.old + level)),
        ]
