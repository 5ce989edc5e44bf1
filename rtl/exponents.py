"""Exponents of one lane: maxima become scales and exponents when the control says so."""

from typing import Any

from amaranth import Module, Mux, Signal, signed
from amaranth.hdl import Array, Const
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import EXPONENT_LIMIT, ZERO_EXPONENT
from . import lane_ports as ports
from .encoder import LEAST
from .finish import LENGTH_BITS
from .lane_ports import Scale
from .pipeline import greatest, wire
from .shape import BUFFERS, EXPONENT_BITS, PRODUCT_EXPONENT_BITS, VECTOR_EXPONENT_BITS, Shape


class Exponents(wiring.Component):
    """Scales of the encoding under way, exponents of z (one a buffer) and of y, and which buffers hold a vector.

    `longest` is the greatest length among the elements of a cycle, `gathered` that among the results of a buffer,
    `leak_length` that of its empty outputs. `range_error` stays set once an exponent left -32767..32767.
    """

    setup_write: Signal
    setup: data.View
    maximum: data.View
    longest: Signal
    is_output: Signal
    buffer: Signal
    finalize: data.View
    gathered: Any
    leak_length: Any
    clear_error: Signal
    scales: Any
    active: Signal
    z_exponents: Any
    y_exponent: Signal
    range_error: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__(
            {
                "setup_write": In(1),
                "setup": In(ports.setup_layout()),
                "maximum": In(data.StructLayout({"reset": 1, "update": 1})),
                "longest": In(signed(EXPONENT_BITS)),
                "is_output": In(1),
                "buffer": In(1),
                "finalize": In(ports.finalize_layout()),
                "gathered": In(data.ArrayLayout(LENGTH_BITS, BUFFERS)),
                "leak_length": In(data.ArrayLayout(LENGTH_BITS, BUFFERS)),
                "clear_error": In(1),
                "scales": Out(data.ArrayLayout(signed(EXPONENT_BITS), 2)),
                "active": Out(BUFFERS),
                "z_exponents": Out(data.ArrayLayout(signed(VECTOR_EXPONENT_BITS), BUFFERS)),
                "y_exponent": Out(signed(VECTOR_EXPONENT_BITS)),
                "range_error": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        x_exponent = Signal(signed(PRODUCT_EXPONENT_BITS))
        coming = Signal()
        with m.If(self.setup_write):
            m.d.sync += [x_exponent.eq(self.setup.exponent), coming.eq(self.setup.active)]
        maximum = self._maximum(m, coming)
        buffer, source = self.finalize.buffer, self.finalize.source
        is_gather, is_copy = source == Scale.GATHER, source == Scale.COPY
        is_input = is_copy | (source == Scale.INPUT)
        gather_length = self._gather_length(m, buffer)
        length, is_zero, scale = Signal(signed(EXPONENT_BITS)), Signal(), Signal(signed(EXPONENT_BITS))
        old, new = Signal(signed(PRODUCT_EXPONENT_BITS)), Signal(signed(PRODUCT_EXPONENT_BITS + 2))
        z_exponent = Mux(buffer, self.z_exponents[1], self.z_exponents[0])
        m.d.comb += [
            length.eq(Mux(is_gather, gather_length, maximum)),
            is_zero.eq(Mux(is_gather, gather_length == 0, maximum == LEAST)),
            scale.eq(Mux(is_copy | is_zero, 0, length - self.shape.config.code.fix_bits)),
            old.eq(Mux(is_input, x_exponent, z_exponent)),
            new.eq(Mux(is_zero & ~is_copy, ZERO_EXPONENT, old + scale)),
        ]
        with m.If(self.clear_error):
            m.d.sync += self.range_error.eq(0)
        next_scale, next_exponent = Signal(signed(EXPONENT_BITS)), Signal(signed(VECTOR_EXPONENT_BITS))
        with m.If(self.finalize.strobe):
            in_range = (new <= EXPONENT_LIMIT) & (new >= -EXPONENT_LIMIT)
            with m.If(~is_copy & ~is_zero & ~in_range & self.active.bit_select(buffer, 1)):
                m.d.sync += self.range_error.eq(1)
            with m.If(is_input):
                m.d.sync += self.scales[0].eq(scale)
                for number in range(BUFFERS):
                    with m.If(buffer == number):
                        m.d.sync += self.z_exponents[number].eq(new)
            with m.Elif(is_gather):
                m.d.sync += [self.scales[1].eq(scale), self.y_exponent.eq(new)]
            with m.Else():
                m.d.sync += [next_scale.eq(scale), next_exponent.eq(new)]
        # The maximum of a group may be found while the header of the group before is still to be written.
        with m.If(self.finalize.commit):
            m.d.sync += [self.scales[1].eq(next_scale), self.y_exponent.eq(next_exponent)]
        return m

    def _maximum(self, m: Module, coming: Signal) -> Signal:
        """The greatest length of the pass under way; an input pass also takes over whether there is a vector."""
        maximum = Signal(signed(EXPONENT_BITS), init=LEAST)
        with m.If(self.maximum.reset):
            m.d.sync += maximum.eq(Const(LEAST, signed(EXPONENT_BITS)))
            with m.If(~self.is_output):  # the older group may still need its own flag
                m.d.sync += self.active.bit_select(self.buffer, 1).eq(coming)
        with m.Elif(self.maximum.update & (self.longest > maximum)):
            m.d.sync += maximum.eq(self.longest)
        return maximum

    def _gather_length(self, m: Module, buffer: Signal) -> Signal:
        gathered = wire(m, Array(self.gathered)[buffer], "gathered_length")
        empty = wire(m, Mux(self.finalize.has_empty, Array(self.leak_length)[buffer], 0), "empty_length")
        return wire(m, greatest(m, [gathered, empty], "gather_length"), "gather_length_of_buffer")
