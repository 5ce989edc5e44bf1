"""A memory whose write and read words differ in width."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import ceil_log2


class WidthBuffer(wiring.Component):
    """`bits` bits, written in words of `write_bits`, read in words of `read_bits` one cycle after the address.

    Both widths are powers of two times one another; little-endian: the low write word is the low read word.
    """

    latency = 1

    write: Signal
    write_address: Signal
    write_data: Signal
    read: Signal
    read_address: Signal
    read_data: Signal

    def __init__(self, bits: int, write_bits: int, read_bits: int) -> None:
        self.row_bits = max(write_bits, read_bits)
        self.rows = -(-bits // self.row_bits)
        self.write_bits, self.read_bits = write_bits, read_bits
        super().__init__(
            {
                "write": In(1),
                "write_address": In(ceil_log2(self.rows * self.row_bits // write_bits)),
                "write_data": In(write_bits),
                "read": In(1),
                "read_address": In(ceil_log2(self.rows * self.row_bits // read_bits)),
                "read_data": Out(read_bits),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.cells = cells = memory.Memory(shape=self.row_bits, depth=self.rows, init=[])
        write = cells.write_port(granularity=self.write_bits)
        read = cells.read_port()
        write_parts = ceil_log2(self.row_bits // self.write_bits)
        read_parts = ceil_log2(self.row_bits // self.read_bits)
        m.d.comb += [
            write.addr.eq(self.write_address[write_parts:]),
            write.data.eq(self.write_data.replicate(1 << write_parts)),
            write.en.eq(self.write << self.write_address[:write_parts]),
            read.addr.eq(self.read_address[read_parts:]),
            read.en.eq(self.read),
        ]
        part = Signal(read_parts)
        with m.If(self.read):
            m.d.sync += part.eq(self.read_address[:read_parts])
        m.d.comb += self.read_data.eq(read.data.word_select(part, self.read_bits) if read_parts else read.data)
        return m
