"""The input stage: the passes over a loaded group, then its leak."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .group_load import GroupSettings
from .operation import Opcode
from .passes import Pass, request_layout
from .pipeline import wire
from .shape import BUFFERS, COUNT_BITS, Shape


class GroupInput(wiring.Component):
    """Group after group: take what was loaded, run the passes, compute the leak, hand z over.

    A buffer is taken when the passes begin (`claimed`) and given back from outside when the group's results have
    left it (`free_buffers`). `ready` marks a z buffer that gather may read. `active` are the lanes of the group
    whose passes run.
    """

    settings: Any
    start: Signal
    loaded: Signal
    taken: Signal
    load_active: Signal
    pass_request: stream.Interface
    leak_start: Signal
    leak_done: Signal
    free_buffers: Signal
    claimed: Signal
    ready: Signal
    buffer: Signal
    active: Signal
    done: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__(
            {
                "settings": In(GroupSettings()),
                "start": In(1),
                "loaded": In(1),
                "taken": Out(1),
                "load_active": In(range(shape.config.lanes + 1)),
                "pass_request": Out(stream.Signature(request_layout())),
                "leak_start": Out(1),
                "leak_done": In(1),
                "free_buffers": In(BUFFERS),
                "claimed": Out(BUFFERS),
                "ready": Out(BUFFERS),
                "buffer": Out(1),
                "active": Out(range(shape.config.lanes + 1)),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        left = Signal(COUNT_BITS)
        is_backward = self.settings.opcode == Opcode.BACKWARD
        is_free = wire(m, Array(self.free_buffers)[self.buffer], "is_free")
        request = self.pass_request
        m.d.comb += request.payload.buffer.eq(self.buffer)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.done.eq(1)
                with m.If(self.start):
                    m.d.sync += left.eq(self.settings.groups)
                    m.next = "claim"
            with m.State("claim"):
                with m.If(self.loaded & is_free):
                    m.d.comb += [self.claimed.eq(1 << self.buffer), self.taken.eq(1)]
                    m.d.sync += self.active.eq(self.load_active)
                    m.next = "copy"
                    with m.If(~is_backward):
                        m.next = "maximum"
            for state, kind, after in (
                ("maximum", Pass.INPUT_MAXIMUM, "encode"),
                ("encode", Pass.INPUT_ENCODE, "leak"),
                ("copy", Pass.INPUT_COPY, "leak"),
            ):
                with m.State(state):
                    m.d.comb += [request.valid.eq(1), request.payload.kind.eq(kind)]
                    with m.If(request.ready):
                        m.next = after
            with m.State("leak"):
                m.d.comb += self.leak_start.eq(1)
                m.next = "wait"
            with m.State("wait"):
                with m.If(self.leak_done):
                    m.d.comb += self.ready.eq(1 << self.buffer)
                    m.d.sync += [self.buffer.eq(~self.buffer), left.eq(left - 1)]
                    m.next = "claim"
                    with m.If(left == 1):
                        m.next = "idle"
        return m
