"""A buffered reader of consecutive 64-byte blocks."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat, Const, Mux
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ...model.formats import ceil_log2
from ..shape import COUNT_BITS
from .axi import ADDRESS_BITS, BURST_BYTES, address_layout

BLOCK_BYTES = 64
"""Everything is fetched in whole aligned blocks: a sparse block, or the rows of a vector."""
BLOCK_SHIFT = ceil_log2(BLOCK_BYTES)
BURST_BLOCKS = BURST_BYTES // BLOCK_BYTES


def range_layout() -> data.StructLayout:
    """Consecutive blocks: address of the first (its low 6 bits do not count), and how many."""
    return data.StructLayout({"address": ADDRESS_BITS, "blocks": COUNT_BITS})


class Fetcher(wiring.Component):
    """Turns ranges into bursts, and returns their beats in order.

    A burst is requested only when the buffer has room for all of it, so the returned beats are always taken at once:
    no requester can block the port for another. Back to back ranges leave no gap. `buffer_bytes` over the port's
    width is the latency in cycles that a fully used port can hide.
    """

    ranges: stream.Interface
    request: stream.Interface
    returned: stream.Interface
    beats: stream.Interface

    def __init__(self, port_bits: int, buffer_bytes: int) -> None:
        self.port_bits = port_bits
        self.beats_per_block = BLOCK_BYTES * 8 // port_bits
        self.depth = max(buffer_bytes // (port_bits // 8), 2 * BURST_BLOCKS * self.beats_per_block)
        super().__init__(
            {
                "ranges": In(stream.Signature(range_layout())),
                "request": Out(stream.Signature(address_layout())),
                "returned": In(stream.Signature(port_bits)),
                "beats": Out(stream.Signature(port_bits)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.buffer = buffer = SyncFIFOBuffered(width=self.port_bits, depth=self.depth)
        m.d.comb += [
            buffer.w_data.eq(self.returned.payload),
            buffer.w_en.eq(self.returned.valid),
            self.returned.ready.eq(1),
            self.beats.payload.eq(buffer.r_data),
            self.beats.valid.eq(buffer.r_rdy),
            buffer.r_en.eq(self.beats.ready),
        ]
        address = Signal(ADDRESS_BITS)
        blocks = Signal(COUNT_BITS)
        room = Signal(range(self.depth + 1), init=self.depth)
        burst = Signal(range(BURST_BLOCKS + 1))
        to_boundary = BURST_BLOCKS - address[6:8]
        beats = Signal(range(BURST_BLOCKS * self.beats_per_block + 1))
        m.d.comb += [
            burst.eq(Mux(blocks < to_boundary, blocks, to_boundary)),
            beats.eq(burst * self.beats_per_block),
            self.request.payload.address.eq(address),
            self.request.payload.length.eq(beats - 1),
            self.request.valid.eq(blocks.any() & (room >= beats)),
            self.ranges.ready.eq(~blocks.any() | (self.request.valid & self.request.ready & (blocks == burst))),
        ]
        taken = self.request.valid & self.request.ready
        read = self.beats.valid & self.beats.ready
        m.d.sync += room.eq(room + read - Mux(taken, beats, 0))
        with m.If(self.ranges.ready & self.ranges.valid):
            aligned = Cat(Const(0, BLOCK_SHIFT), self.ranges.payload.address[BLOCK_SHIFT:])
            m.d.sync += [address.eq(aligned), blocks.eq(self.ranges.payload.blocks)]
        with m.Elif(taken):
            m.d.sync += [address.eq(address + (burst << 6)), blocks.eq(blocks - burst)]
        return m
