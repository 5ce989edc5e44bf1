"""Where reads go: to the memory port, or to the memory on chip."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.config import AcceleratorConfig
from .arbiter import ReadArbiter
from .axi import LENGTH_BITS, LOCAL_BIT, address_layout, read_layout, request_layout
from .local import LocalMemory, LocalWrite

PORT, LOCAL = range(2)
"""The sides: address bit LOCAL_BIT says which one is asked."""
LOCAL_OUTSTANDING = 16
"""Bursts under way in the local memory: more than its latency takes of bursts of one beat."""


class ReadRoute(wiring.Component):
    """Leads the bursts of one reader to two sides and brings the beats of both back in the order asked for.

    A burst for the other side waits until every beat asked for on this side has come back. No cycle is added.
    """

    request: stream.Interface
    returned: stream.Interface
    requests: Any
    answers: Any

    def __init__(self, port_bits: int) -> None:
        self.port_bits = port_bits
        super().__init__(
            {
                "request": In(stream.Signature(address_layout())),
                "returned": Out(stream.Signature(port_bits)),
                "requests": Out(stream.Signature(address_layout())).array(2),
                "answers": In(stream.Signature(port_bits)).array(2),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        under_way, side = Signal(LENGTH_BITS + 16), Signal()
        wanted = self.request.payload.address[LOCAL_BIT]
        may_ask = ~under_way.any() | (side == wanted)
        for number in (PORT, LOCAL):
            m.d.comb += [
                self.requests[number].payload.eq(self.request.payload),
                self.requests[number].valid.eq(self.request.valid & may_ask & (wanted == number)),
                self.answers[number].ready.eq(self.returned.ready),
            ]
        m.d.comb += [
            self.request.ready.eq(may_ask & Mux(wanted, self.requests[LOCAL].ready, self.requests[PORT].ready)),
            self.returned.valid.eq(self.answers[PORT].valid | self.answers[LOCAL].valid),
            self.returned.payload.eq(Mux(side, self.answers[LOCAL].payload, self.answers[PORT].payload)),
        ]
        taken = self.request.valid & self.request.ready
        asked = Mux(taken, self.request.payload.length + 1, 0)
        m.d.sync += under_way.eq(under_way + asked - (self.returned.valid & self.returned.ready))
        with m.If(taken):
            m.d.sync += side.eq(wanted)
        return m


class ReadSides(wiring.Component):
    """Readers on a memory port and, where one is configured, on a memory on chip, whose beats `local_write` writes.

    Both sides answer in the same cycle, each in rotation among those that ask it. `from_local` marks the readers whose
    returned beat came from the local memory. `error` stays set once a beat of either side came back with an error, or
    a write fell outside the local memory.
    """

    requests: Any
    returned: Any
    from_local: Signal
    ar: stream.Interface
    r: stream.Interface
    local_write: Any
    clear_error: Signal
    error: Signal

    def __init__(self, requesters: int, config: AcceleratorConfig) -> None:
        self.requesters, self.config = requesters, config
        port_bits = config.port_bits
        super().__init__(
            {
                "requests": In(stream.Signature(address_layout())).array(requesters),
                "returned": Out(stream.Signature(port_bits)).array(requesters),
                "from_local": Out(requesters),
                "ar": Out(stream.Signature(request_layout())),
                "r": In(stream.Signature(read_layout(port_bits))),
                "local_write": In(LocalWrite(port_bits)),
                "clear_error": In(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        port_bits = self.config.port_bits
        port = self._arbiter(m, "port", self.config.outstanding_reads)
        wiring.connect(m, port.ar, wiring.flipped(self.ar))
        wiring.connect(m, wiring.flipped(self.r), port.r)
        if not self.config.local_bytes:
            for number in range(self.requesters):
                wiring.connect(m, wiring.flipped(self.requests[number]), port.requests[number])
                wiring.connect(m, port.returned[number], wiring.flipped(self.returned[number]))
            m.d.comb += self.error.eq(port.error)
            return m
        local = self._arbiter(m, "local", LOCAL_OUTSTANDING)
        m.submodules.memory = memory = LocalMemory(port_bits, self.config.local_bytes)
        wiring.connect(m, local.ar, memory.ar)
        wiring.connect(m, memory.r, local.r)
        wiring.connect(m, wiring.flipped(self.local_write), memory.write)
        for number in range(self.requesters):
            m.submodules[f"route_{number}"] = route = ReadRoute(port_bits)
            wiring.connect(m, wiring.flipped(self.requests[number]), route.request)
            wiring.connect(m, route.returned, wiring.flipped(self.returned[number]))
            for side, arbiter in ((PORT, port), (LOCAL, local)):
                wiring.connect(m, route.requests[side], arbiter.requests[number])
                wiring.connect(m, arbiter.returned[number], route.answers[side])
        outside = Signal()
        with m.If(self.clear_error):
            m.d.sync += outside.eq(0)
        with m.Elif(memory.outside):
            m.d.sync += outside.eq(1)
        m.d.comb += [
            self.from_local.eq(Cat(channel.valid for channel in local.returned)),
            self.error.eq(port.error | local.error | outside),
        ]
        return m

    def is_local(self, address: Value) -> Value:
        """Whether a read of `address` goes to the local memory."""
        return address[LOCAL_BIT] if self.config.local_bytes else Const(0, 1)

    def _arbiter(self, m: Module, name: str, outstanding: int) -> ReadArbiter:
        arbiter = ReadArbiter(self.requesters, self.config.port_bits, outstanding)
        m.submodules[name] = arbiter
        m.d.comb += arbiter.clear_error.eq(self.clear_error)
        return arbiter
