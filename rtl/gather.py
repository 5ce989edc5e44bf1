"""The gather arithmetic of one lane: S terms a cycle, summed exactly between `last` flags."""

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.hdl import Const, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import CODEBOOK_BITS, VectorCode
from .pipeline import wire
from .shape import ACCUMULATOR_BITS, Shape


def mantissa_of(code: Value, fmt: VectorCode) -> tuple[Value, Value]:
    """Return (mantissa, shift) of a code: fix == mantissa << shift."""
    fraction = code[: fmt.fraction_bits]
    k = code[fmt.fraction_bits : fmt.code_bits]
    is_normal = k.any()
    mantissa = fraction | (is_normal << fmt.fraction_bits)
    return mantissa[: fmt.significand_bits], Mux(is_normal, k - 1, 0)[: fmt.exponent_bits]


class GatherSum(wiring.Component):
    """S terms fix(code) * factor a cycle; the exact sum of every output whose last term is among them.

    `last` is read `segment_latency` cycles after the codes and again one cycle later, by the two adders; the sum of
    slot s appears in `totals[s]` `latency` cycles after the codes and is meaningful where `last` was set. A factor of
    0 adds nothing: that is how a slot stays empty.
    """

    segment_latency = 2
    latency = 4

    codes: data.View
    factors: data.View
    last_segment: Signal
    last_carry: Signal
    totals: data.View

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        slots = shape.config.entries_per_cycle
        super().__init__(
            {
                "codes": In(data.ArrayLayout(shape.config.code.code_bits, slots)),
                "factors": In(data.ArrayLayout(CODEBOOK_BITS, slots)),
                "last_segment": In(slots),
                "last_carry": In(slots),
                "totals": Out(data.ArrayLayout(ACCUMULATOR_BITS, slots)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        terms = [self._term(m, slot) for slot in range(self.shape.config.entries_per_cycle)]
        segments = self._segments(m, terms)
        self._carry(m, segments)
        return m

    def _term(self, m: Module, slot: int) -> Signal:
        """Multiply, then shift: two registers."""
        fmt = self.shape.config.code
        mantissa, shift = mantissa_of(self.codes[slot], fmt)
        product = Signal(fmt.significand_bits + CODEBOOK_BITS, name=f"product_{slot}")
        distance = Signal(fmt.exponent_bits, name=f"distance_{slot}")
        term = Signal(self.shape.term_bits, name=f"term_{slot}")
        m.d.sync += [product.eq(mantissa * self.factors[slot]), distance.eq(shift), term.eq(product << distance)]
        return term

    def _segments(self, m: Module, terms: list[Signal]) -> list[Signal]:
        """Sums since the last flag, within the cycle."""
        segments: list[Signal] = []
        before: Value = Const(0, 1)
        for slot, term in enumerate(terms):
            total = wire(m, (term + before)[:ACCUMULATOR_BITS], f"running_{slot}")
            segment = Signal(ACCUMULATOR_BITS, name=f"segment_{slot}")
            m.d.sync += segment.eq(total)
            segments.append(segment)
            before = Mux(self.last_segment[slot], 0, total)
        return segments

    def _carry(self, m: Module, segments: list[Signal]) -> None:
        """Add what earlier cycles left to the first output that ends in this one."""
        carry = Signal(ACCUMULATOR_BITS)
        ended: Value = Const(0, 1)
        for slot, segment in enumerate(segments):
            total = wire(m, (segment + Mux(ended, 0, carry))[:ACCUMULATOR_BITS], f"carried_{slot}")
            m.d.sync += self.totals[slot].eq(total)
            if slot == len(segments) - 1:
                m.d.sync += carry.eq(Mux(self.last_carry[slot], 0, total))
            ended = ended | self.last_carry[slot]
