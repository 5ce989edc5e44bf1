"""Several readers on one AXI4 read port."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Cat
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from .axi import address_layout, read_layout, request_layout


class ReadArbiter(wiring.Component):
    """Grants address requests in rotation and returns each burst to the one that asked.

    A rotation is a function of who asks when, of nothing else. One request a cycle; the address leaves one cycle
    after it was taken. At most `outstanding` bursts are under way. Requesters always take what they asked for.
    `ar.user` is the place of the requester in `requests`.
    `error` stays set once a beat came back with an error.
    """

    requests: Any
    returned: Any
    ar: stream.Interface
    r: stream.Interface
    clear_error: Signal
    error: Signal

    def __init__(self, requesters: int, port_bits: int, outstanding: int) -> None:
        self.requesters, self.outstanding = requesters, outstanding
        super().__init__(
            {
                "requests": In(stream.Signature(address_layout())).array(requesters),
                "returned": Out(stream.Signature(port_bits)).array(requesters),
                "ar": Out(stream.Signature(request_layout())),
                "r": In(stream.Signature(read_layout(port_bits))),
                "clear_error": In(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        requests, returned = self.requests, self.returned
        m.submodules.owners = owners = SyncFIFOBuffered(
            width=range(self.requesters).stop.bit_length(), depth=self.outstanding
        )
        turn = Signal(range(self.requesters))
        chosen = Signal(range(self.requesters))
        asked = Cat(request.valid for request in requests)
        can_take = Signal()
        m.d.comb += can_take.eq(owners.w_rdy & (~self.ar.valid | self.ar.ready))
        with m.Switch(turn):
            for first in range(self.requesters):
                with m.Case(first):
                    for offset in reversed(range(self.requesters)):
                        candidate = (first + offset) % self.requesters
                        with m.If(requests[candidate].valid):
                            m.d.comb += chosen.eq(candidate)
        for index, request in enumerate(requests):
            m.d.comb += request.ready.eq(can_take & (chosen == index) & request.valid)
        with m.If(can_take):
            payloads = Array(request.payload.as_value() for request in requests)
            m.d.sync += self.ar.valid.eq(asked.any())
            with m.If(asked.any()):
                m.d.sync += [
                    self.ar.payload.eq(Cat(payloads[chosen], chosen)),
                    turn.eq(Array((index + 1) % self.requesters for index in range(self.requesters))[chosen]),
                ]
        with m.Elif(self.ar.ready):
            m.d.sync += self.ar.valid.eq(0)
        m.d.comb += [owners.w_data.eq(chosen), owners.w_en.eq(can_take & asked.any())]

        for index, channel in enumerate(returned):
            m.d.comb += [
                channel.payload.eq(self.r.payload.data),
                channel.valid.eq(self.r.valid & owners.r_rdy & (owners.r_data == index)),
            ]
        m.d.comb += [self.r.ready.eq(owners.r_rdy), owners.r_en.eq(self.r.valid & self.r.payload.last)]
        with m.If(self.clear_error):
            m.d.sync += self.error.eq(0)
        with m.Elif(self.r.valid & self.r.ready & self.r.payload.error):
            m.d.sync += self.error.eq(1)
        return m
