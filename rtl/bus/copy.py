"""Blocks from one place to another, at the pace of the slower side."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .axi import ADDRESS_BITS
from .fetch import BLOCK_SHIFT, range_layout
from .write import write_command_layout

BLOCK_COUNT_BITS = 26
"""More blocks than that would not fit the writer's count of bytes."""


class Copier(wiring.Component):
    """Moves `blocks` blocks from `source` to `destination` while `active`; `done` says that the last was answered.

    Nothing is said of blocks that are written before they are read.
    """

    active: Signal
    source: Signal
    destination: Signal
    blocks: Signal
    answered: Signal
    done: Signal
    ranges: stream.Interface
    command: stream.Interface

    def __init__(self) -> None:
        super().__init__(
            {
                "active": In(1),
                "source": In(ADDRESS_BITS),
                "destination": In(ADDRESS_BITS),
                "blocks": In(BLOCK_COUNT_BITS),
                "answered": In(1),
                "done": Out(1),
                "ranges": Out(stream.Signature(range_layout())),
                "command": Out(stream.Signature(write_command_layout())),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        asked, commanded = Signal(), Signal()
        m.d.comb += [
            self.ranges.valid.eq(self.active & ~asked),
            self.ranges.payload.address.eq(self.source),
            self.ranges.payload.blocks.eq(self.blocks),
            self.command.valid.eq(self.active & ~commanded),
            self.command.payload.address.eq(self.destination),
            self.command.payload.bytes.eq(self.blocks << BLOCK_SHIFT),
            self.done.eq(asked & commanded & self.answered),
        ]
        m.d.sync += [
            asked.eq(self.active & (asked | self.ranges.ready)),
            commanded.eq(self.active & (commanded | self.command.ready)),
        ]
        return m
