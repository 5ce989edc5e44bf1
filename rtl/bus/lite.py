"""The control port: an AXI4-Lite subordinate in front of registers."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat, Mux
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

CONTROL_ADDRESS_BITS = 12
"""The registers take one page of 4 KiB."""
CONTROL_BITS = 32


class Response(enum.Enum, shape=2):
    """How an access ended (AMBA AXI4, A3.4.4)."""

    OKAY = 0
    SLVERR = 2


class AxiLitePort(wiring.Signature):
    """The signals of AXI4-Lite seen from the manager, under their names in the specification.

    AWPROT and ARPROT are left out: registers make no difference between accesses.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "awaddr": Out(CONTROL_ADDRESS_BITS),
                "awvalid": Out(1),
                "awready": In(1),
                "wdata": Out(CONTROL_BITS),
                "wstrb": Out(CONTROL_BITS // 8),
                "wvalid": Out(1),
                "wready": In(1),
                "bresp": In(Response),
                "bvalid": In(1),
                "bready": Out(1),
                "araddr": Out(CONTROL_ADDRESS_BITS),
                "arvalid": Out(1),
                "arready": In(1),
                "rdata": In(CONTROL_BITS),
                "rresp": In(Response),
                "rvalid": In(1),
                "rready": Out(1),
            }
        )


class RegisterPort(wiring.Signature):
    """At most one write and one read a cycle; registers answer both in the same cycle."""

    def __init__(self) -> None:
        super().__init__(
            {
                "write": Out(1),
                "write_address": Out(CONTROL_ADDRESS_BITS),
                "write_data": Out(CONTROL_BITS),
                "write_strobe": Out(CONTROL_BITS // 8),
                "write_error": In(1),
                "read_address": Out(CONTROL_ADDRESS_BITS),
                "read_data": In(CONTROL_BITS),
                "read_error": In(1),
            }
        )


class AxiLiteSubordinate(wiring.Component):
    """Takes AW and W in either order or at once, and AR beside them; answers one cycle after it has what it needs.

    A write and a read every cycle while answers are taken. An answer that is not taken holds back the next access of
    its kind, and no other: one more of each channel waits inside. `ready` depends on registers alone, so no path
    leads from an input to an output. A register that refuses answers SLVERR.
    """

    latency = 1
    """Cycles from the transfer that completes a request to its answer."""

    bus: Any
    registers: Any

    def __init__(self) -> None:
        super().__init__({"bus": In(AxiLitePort()), "registers": Out(RegisterPort())})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bus, registers = self.bus, self.registers
        write, read = Signal(), Signal()
        has_address, address = _kept(m, "aw", bus.awvalid, bus.awready, bus.awaddr, write)
        has_data, data = _kept(m, "w", bus.wvalid, bus.wready, Cat(bus.wdata, bus.wstrb), write)
        has_read, read_address = _kept(m, "ar", bus.arvalid, bus.arready, bus.araddr, read)
        m.d.comb += [
            write.eq(has_address & has_data & (~bus.bvalid | bus.bready)),
            read.eq(has_read & (~bus.rvalid | bus.rready)),
            registers.write.eq(write),
            registers.write_address.eq(address),
            registers.write_data.eq(data[:CONTROL_BITS]),
            registers.write_strobe.eq(data[CONTROL_BITS:]),
            registers.read_address.eq(read_address),
        ]
        with m.If(write):
            m.d.sync += [bus.bvalid.eq(1), bus.bresp.eq(_response(registers.write_error))]
        with m.Elif(bus.bready):
            m.d.sync += bus.bvalid.eq(0)
        with m.If(read):
            m.d.sync += [
                bus.rvalid.eq(1),
                bus.rdata.eq(registers.read_data),
                bus.rresp.eq(_response(registers.read_error)),
            ]
        with m.Elif(bus.rready):
            m.d.sync += bus.rvalid.eq(0)
        return m


def _response(refused: Any) -> Any:
    return Mux(refused, Response.SLVERR.value, Response.OKAY.value)


def _kept(m: Module, name: str, valid: Any, ready: Any, payload: Any, used: Any) -> tuple[Any, Any]:
    """Return whether the channel has something, arriving now or kept, and what; it stays until `used`."""
    full, kept = Signal(name=f"{name}_full"), Signal(len(payload), name=f"{name}_kept")
    has = Signal(name=f"{name}_has")
    m.d.comb += [ready.eq(~full), has.eq(full | valid)]
    m.d.sync += full.eq(has & ~used)
    with m.If(~full):
        m.d.sync += kept.eq(payload)
    return has, Mux(full, kept, payload)
