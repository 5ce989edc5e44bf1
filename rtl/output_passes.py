"""Passes over the results of vector operations, a group ahead of what is written."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .operation import Opcode
from .passes import Pass, request_layout
from .pipeline import wire
from .shape import BUFFERS, COUNT_BITS


class OutputPassSettings(wiring.Signature):
    """What the passes over results need of the descriptor."""

    def __init__(self) -> None:
        super().__init__({"opcode": Out(Opcode), "groups": Out(COUNT_BITS)})


class OutputPasses(wiring.Component):
    """Group after group of a vector operation: maximum (backward), then the encoding into y once y `is_free`.

    The maximum of a group is found while the group before is written. `encoded` marks the cycle in which y is
    complete and the group's buffer `released`. `first_buffer` is that of the group with which a descriptor starts.
    """

    settings: Any
    start: Signal
    first_buffer: Signal
    gathered: Signal
    is_free: Signal
    request: stream.Interface
    encoded: Signal
    released: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "settings": In(OutputPassSettings()),
                "start": In(1),
                "first_buffer": In(1),
                "gathered": In(BUFFERS),
                "is_free": In(1),
                "request": Out(stream.Signature(request_layout())),
                "encoded": Out(1),
                "released": Out(BUFFERS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        left, buffer = Signal(COUNT_BITS), Signal()
        is_ready = wire(m, Array(self.gathered)[buffer], "is_ready")
        request = self.request.payload
        m.d.comb += request.buffer.eq(buffer)
        with m.FSM():
            with m.State("idle"):
                with m.If(self.start & (self.settings.opcode != Opcode.SCORES)):
                    m.d.sync += [left.eq(self.settings.groups), buffer.eq(self.first_buffer)]
                    m.next = "gathered"
            with m.State("gathered"):
                with m.If(is_ready):
                    m.next = "encode"
                    with m.If(self.settings.opcode == Opcode.BACKWARD):
                        m.next = "maximum"
            with m.State("maximum"):
                m.d.comb += [self.request.valid.eq(1), request.kind.eq(Pass.OUTPUT_MAXIMUM)]
                with m.If(self.request.ready):
                    m.next = "encode"
            with m.State("encode"):
                m.d.comb += [self.request.valid.eq(self.is_free), request.kind.eq(Pass.OUTPUT_ENCODE)]
                with m.If(self.request.ready):
                    m.d.comb += [self.encoded.eq(1), self.released.eq(1 << buffer)]
                    m.d.sync += [left.eq(left - 1), buffer.eq(~buffer)]
                    m.next = "gathered"
                    with m.If(left == 1):
                        m.next = "idle"
        return m
