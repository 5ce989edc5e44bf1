"""Keeps the readers of a list to the words that were fetched for it."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..bus.width import WORD_BITS, WORDS_PER_BLOCK
from ..pipeline import wire
from ..shape import COUNT_BITS


class ListWords(wiring.Component):
    """Passes the words of `blocks` blocks on from `start`; while `drop`, throws away what is left of them.

    `spent` when none is left: whoever still wants one has read a malformed list, and so has who leaves a whole block
    (`excess`). All paths are combinational.
    """

    start: Signal
    blocks: Signal
    source: stream.Interface
    words: stream.Interface
    drop: Signal
    spent: Signal
    excess: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "blocks": In(COUNT_BITS),
                "source": In(stream.Signature(WORD_BITS)),
                "words": Out(stream.Signature(WORD_BITS)),
                "drop": In(1),
                "spent": Out(1),
                "excess": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        left = Signal(COUNT_BITS + WORDS_PER_BLOCK.bit_length())
        m.d.comb += [
            self.spent.eq(left == 0),
            self.excess.eq(left >= WORDS_PER_BLOCK),
            self.words.payload.eq(self.source.payload),
            self.words.valid.eq(self.source.valid & ~self.spent & ~self.drop),
            self.source.ready.eq(~self.spent & (self.words.ready | self.drop)),
        ]
        taken = wire(m, self.source.valid & self.source.ready, "taken")
        m.d.sync += left.eq(left - taken)
        with m.If(self.start):
            m.d.sync += left.eq(self.blocks * WORDS_PER_BLOCK)
        return m
