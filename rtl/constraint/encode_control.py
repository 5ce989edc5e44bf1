"""The passes over a vector's elements: the maximum (edge weights), then the codes."""

from dataclasses import dataclass
from typing import Any

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...model.formats import ceil_log2
from ..encoder import Encoder
from ..finish import Finisher
from ..pipeline import wire
from ..shape import COUNT_BITS, Shape

CODE_QUEUE = 16
"""Words of W codes between the encoders and the writer: the pipeline never stops, so room is taken ahead."""


@dataclass(frozen=True)
class EncodeTiming:
    """Cycles of a pass over the elements of a vector; it takes longer where rows have leaks of their own."""

    row_leaks: bool

    @property
    def lead(self) -> int:
        """From issue until the finishers take a weight's sum, but one: the leak of a row takes three registers."""
        return 3 if self.row_leaks else 0

    @property
    def factors(self) -> int:
        """From issue until the encoders take their factors."""
        return self.lead + 1 + Finisher.latency

    @property
    def codes(self) -> int:
        """From issue until the codes are there."""
        return self.factors + Encoder.latency

    @property
    def drain(self) -> int:
        """From the last issue until the maximum is complete."""
        return self.factors + Encoder.length_latency + 2


class EncodeControl(wiring.Component):
    """From `start`, issues the words of W elements: all for the maximum unless that is known (`is_sums`), then all.

    A word of the second pass is issued when the queue behind the encoders has room for it; `popped` gives room back.
    `settle` is the cycle in which the maximum becomes scale and exponent.
    """

    start: Signal
    is_sums: Signal
    inputs: Signal
    popped: Signal
    issue: Signal
    encodes: Signal
    word: Signal
    is_last: Signal
    settle: Signal
    done: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.timing = EncodeTiming(shape.config.row_leaks)
        super().__init__(
            {
                "start": In(1),
                "is_sums": In(1),
                "inputs": In(COUNT_BITS),
                "popped": In(1),
                "issue": Out(1),
                "encodes": Out(1),
                "word": Out(shape.word_bits),
                "is_last": Out(1),
                "settle": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        elements = self.shape.config.elements_per_cycle
        word = Signal(self.shape.word_bits + 1)
        words = wire(m, (self.inputs + (elements - 1)) >> ceil_log2(elements), "words")
        wait = Signal(range(self.timing.drain + 1))
        room = Signal(range(CODE_QUEUE + 1), init=CODE_QUEUE)
        m.d.comb += [self.word.eq(word), self.is_last.eq(word + 1 == words)]
        m.d.sync += room.eq(room + self.popped - self.encodes)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.done.eq(1)
                m.d.sync += [word.eq(0), wait.eq(self.timing.drain - 2)]
                with m.If(self.start):
                    m.next = "maximum"
                    with m.If(self.is_sums):
                        m.next = "settle"
            with m.State("maximum"):
                m.d.comb += self.issue.eq(1)
                m.d.sync += word.eq(word + 1)
                with m.If(self.is_last):
                    m.d.sync += word.eq(0)
                    m.next = "drain"
            with m.State("drain"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.next = "settle"
            with m.State("settle"):
                m.d.comb += self.settle.eq(1)
                m.next = "encode"
            with m.State("encode"):
                m.d.comb += [self.encodes.eq(room.any()), self.issue.eq(room.any())]
                with m.If(self.issue):
                    m.d.sync += word.eq(word + 1)
                    with m.If(self.is_last):
                        m.next = "idle"
        return m
