"""Sparse blocks to entries."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Cat, Const, Mux, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.formats import ceil_log2
from ...model.packing.matrix import ENTRIES_PER_BLOCK, ENTRY_WIDTHS
from ..bus.width import BLOCK_BITS
from ..pipeline import wire
from ..shape import COUNT_BITS, Shape
from .entry import entries_layout

PER_BLOCK = tuple(ENTRIES_PER_BLOCK[width] for width in ENTRY_WIDTHS)
FIRST_BITS = 5


def sparse_command_layout(shape: Shape) -> data.StructLayout:
    """A list or a stream: its entries, where in its first block it begins, and how an entry is cut."""
    return data.StructLayout(
        {"entries": COUNT_BITS, "first": FIRST_BITS, "width": ceil_log2(len(ENTRY_WIDTHS)), "bits": 4}
    )


class SparseDecoder(wiring.Component):
    """`slots` entries a cycle from blocks of 64 bytes, output registered (latency one cycle).

    Entries of one cycle lie in one block, so a block of 20 entries takes ceil(20 / slots) cycles; there is no bubble
    between blocks nor between outputs. A list that begins in the middle of `slots` entries has its first ones alone.
    What follows the last entry in its block is dropped. A command is taken in
    the cycle of the last entries of the one before: back to back streams leave no gap.
    """

    latency = 1

    command: stream.Interface
    blocks: stream.Interface
    entries: stream.Interface

    def __init__(self, shape: Shape, slots: int) -> None:
        self.shape, self.slots = shape, slots
        super().__init__(
            {
                "command": In(stream.Signature(sparse_command_layout(shape))),
                "blocks": In(stream.Signature(BLOCK_BITS)),
                "entries": Out(stream.Signature(entries_layout(shape, slots))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        slots = self.slots
        left = Signal(COUNT_BITS)
        place = Signal(FIRST_BITS)
        width = Signal(len(self.command.payload.width))
        bits = Signal(4)
        per_block = wire(m, Array(PER_BLOCK)[width], "per_block")
        block_left = wire(m, (per_block - place)[:6], "block_left")
        # A column may begin between two windows: then its first entries do not fill the slots.
        offset = wire(m, place[: ceil_log2(slots)], "offset")
        window_left = wire(m, slots - offset, "window_left")
        cut = wire(m, Mux(block_left > window_left, window_left, block_left), "cut")
        ends = wire(m, left <= cut, "ends")
        count = wire(m, Mux(ends, left, cut), "count")
        end = wire(m, offset + count, "end_slot")
        can_emit = ~self.entries.valid | self.entries.ready
        take = wire(m, left.any() & self.blocks.valid & can_emit, "take")

        m.d.comb += [
            self.blocks.ready.eq(take & (ends | (block_left <= cut))),
            self.command.ready.eq(~left.any() | (take & ends)),
        ]
        with m.If(take):
            m.d.sync += [left.eq(left - count), place.eq(Mux(block_left <= cut, 0, place + cut))]
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += [
                left.eq(self.command.payload.entries),
                place.eq(self.command.payload.first),
                width.eq(self.command.payload.width),
                bits.eq(self.command.payload.bits),
            ]
        with m.If(can_emit):
            m.d.sync += self.entries.valid.eq(take)
            for slot, entry in enumerate(self._cut(m, place, width)):
                self._emit(m, slot, entry, width, bits, (offset <= slot) & (end > slot))
            m.d.sync += self.entries.payload.final.eq(ends)
        return m

    def _cut(self, m: Module, place: Value, width: Value) -> list[Value]:
        """The entries at `place` and after it, zero-extended to the widest width."""
        windows: list[Value] = []
        step = ceil_log2(self.slots)
        for bits, per_block in zip(ENTRY_WIDTHS, PER_BLOCK, strict=True):
            padded = -(-per_block // self.slots) * self.slots * bits
            block = Cat(self.blocks.payload[: per_block * bits], Const(0, padded - per_block * bits))
            windows.append(wire(m, block.word_select(place[step:], self.slots * bits), f"window_{bits}"))
        entries: list[Value] = []
        for slot in range(self.slots):
            cuts = Array(window.word_select(slot, bits) for window, bits in zip(windows, ENTRY_WIDTHS, strict=True))
            entries.append(wire(m, cuts[width], f"entry_{slot}"))
        return entries

    def _emit(self, m: Module, slot: int, entry: Value, width: Value, bits: Value, is_valid: Value) -> None:
        target = self.entries.payload.slots[slot]
        config = self.shape.config
        # Without `last`: the index of a narrow entry has fewer bits than that of the capacity.
        body = wire(m, Array(entry[: entry_bits - 1] for entry_bits in ENTRY_WIDTHS)[width], f"body_{slot}")
        widths = range(config.least_index_bits, config.greatest_index_bits + 1)
        with m.Switch(bits):
            for value in widths:
                with m.Case(value):
                    m.d.sync += [target.level.eq(entry[:value]), target.index.eq(body[value:])]
        lasts = Array(entry[entry_bits - 1] for entry_bits in ENTRY_WIDTHS)
        m.d.sync += [target.valid.eq(is_valid), target.last.eq(is_valid & lasts[width])]
