"""The weight stream: fetched once for every group, decoded to S entries a cycle."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .bus.axi import ADDRESS_BITS
from .bus.fetch import range_layout
from .bus.width import BLOCK_BITS
from .decoder.entry import entries_layout
from .decoder.stream import EntryDecoder
from .shape import COUNT_BITS, Shape


class StreamSettings(wiring.Signature):
    """What the stream needs of the descriptor."""

    def __init__(self) -> None:
        super().__init__(
            {
                "is_dense": Out(1),
                "width": Out(2),
                "bits": Out(4),
                "groups": Out(COUNT_BITS),
                "address": Out(ADDRESS_BITS),
                "blocks": Out(COUNT_BITS),
                "entries": Out(COUNT_BITS),
                "inputs": Out(COUNT_BITS),
                "outputs": Out(COUNT_BITS),
            }
        )


class WeightStream(wiring.Component):
    """Asks for the same blocks once a group and decodes them back to back: the next pass is fetched ahead.

    `wrong` is set in a cycle that shows that the blocks are not those of the entries.
    """

    settings: Any
    start: Signal
    ranges: stream.Interface
    blocks: stream.Interface
    entries: stream.Interface
    wrong: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        slots = shape.config.entries_per_cycle
        super().__init__(
            {
                "settings": In(StreamSettings()),
                "start": In(1),
                "ranges": Out(stream.Signature(range_layout())),
                "blocks": In(stream.Signature(BLOCK_BITS)),
                "entries": Out(stream.Signature(entries_layout(shape, slots))),
                "wrong": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        settings = self.settings
        m.submodules.decoder = decoder = EntryDecoder(self.shape, self.shape.config.entries_per_cycle)
        to_ask, to_decode = Signal(COUNT_BITS), Signal(COUNT_BITS)
        command = decoder.command.payload
        m.d.comb += [
            self.ranges.valid.eq(to_ask.any()),
            self.ranges.payload.address.eq(settings.address),
            self.ranges.payload.blocks.eq(settings.blocks),
            decoder.is_dense.eq(settings.is_dense),
            decoder.width.eq(settings.width),
            decoder.bits.eq(settings.bits),
            decoder.command.valid.eq(to_decode.any()),
            command.blocks.eq(settings.blocks),
            command.entries.eq(settings.entries),
            command.inputs.eq(settings.inputs),
            command.outputs.eq(settings.outputs),
            command.first.eq(0),
            decoder.blocks.payload.eq(self.blocks.payload),
            decoder.blocks.valid.eq(self.blocks.valid),
            self.blocks.ready.eq(decoder.blocks.ready),
            self.wrong.eq(decoder.wrong),
            self.entries.payload.eq(decoder.entries.payload),
            self.entries.valid.eq(decoder.entries.valid),
            decoder.entries.ready.eq(self.entries.ready),
        ]
        with m.If(self.start):
            m.d.sync += [to_ask.eq(settings.groups), to_decode.eq(settings.groups)]
        with m.Else():
            m.d.sync += to_ask.eq(to_ask - (self.ranges.valid & self.ranges.ready))
            m.d.sync += to_decode.eq(to_decode - (decoder.command.valid & decoder.command.ready))
        return m
