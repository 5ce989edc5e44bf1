"""Loading the emission levels of a group: each lane's own token, one column a lane."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Mux, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import CODEBOOK_BITS, ceil_log2
from . import lane_ports as ports
from .bus.axi import ADDRESS_BITS
from .bus.fetch import range_layout
from .bus.width import BLOCK_BITS
from .decoder.stream import EntryDecoder
from .pipeline import wire
from .shape import CODEBOOK_SLOTS, COUNT_BITS, Shape


def column_layout() -> data.StructLayout:
    """Where a token's column is, as a vector record says it."""
    return data.StructLayout({"address": ADDRESS_BITS, "blocks": 24, "first": 5, "count": 32})


class EmissionLoad(wiring.Component):
    """Writes the level of each entry of each lane's column into that lane's emission memory.

    Lane after lane, one entry a cycle; an empty column costs one cycle, any other at most three beside its entries.
    Columns are asked for ahead of their decoding. `wrong` is set in a cycle that shows a malformed column: one with
    more entries than inputs is not read, an index beyond the inputs not written.
    """

    start: Signal
    active: Signal
    columns: Any
    inputs: Signal
    is_dense: Signal
    width: Signal
    bits: Signal
    codebook: Signal
    ranges: stream.Interface
    blocks: stream.Interface
    lookup: Any
    lookup_enable: Signal
    level: Signal
    emission_write: Signal
    emission: Any
    done: Signal
    wrong: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        lanes = shape.config.lanes
        slot_bits = ceil_log2(CODEBOOK_SLOTS)
        super().__init__(
            {
                "start": In(1),
                "active": In(range(lanes + 1)),
                "columns": In(data.ArrayLayout(column_layout(), lanes)),
                "inputs": In(COUNT_BITS),
                "is_dense": In(1),
                "width": In(2),
                "bits": In(4),
                "codebook": In(slot_bits),
                "ranges": Out(stream.Signature(range_layout())),
                "blocks": In(stream.Signature(BLOCK_BITS)),
                "lookup": Out(data.StructLayout({"index": shape.config.greatest_index_bits, "slot": slot_bits})),
                "lookup_enable": Out(1),
                "level": In(CODEBOOK_BITS),
                "emission_write": Out(lanes),
                "emission": Out(ports.emission_layout(shape)),
                "done": Out(1),
                "wrong": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._ask(m)
        self._decode(m)
        return m

    def _ask(self, m: Module) -> None:
        lane, asking = Signal(ceil_log2(self.shape.config.lanes)), Signal()
        column = Array(self.columns)[lane]
        m.d.comb += [
            self.ranges.valid.eq(asking),
            self.ranges.payload.address.eq(column.address),
            self.ranges.payload.blocks.eq(Mux(self._is_read(column), column.blocks, 0)),
        ]
        with m.If(self.start):
            m.d.sync += [asking.eq(1), lane.eq(0)]
        with m.Elif(asking & self.ranges.ready):
            m.d.sync += [lane.eq(lane + 1), asking.eq(lane != self.active - 1)]

    def _is_read(self, column: Any) -> Value:
        # blocks hold 20 entries or more, the first may begin late: what asks for far more would be read for very long
        is_plausible = column.blocks <= (column.count >> 4) + 3
        return column.count.any() & (column.count <= self.inputs) & is_plausible

    def _decode(self, m: Module) -> None:
        m.submodules.decoder = decoder = EntryDecoder(self.shape, slots=1)
        lane = Signal(ceil_log2(self.shape.config.lanes))
        column = Array(self.columns)[lane]
        entry = decoder.entries.payload.slots[0]
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
            self.lookup.index.eq(entry.level),
            self.lookup.slot.eq(self.codebook),
            self.lookup_enable.eq(decoder.entries.valid),
        ]
        is_last_lane = wire(m, lane == self.active - 1, "is_last_lane")
        is_read = wire(m, self._is_read(column), "is_read")
        working, is_excessive = Signal(), Signal()
        with m.FSM():
            with m.State("idle"):
                with m.If(self.start):
                    m.d.sync += [lane.eq(0), working.eq(1)]
                    m.next = "command"
                with m.Else():
                    m.d.sync += working.eq(0)
            with m.State("command"):
                m.d.comb += decoder.command.valid.eq(is_read)
                m.d.comb += is_excessive.eq(column.count.any() & ~is_read)
                with m.If(is_read):
                    with m.If(decoder.command.ready):
                        m.next = "entries"
                with m.Elif(is_last_lane):
                    m.next = "idle"
                with m.Else():
                    m.d.sync += lane.eq(lane + 1)
            with m.State("entries"):
                with m.If(decoder.entries.valid & decoder.entries.payload.final):
                    m.d.sync += lane.eq(lane + 1)
                    m.next = "command"
                    with m.If(is_last_lane):
                        m.next = "idle"
        is_valid = wire(m, decoder.entries.valid & entry.valid, "is_valid")
        is_inside = wire(m, entry.index < self.inputs, "is_inside")
        m.d.comb += self.wrong.eq(decoder.wrong | is_excessive | (is_valid & ~is_inside))
        self._write(m, is_valid & is_inside, entry, lane)
        m.d.comb += self.done.eq(~working)

    def _write(self, m: Module, valid: Any, entry: Any, lane: Signal) -> None:
        """One cycle after the lookup. Index 0 is an absent level, whatever the codebook says of it."""
        shape = self.shape
        written, is_present, owner = Signal(), Signal(), Signal.like(lane, name="owner")
        index = Signal(shape.index_bits)
        m.d.sync += [written.eq(valid), is_present.eq(entry.level.any()), owner.eq(lane), index.eq(entry.index)]
        m.d.comb += [
            self.emission_write.eq(written << owner),
            self.emission.word.eq(index[shape.slot_bits :]),
            self.emission.slot.eq(index[: shape.slot_bits]),
            self.emission.level.eq(Mux(is_present, self.level, 0)),
        ]
