"""From an exact sum to what leaves the engine: + leak, TOP_24 and SCORE16."""

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.hdl import Cat
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import SCORE16, TOP_BITS
from .bits import bit_length
from .pipeline import wire
from .shape import ACCUMULATOR_BITS, TOP_SHIFT_BITS

LENGTH_BITS = 6


class Finisher(wiring.Component):
    """One accumulator a cycle: `total` + `leak` as TOP_24 (mantissa, shift), SCORE16 code, and bit length.

    Results appear `latency` cycles after the sum.
    """

    latency = 3

    total: Signal
    leak: Signal
    mantissa: Signal
    shift: Signal
    score: Signal
    length: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "total": In(ACCUMULATOR_BITS),
                "leak": In(ACCUMULATOR_BITS),
                "mantissa": Out(TOP_BITS),
                "shift": Out(TOP_SHIFT_BITS),
                "score": Out(16),
                "length": Out(LENGTH_BITS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        value = Signal(ACCUMULATOR_BITS)
        m.d.sync += value.eq(self.total + self.leak)

        kept = Signal(ACCUMULATOR_BITS)
        length = Signal(LENGTH_BITS)
        m.d.sync += [kept.eq(value), length.eq(bit_length(m, value, "value"))]

        # Both formats keep the bits below the leading one: SCORE16 from what TOP_24 left.
        is_short = wire(m, length <= TOP_BITS, "is_short")
        right = wire(m, Mux(is_short, 0, length - TOP_BITS)[:TOP_SHIFT_BITS], "right")
        left = Mux(is_short, TOP_BITS - length, 0)[: TOP_BITS.bit_length()]
        mantissa = wire(m, (kept >> right)[:TOP_BITS], "mantissa_next")
        aligned = wire(m, (mantissa << left)[:TOP_BITS], "aligned")
        fraction = aligned[-1 - SCORE16.fraction_bits : -1]
        m.d.sync += [
            self.mantissa.eq(mantissa),
            self.shift.eq(right),
            self.score.eq(Mux(length.any(), Cat(fraction, length), 0)),
            self.length.eq(length),
        ]
        return m
