"""Keeps a decoder to the blocks that were fetched for it, whatever the descriptor says of its entries."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..bus.width import BLOCK_BITS
from ..pipeline import wire
from ..shape import COUNT_BITS


class BlockBudget(wiring.Component):
    """Passes `blocks` blocks of each command on to a decoder: zeros after the last one, and what is left over dropped.

    A descriptor whose entries and blocks contradict each other can so neither hang the decoder nor leave blocks to
    the next command; `wrong` is set in a cycle that shows it. Where they agree nothing is delayed: all paths are
    combinational. A command may be taken while `clean`.
    """

    begin: Signal
    blocks: Signal
    done: Signal
    clean: Signal
    wrong: Signal
    source: stream.Interface
    sink: stream.Interface

    def __init__(self) -> None:
        super().__init__(
            {
                "begin": In(1),
                "blocks": In(COUNT_BITS),
                "done": In(1),
                "clean": Out(1),
                "wrong": Out(1),
                "source": In(stream.Signature(BLOCK_BITS)),
                "sink": Out(stream.Signature(BLOCK_BITS)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        left, busy = Signal(COUNT_BITS), Signal()
        is_spent = wire(m, left == 0, "is_spent")
        pads = wire(m, busy & is_spent, "pads")
        dropping = wire(m, ~busy & ~is_spent, "dropping")
        m.d.comb += [
            self.sink.payload.eq(Mux(pads, 0, self.source.payload)),
            self.sink.valid.eq(busy & (is_spent | self.source.valid)),
            self.source.ready.eq(Mux(busy, self.sink.ready & ~is_spent, dropping)),
        ]
        taken = wire(m, self.source.valid & self.source.ready, "taken")
        ends = wire(m, busy & self.done, "ends")
        m.d.comb += [
            self.clean.eq(is_spent | (busy & taken & (left == 1))),
            self.wrong.eq((pads & self.sink.ready) | (ends & ~self.clean)),
        ]
        m.d.sync += left.eq(left - taken)
        with m.If(self.begin):
            m.d.sync += [left.eq(self.blocks), busy.eq(1)]
        with m.Elif(ends):
            m.d.sync += busy.eq(0)
        return m
