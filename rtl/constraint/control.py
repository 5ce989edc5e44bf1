"""Vector after vector of a list: head, work, encode, until the list ends."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.formats import ceil_log2
from ..bus.axi import ADDRESS_BITS
from ..bus.width import WORD_BITS
from ..shape import COUNT_BITS
from .layouts import EDGE_WORDS, LEAK_BITS, MOST_TERMS, edge_layout


class EdgeControl(wiring.Component):
    """Takes one vector at a time from the list, from `start` until everything is written and answered (`running`).

    `begin` starts the work on a vector, whose head holds from then on; `worked` ends it, `encode` starts its passes
    and its writing, `encoded` ends them. A list that ends early is `wrong` and ends the run without a hang, so does a
    term count that cannot be, so does `stop`; a list that goes on for a block or more is `wrong`.
    """

    start: Signal
    is_sums: Signal
    vectors: Signal
    results: Signal
    result_stride: Signal
    words: stream.Interface
    spent: Signal
    excess: Signal
    drop: Signal
    stop: Signal
    destination: Signal
    result: Signal
    count: Signal
    others: Signal
    leak: Signal
    zero_leak: Signal
    begin: Signal
    worked: Signal
    failed: Signal
    encode: Signal
    encoded: Signal
    written: Signal
    running: Signal
    wrong: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "is_sums": In(1),
                "vectors": In(COUNT_BITS),
                "results": In(ADDRESS_BITS),
                "result_stride": In(COUNT_BITS),
                "words": In(stream.Signature(WORD_BITS)),
                "spent": In(1),
                "excess": In(1),
                "drop": Out(1),
                "stop": In(1),
                "destination": Out(ADDRESS_BITS),
                "result": Out(ADDRESS_BITS),
                "count": Out(COUNT_BITS),
                "others": Out(1),
                "leak": Out(LEAK_BITS),
                "zero_leak": Out(LEAK_BITS),
                "begin": Out(1),
                "worked": In(1),
                "failed": In(1),
                "encode": Out(1),
                "encoded": In(1),
                "written": In(1),
                "running": Out(1),
                "wrong": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        left, word = Signal(COUNT_BITS), Signal(ceil_log2(EDGE_WORDS))
        self._keep(m, word)
        bad_count = self.is_sums & ((self.count == 0) | (self.count > MOST_TERMS))
        m.d.comb += self.running.eq(1)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.running.eq(0)
                with m.If(self.start):
                    m.d.sync += [left.eq(self.vectors), self.result.eq(self.results), word.eq(0)]
                    m.next = "head"
            with m.State("head"):
                m.d.comb += self.words.ready.eq(1)
                with m.If(self.words.valid):
                    m.d.sync += word.eq(word + 1)
                    with m.If(word == EDGE_WORDS - 1):
                        m.next = "check"
                with m.Elif(self.spent):
                    m.d.comb += self.wrong.eq(1)
                    m.next = "drop"
            with m.State("check"):
                with m.If(self.stop | bad_count):
                    m.d.comb += self.wrong.eq(bad_count)
                    m.next = "drop"
                with m.Else():
                    m.d.comb += self.begin.eq(1)
                    m.next = "work"
            with m.State("work"):
                with m.If(self.failed):
                    m.d.comb += self.wrong.eq(1)
                    m.next = "drop"
                with m.Elif(self.worked):
                    m.d.comb += self.encode.eq(1)
                    m.next = "encode"
            with m.State("encode"):
                with m.If(self.encoded):
                    m.d.sync += [left.eq(left - 1), self.result.eq(self.result + self.result_stride)]
                    m.next = "head"
                    with m.If(left == 1):
                        m.d.comb += self.wrong.eq(self.excess)
                        m.next = "drop"
            with m.State("drop"):
                m.d.comb += self.drop.eq(1)
                with m.If(self.spent & self.written):
                    m.next = "idle"
        return m

    def _keep(self, m: Module, word: Signal) -> None:
        """Each field as the word that holds it arrives."""
        arrived = Signal(EDGE_WORDS * WORD_BITS)
        m.d.comb += arrived.eq(self.words.payload << (word << 6))
        head = edge_layout()(arrived)
        with m.If(self.words.valid & self.words.ready):
            with m.Switch(word):
                with m.Case(0):
                    m.d.sync += self.destination.eq(head.destination)
                with m.Case(1):
                    m.d.sync += [self.count.eq(head.count), self.others.eq(head.others)]
                with m.Case(2):
                    m.d.sync += self.leak.eq(head.leak)
                with m.Case(3):
                    m.d.sync += self.zero_leak.eq(head.zero_leak)
