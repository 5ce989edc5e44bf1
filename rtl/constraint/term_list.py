"""The terms of one vector, kept on chip: they are walked twice for every chunk of elements."""

from typing import Any

from amaranth import Module, Signal, signed
from amaranth.hdl import Mux
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.formats import ceil_log2
from ..bus.width import WORD_BITS
from ..pipeline import wire
from ..shape import Shape
from .layouts import MOST_TERMS, SPAN_BITS, kept_term_layout, term_layout

TERM_BITS = ceil_log2(MOST_TERMS)


class TermList(wiring.Component):
    """From `begin`, takes `count` terms from the list; `loaded` strobes when all are there, or the list `failed`.

    Two read ports, latency one cycle.
    """

    begin: Signal
    count: Signal
    words: stream.Interface
    spent: Signal
    loaded: Signal
    failed: Signal
    addresses: Any
    terms: Any

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__(
            {
                "begin": In(1),
                "count": In(range(MOST_TERMS + 1)),
                "words": In(stream.Signature(WORD_BITS)),
                "spent": In(1),
                "loaded": Out(1),
                "failed": Out(1),
                "addresses": In(data.ArrayLayout(TERM_BITS, 2)),
                "terms": Out(data.ArrayLayout(kept_term_layout(), 2)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.cells = cells = memory.Memory(shape=kept_term_layout().size, depth=MOST_TERMS, init=[])
        write = cells.write_port()
        for number in range(2):
            port = cells.read_port()
            m.d.comb += [port.addr.eq(self.addresses[number]), self.terms[number].as_value().eq(port.data)]
        number, first_word = Signal(range(MOST_TERMS + 1)), Signal(WORD_BITS)
        m.d.comb += [write.addr.eq(number), write.data.eq(self._kept(m, first_word))]
        with m.FSM():
            with m.State("idle"):
                with m.If(self.begin):
                    m.d.sync += number.eq(0)
                    m.next = "low"
            with m.State("low"):
                m.d.comb += [self.words.ready.eq(1), self.failed.eq(self.spent)]
                with m.If(self.words.valid):
                    m.d.sync += first_word.eq(self.words.payload)
                    m.next = "high"
                with m.Elif(self.spent):
                    m.next = "idle"
            with m.State("high"):
                m.d.comb += [self.words.ready.eq(1), self.failed.eq(self.spent), write.en.eq(self.words.valid)]
                with m.If(self.words.valid):
                    m.d.sync += number.eq(number + 1)
                    m.next = "low"
                    with m.If(number + 1 == self.count):
                        m.next = "loaded"
                with m.Elif(self.spent):
                    m.next = "idle"
            with m.State("loaded"):
                m.d.comb += self.loaded.eq(1)
                m.next = "idle"
        return m

    def _kept(self, m: Module, first_word: Signal) -> Any:
        """A lone factor's partner is mantissa 2**(M - 1) with exponent -(M - 1)."""
        record = Signal(term_layout())
        kept = Signal(kept_term_layout())
        exponent = Signal(signed(SPAN_BITS))
        lone = -self.shape.config.code.fraction_bits
        m.d.comb += [
            record.as_value().eq(first_word | (self.words.payload << WORD_BITS)),
            exponent.eq(record.first_exponent + Mux(record.is_single, lone, record.second_exponent)),
            kept.first.eq(record.first),
            kept.second.eq(record.second),
            kept.exponent.eq(exponent),
            kept.is_single.eq(record.is_single),
        ]
        return wire(m, kept.as_value(), "kept_bits")
