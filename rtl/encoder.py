"""ENC of one element: the pipeline from factors to code."""

from typing import Any

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import CONSTANT_BITS, TOP_BITS, VectorCode
from .bits import bit_length
from .shape import EXPONENT_BITS, SHIFT_BITS, Shape

LEAST = -(1 << (EXPONENT_BITS - 1))
"""Length of a zero mantissa: below every other."""


class Encoder(wiring.Component):
    """m = a * b, or a * b * kappa, with exponent e; its length for the maximum; its code under a given scale.

    Throughput one element per cycle. `kappa` is taken `kappa_latency` cycles after the factors, the length appears
    `length_latency` cycles after them, `scale` is read `length_latency` cycles after them, the code appears
    `latency` cycles after them, all counted in cycles with `enable`: the pipeline rests between passes. Rounds half
    up, saturates (docs/ENGINE.md).
    """

    kappa_latency = 2
    length_latency = 4
    latency = 7

    enable: Signal
    a: Signal
    b: Signal
    exponent: Signal
    valid: Signal
    kappa: Signal
    kappa_shift: Signal
    use_kappa: Signal
    scale: Signal
    length: Signal
    code: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__(
            {
                "enable": In(1),
                "a": In(TOP_BITS),
                "b": In(shape.factor_bits),
                "exponent": In(signed(EXPONENT_BITS)),
                "valid": In(1),
                "kappa": In(CONSTANT_BITS),
                "kappa_shift": In(signed(SHIFT_BITS)),
                "use_kappa": In(1),
                "scale": In(signed(EXPONENT_BITS)),
                "length": Out(signed(EXPONENT_BITS)),
                "code": Out(shape.config.code.code_bits),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        with m.If(self.enable):
            self._stages(m)
        return m

    def _stages(self, m: Module) -> None:
        code: VectorCode = self.shape.config.code
        significand = code.significand_bits
        product_bits = self.shape.product_bits

        # 1: factors, masked
        a = Signal(TOP_BITS)
        b = Signal(self.shape.factor_bits)
        e1 = Signal(signed(EXPONENT_BITS))
        m.d.sync += [a.eq(Mux(self.valid, self.a, 0)), b.eq(self.b), e1.eq(self.exponent)]
        # 2: first product
        m2 = Signal(TOP_BITS + self.shape.factor_bits)
        e2 = Signal(signed(EXPONENT_BITS))
        m.d.sync += [m2.eq(a * b), e2.eq(e1)]
        # 3: second product
        m3 = Signal(product_bits)
        e3 = Signal(signed(EXPONENT_BITS))
        narrow = m2[: significand + self.shape.factor_bits]
        m.d.sync += m3.eq(Mux(self.use_kappa, narrow * self.kappa, m2))
        m.d.sync += e3.eq(e2 - Mux(self.use_kappa, self.kappa_shift, 0))
        # 4: length
        m4 = Signal(product_bits)
        e4 = Signal(signed(EXPONENT_BITS))
        m.d.sync += [m4.eq(m3), e4.eq(e3)]
        m.d.sync += self.length.eq(Mux(m3.any(), bit_length(m, m3, "m3") + e3, LEAST))
        # 5: place of the code's last bit, above the vector's scale
        m5 = Signal(product_bits)
        above = Signal(code.exponent_bits + 1)
        shift = Signal(6)
        normal = self.length - significand
        place = Signal(signed(EXPONENT_BITS + 1))
        right = Signal(signed(EXPONENT_BITS + 2))
        m.d.comb += place.eq(Mux(normal > self.scale, normal, self.scale))
        m.d.comb += right.eq(place - e4 + (significand - 1))
        m.d.sync += [m5.eq(m4), above.eq(place - self.scale), shift.eq(Mux(right > 63, 63, right))]
        # 6: one bit more than the significand, for the rounding
        half = Signal(significand + 2)
        above6 = Signal.like(above)
        m.d.sync += [half.eq((m5 << significand) >> shift), above6.eq(above)]
        # 7: the carry into the exponent is automatic
        rounded = Signal(significand + 1)
        wide = Signal(code.code_bits + 2)
        m.d.comb += [rounded.eq((half + 1) >> 1), wide.eq((above6 << code.fraction_bits) + rounded)]
        m.d.sync += self.code.eq(Mux(wide > code.greatest_code, code.greatest_code, wide))
