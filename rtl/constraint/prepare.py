"""The element sums at the start of an edge weight: zeros, or the row sums R_i."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Mux
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.formats import ceil_log2
from ..bus.axi import ADDRESS_BITS
from ..bus.fetch import range_layout
from ..bus.width import BLOCK_BITS
from ..pipeline import wire
from ..shape import COUNT_BITS, Shape
from .layouts import LEVEL_SUM_BITS

ROW_SUM_BITS = 32
"""Bits of a row sum in memory."""
ROW_SUMS_PER_BLOCK = BLOCK_BITS // ROW_SUM_BITS


class Prepare(wiring.Component):
    """From `begin`, writes the level sums of all elements, W a cycle: 0, or R_i as read from `address` (`others`).

    Takes ceil(H / W) cycles, for R_i one more and what their first block takes to arrive.
    """

    begin: Signal
    others: Signal
    address: Signal
    inputs: Signal
    ranges: stream.Interface
    blocks: stream.Interface
    write: Signal
    word: Signal
    sums: Any
    done: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__(
            {
                "begin": In(1),
                "others": In(1),
                "address": In(ADDRESS_BITS),
                "inputs": In(COUNT_BITS),
                "ranges": Out(stream.Signature(range_layout())),
                "blocks": In(stream.Signature(BLOCK_BITS)),
                "write": Out(1),
                "word": Out(shape.word_bits),
                "sums": Out(data.ArrayLayout(LEVEL_SUM_BITS, shape.config.elements_per_cycle)),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        elements = self.shape.config.elements_per_cycle
        places = ROW_SUMS_PER_BLOCK // elements
        word = Signal(self.shape.word_bits + 1)
        words = wire(m, (self.inputs + (elements - 1)) >> ceil_log2(elements), "words")
        is_last = wire(m, word + 1 == words, "is_last")
        place = wire(m, word[: ceil_log2(places)], "place")
        parts = Array(self.blocks.payload.word_select(part, elements * ROW_SUM_BITS) for part in range(places))
        shown = wire(m, parts[place], "shown")
        m.d.comb += [
            self.word.eq(word),
            self.ranges.payload.address.eq(self.address),
            self.ranges.payload.blocks.eq((self.inputs + (ROW_SUMS_PER_BLOCK - 1)) >> ceil_log2(ROW_SUMS_PER_BLOCK)),
        ]
        for slot in range(elements):
            level_sum = shown.word_select(slot, ROW_SUM_BITS)[:LEVEL_SUM_BITS]
            m.d.comb += self.sums[slot].eq(Mux(self.others, level_sum, 0))
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.done.eq(1)
                with m.If(self.begin):
                    m.d.sync += word.eq(0)
                    m.next = "write"
                    with m.If(self.others):
                        m.next = "ask"
            with m.State("ask"):
                m.d.comb += self.ranges.valid.eq(1)
                with m.If(self.ranges.ready):
                    m.next = "write"
            with m.State("write"):
                m.d.comb += [
                    self.write.eq(~self.others | self.blocks.valid),
                    self.blocks.ready.eq(self.write & self.others & (is_last | (place == places - 1))),
                ]
                with m.If(self.write):
                    m.d.sync += word.eq(word + 1)
                    with m.If(is_last):
                        m.next = "idle"
        return m
