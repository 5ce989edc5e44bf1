"""The memory on chip: what is fetched often, or written to be read again, need not cross the memory port."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Mux
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.formats import ceil_log2
from .axi import ADDRESS_BITS, LENGTH_BITS, LOCAL_BIT, read_layout, request_layout


class LocalWrite(wiring.Signature):
    """A beat written in this cycle; `strobe` has a bit for each byte, the low bits of the address do not count."""

    def __init__(self, port_bits: int) -> None:
        super().__init__(
            {
                "enable": Out(1),
                "address": Out(ADDRESS_BITS),
                "data": Out(port_bits),
                "strobe": Out(port_bits // 8),
            }
        )


class LocalMemory(wiring.Component):
    """`size` bytes, a power of two, one read and one write port as wide as a beat.

    Bursts come back in order, a beat a cycle, without a gap between them; the first beat `latency` cycles after its
    address was taken. `r` must be ready whenever it is valid. A beat read in the cycle after it was written, or later,
    shows it. Addresses from `size` on, LOCAL_BIT left aside, are answered with an error; `outside` is set in a cycle
    in which such a beat is written, which changes nothing.
    """

    latency = 3

    ar: stream.Interface
    r: stream.Interface
    write: Any
    outside: Signal

    def __init__(self, port_bits: int, size: int) -> None:
        self.port_bits, self.size = port_bits, size
        super().__init__(
            {
                "ar": In(stream.Signature(request_layout())),
                "r": Out(stream.Signature(read_layout(port_bits))),
                "write": In(LocalWrite(port_bits)),
                "outside": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        port_bytes = self.port_bits // 8
        beat_shift, size_bits = ceil_log2(port_bytes), ceil_log2(self.size)
        m.submodules.cells = cells = memory.Memory(shape=self.port_bits, depth=self.size // port_bytes, init=[])

        # a burst: its beats are read one after the other, and pass the cells' register and one more
        beat, left, is_bad = Signal(size_bits - beat_shift), Signal(LENGTH_BITS + 1), Signal()
        asked = self.ar.payload
        m.d.comb += self.ar.ready.eq(left <= 1)
        with m.If(self.ar.valid & self.ar.ready):
            m.d.sync += [
                beat.eq(asked.address[beat_shift:size_bits]),
                left.eq(asked.length + 1),
                is_bad.eq(asked.address[size_bits:LOCAL_BIT].any()),
            ]
        with m.Else():
            m.d.sync += [beat.eq(beat + 1), left.eq(Mux(left.any(), left - 1, 0))]
        read = cells.read_port()
        m.d.comb += [read.addr.eq(beat), read.en.eq(left.any())]
        found, found_last, found_bad = Signal(), Signal(), Signal()
        out = self.r.payload
        m.d.sync += [
            found.eq(left.any()),
            found_last.eq(left == 1),
            found_bad.eq(is_bad),
            self.r.valid.eq(found),
            out.data.eq(read.data),
            out.last.eq(found_last),
            out.error.eq(found_bad),
        ]

        write = cells.write_port(granularity=8)
        is_outside = self.write.address[size_bits:LOCAL_BIT].any()
        m.d.comb += [
            self.outside.eq(self.write.enable & is_outside),
            write.addr.eq(self.write.address[beat_shift:size_bits]),
            write.data.eq(self.write.data),
            write.en.eq(Mux(self.write.enable & ~is_outside, self.write.strobe, 0)),
        ]
        return m
