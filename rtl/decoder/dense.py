"""Dense lists of indices to entries."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat, Mux
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..bus.width import WORD_BITS
from ..pipeline import wire
from ..shape import COUNT_BITS, Shape
from .entry import entries_layout


def dense_command_layout(shape: Shape) -> data.StructLayout:
    """Lists of `inputs` indices: how many lists, and how many words of the first block to drop."""
    return data.StructLayout({"inputs": COUNT_BITS, "outputs": COUNT_BITS, "first": 3, "bits": 4})


class DenseDecoder(wiring.Component):
    """`slots` indices a cycle from 64-bit words, output registered (latency one cycle).

    A list begins at a word; indices cross words freely. A list takes ceil(inputs / slots) cycles, and there is no
    bubble between words, lists or commands while words arrive; each word that `first` drops takes one. What follows
    the last list in its block is dropped.
    """

    latency = 1

    command: stream.Interface
    words: stream.Interface
    skip: Signal
    entries: stream.Interface

    def __init__(self, shape: Shape, slots: int) -> None:
        if slots * shape.config.greatest_index_bits > WORD_BITS:
            raise ValueError(
                f"entries_per_cycle * greatest_index_bits must be at most {WORD_BITS}, got "
                f"{slots!r} * {shape.config.greatest_index_bits!r}"
            )
        self.shape, self.slots = shape, slots
        super().__init__(
            {
                "command": In(stream.Signature(dense_command_layout(shape))),
                "words": In(stream.Signature(WORD_BITS)),
                "skip": Out(1),
                "entries": Out(stream.Signature(entries_layout(shape, slots))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        slots = self.slots
        inputs, lists = Signal(COUNT_BITS), Signal(COUNT_BITS)
        left, index = Signal(COUNT_BITS), Signal(self.shape.index_bits)
        drop, bits = Signal(3), Signal(4)
        word, has_word, offset = Signal(WORD_BITS), Signal(), Signal(6)

        ends_list = wire(m, left <= slots, "ends_list")
        ends = wire(m, ends_list & (lists == 1), "ends")
        count = wire(m, Mux(ends_list, left, slots)[: slots.bit_length()], "count")
        after = wire(m, offset + count * bits, "after")
        crosses = wire(m, after > WORD_BITS, "crosses")
        leaves = wire(m, (after >= WORD_BITS) | ends_list, "leaves")
        can_emit = ~self.entries.valid | self.entries.ready
        dropping = wire(m, lists.any() & drop.any(), "dropping")
        # Entries come from the held word, and from the next where they cross; from the next alone where none is held:
        # then they begin with it, and cannot cross.
        needs_next = wire(m, crosses | ~has_word, "needs_next")
        take = wire(m, lists.any() & ~drop.any() & can_emit & (~needs_next | self.words.valid), "take")
        wants = dropping | (take & (needs_next | (leaves & ~ends)))
        # A list that ends in the middle of the next word leaves both behind.
        keeps_next = wire(m, Mux(has_word, ~(ends | (ends_list & crosses)), ~leaves), "keeps_next")
        m.d.comb += [
            self.words.ready.eq(wants),
            self.skip.eq(take & ends),
            self.command.ready.eq(~lists.any() | (take & ends)),
        ]
        with m.If(dropping & self.words.valid):
            m.d.sync += drop.eq(drop - 1)
        with m.If(take & (leaves | ~has_word)):
            m.d.sync += [word.eq(self.words.payload), has_word.eq(self.words.valid & keeps_next)]
        with m.If(take):
            m.d.sync += [
                offset.eq(Mux(ends_list, 0, after)),
                left.eq(Mux(ends_list, inputs, left - slots)),
                index.eq(Mux(ends_list, 0, index + slots)),
                lists.eq(lists - ends_list),
            ]
        with m.If(self.command.valid & self.command.ready):
            command = self.command.payload
            m.d.sync += [
                inputs.eq(command.inputs),
                left.eq(command.inputs),
                lists.eq(command.outputs),
                drop.eq(command.first),
                bits.eq(command.bits),
                index.eq(0),
                offset.eq(0),
                has_word.eq(0),
            ]
        held = wire(m, Mux(has_word, word, self.words.payload), "held")
        window = wire(m, (Cat(held, self.words.payload) >> offset)[: slots * 8], "window")
        with m.If(can_emit):
            m.d.sync += [self.entries.valid.eq(take), self.entries.payload.final.eq(ends)]
            for slot in range(slots):
                target = self.entries.payload.slots[slot]
                m.d.sync += [
                    target.valid.eq(count > slot),
                    target.last.eq(ends_list & (count == slot + 1)),
                    target.index.eq(index + slot),
                ]
                config = self.shape.config
                with m.Switch(bits):
                    for value in range(config.least_index_bits, config.greatest_index_bits + 1):
                        with m.Case(value):
                            m.d.sync += target.level.eq(window[slot * value : (slot + 1) * value])
        return m
