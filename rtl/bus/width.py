"""Beats to blocks of 64 bytes, blocks to 64-bit words."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

BLOCK_BITS = 512
WORD_BITS = 64
WORDS_PER_BLOCK = BLOCK_BITS // WORD_BITS


class BeatsToBlocks(wiring.Component):
    """Assembles whole blocks; a beat as wide as a block passes through in the same cycle.

    Otherwise a block appears one cycle after its last beat, and the next is assembled while it waits.
    """

    beats: stream.Interface
    blocks: stream.Interface

    def __init__(self, port_bits: int) -> None:
        self.port_bits = port_bits
        super().__init__({"beats": In(stream.Signature(port_bits)), "blocks": Out(stream.Signature(BLOCK_BITS))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        parts = BLOCK_BITS // self.port_bits
        if parts == 1:
            m.d.comb += [
                self.blocks.payload.eq(self.beats.payload),
                self.blocks.valid.eq(self.beats.valid),
                self.beats.ready.eq(self.blocks.ready),
            ]
            return m
        count = Signal(range(parts))
        held = Signal(BLOCK_BITS - self.port_bits)
        is_last = count == parts - 1
        can_emit = ~self.blocks.valid | self.blocks.ready
        m.d.comb += self.beats.ready.eq(~is_last | can_emit)
        with m.If(self.blocks.ready):
            m.d.sync += self.blocks.valid.eq(0)
        with m.If(self.beats.valid & self.beats.ready):
            m.d.sync += [count.eq(count + 1), held.eq(Cat(held, self.beats.payload)[self.port_bits :])]
            with m.If(is_last):
                m.d.sync += [
                    self.blocks.payload.eq(Cat(held, self.beats.payload)),
                    self.blocks.valid.eq(1),
                ]
        return m


class BlocksToWords(wiring.Component):
    """One 64-bit word a cycle; `skip` drops what is left of the current block, word included."""

    blocks: stream.Interface
    words: stream.Interface
    skip: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "blocks": In(stream.Signature(BLOCK_BITS)),
                "words": Out(stream.Signature(WORD_BITS)),
                "skip": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        place = Signal(range(WORDS_PER_BLOCK))
        taken = self.words.valid & self.words.ready
        drop = self.skip & (taken | place.any())
        is_last = place == WORDS_PER_BLOCK - 1
        m.d.comb += [
            self.words.payload.eq(self.blocks.payload.word_select(place, WORD_BITS)),
            self.words.valid.eq(self.blocks.valid),
            self.blocks.ready.eq((taken & is_last) | drop),
        ]
        with m.If(drop):
            m.d.sync += place.eq(0)
        with m.Elif(taken):
            m.d.sync += place.eq(place + 1)
        return m
