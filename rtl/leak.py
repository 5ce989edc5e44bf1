"""LEAK: the pseudocount's share of every output, one multiplier pair for all lanes."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import CONSTANT_BITS, ceil_log2
from . import lane_ports as ports
from .pipeline import delayed, wire
from .shape import ACCUMULATOR_BITS, Shape

SCALED_BITS = 64 - CONSTANT_BITS
"""Bits of a leak sum after its right shift by G, so that the product fits 64."""

ROW_LEAK_RIGHT = 16
"""Right shift of a sum of fix values times the leaks of their rows, so that its product with 1 / n fits 64 bits."""

LEFT = 8
"""Greatest left shift that a negative Ks - G may ask for."""


class LeakUnit(wiring.Component):
    """e = (((S1 >> G) * K1m) >> (K1s - G)) + (((S0 >> G) * K0m) >> (K0s - G)), lane after lane (docs/ENGINE.md).

    `split` (backward) keeps the terms apart, both of S1: the first for ordinary outputs, the second for empty ones.
    With `row_leaks` S1 is a sum of fix values times leaks, shifted by ROW_LEAK_RIGHT, unless `split`.
    From `start` to `done` it takes lanes + `latency` cycles.
    """

    latency = 5

    start: Signal
    buffer: Signal
    split: Signal
    right: Signal
    row_leaks: Signal
    k1: Any
    k0: Any
    sums: Any
    leak_write: Signal
    leak: Any
    done: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        lanes = shape.config.lanes
        super().__init__(
            {
                "start": In(1),
                "buffer": In(1),
                "split": In(1),
                "right": In(5),
                **({"row_leaks": In(1)} if shape.config.row_leaks else {}),
                "k1": In(ports.constant_layout()),
                "k0": In(ports.constant_layout()),
                "sums": In(data.ArrayLayout(data.ArrayLayout(shape.sum_bits, 2), lanes)),
                "leak_write": Out(lanes),
                "leak": Out(ports.leak_layout()),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lanes = self.shape.config.lanes
        lane = Signal(ceil_log2(lanes))
        running = Signal()
        is_last = lane == lanes - 1
        with m.If(self.start):
            m.d.sync += [running.eq(1), lane.eq(0)]
        with m.Elif(running):
            m.d.sync += [lane.eq(lane + 1), running.eq(~is_last)]

        right: Any = self.right
        if self.shape.config.row_leaks:
            right = wire(m, Mux(self.row_leaks & ~self.split, ROW_LEAK_RIGHT, self.right), "ordinary_right")
        first = self._sum(m, lane, 0, right)
        second = self._sum(m, lane, 1, self.right)
        ordinary = self._term(m, first, self.k1, right, "ordinary")
        empty = self._term(m, Mux(self.split, first, second), self.k0, self.right, "empty")
        both = wire(m, ordinary + empty, "both")
        m.d.sync += [
            self.leak.leak.eq(Mux(self.split, ordinary, both)),
            self.leak.empty_leak.eq(Mux(self.split, empty, both)),
        ]
        m.d.comb += self.leak.buffer.eq(self.buffer)
        depth = self.latency - 1
        m.d.comb += self.leak_write.eq(delayed(m, running, depth, "running") << delayed(m, lane, depth, "lane"))
        m.d.comb += self.done.eq(delayed(m, running & is_last, self.latency, "done"))
        return m

    def _sum(self, m: Module, lane: Signal, kind: int, right: Any) -> Signal:
        chosen = wire(m, Array(lane_sums[kind] for lane_sums in self.sums)[lane], f"sum_{kind}")
        return wire(m, (chosen >> right)[:SCALED_BITS], f"scaled_{kind}")

    def _term(self, m: Module, scaled: Any, constant: Any, right: Any, name: str) -> Signal:
        """Register, multiply, shift: three registers."""
        value = Signal(SCALED_BITS, name=f"{name}_value")
        product = Signal(SCALED_BITS + CONSTANT_BITS, name=f"{name}_product")
        term = Signal(ACCUMULATOR_BITS, name=f"{name}_term")
        distance = Signal(8, name=f"{name}_distance")
        m.d.comb += distance.eq(constant.shift - right + LEFT)
        m.d.sync += [
            value.eq(scaled),
            product.eq(value * constant.mantissa),
            term.eq((product << LEFT) >> distance),
        ]
        return term
