"""Leaks of single rows (row_mass_leak): their codes, and which of them the records that end in a cycle belong to."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import ROW_LEAK
from . import lane_ports as ports
from .bits import one_count
from .pipeline import delayed, wire
from .shape import ROW_LEAK_MANTISSA_BITS, ROW_SUM_BITS, Shape
from .tables import LEAK_CODE_BITS, rank_layout

FACTOR_BITS = 64 - ROW_LEAK.integer_bits
"""Bits of what a vector's leak is where each row multiplies it with its own (backward)."""

NO_WEIGHT = 1
"""The code of 1."""


def code_parts(code: Value) -> tuple[Value, Value]:
    """Return (mantissa, exponent) of a leak's code: g == mantissa << exponent."""
    fraction, k = code[: ROW_LEAK.fraction_bits], code[ROW_LEAK.fraction_bits : LEAK_CODE_BITS]
    mantissa = (fraction | (k.any() << ROW_LEAK.fraction_bits))[:ROW_LEAK_MANTISSA_BITS]
    return mantissa, Mux(k.any(), k - 1, 0)[: ROW_LEAK.exponent_bits]


def own_leak_ports(shape: Shape) -> dict[str, Any]:
    """Return the ports of a lane that has leaks of rows."""
    if not shape.config.row_leaks:
        return {}
    return {"leak_weight": In(ports.leak_weight_layout(shape)), "row_leak": In(ports.row_leak_layout(shape))}


def weighted(m: Module, weight: Any, mantissa: Value, shift: Value, slot: int) -> Value:
    """Return what a code adds to a leak sum, a cycle later: fix without its low bits, times the leak of its row."""
    is_below = wire(m, shift < weight.right, f"is_below_{slot}")
    kept = (mantissa >> Mux(is_below, weight.right - shift, 0)[: ports.ROW_RIGHT_BITS])[: len(mantissa)]
    product = Signal(len(mantissa) + ROW_LEAK_MANTISSA_BITS, name=f"weighted_{slot}")
    place = Signal(ports.ROW_DISTANCE_BITS, name=f"weighted_place_{slot}")
    above = Mux(is_below, 0, shift - weight.right)[: len(shift)]
    m.d.sync += [product.eq(kept * weight.mantissa), place.eq(above + weight.exponent)]
    return wire(m, (product << place)[:ROW_SUM_BITS], f"fix_{slot}")


def record_leak(m: Module, given: Any, slot: int, leaks: list[Signal], header: Signal, other: Signal) -> Signal:
    """Return the leak of the row of the record that ends in a slot, from that of its vector, two registers later.

    `other` is the leak of all records, of a `header` in any case.
    """
    product = Signal(FACTOR_BITS + ROW_LEAK_MANTISSA_BITS, name=f"row_product_{slot}")
    term = Signal(len(leaks[0]), name=f"row_term_{slot}")
    m.d.sync += [
        product.eq(Array(leaks)[given.buffer][:FACTOR_BITS] * given.mantissa[slot]),
        term.eq((product << ports.ROW_LEFT) >> given.distance[slot]),
    ]
    return wire(m, Mux(given.use & ~header, term, other), f"own_leak_{slot}")


class RecordLeaks(wiring.Component):
    """Leaks of the rows of the records that end in a cycle, one after the other from the `header` of a group on.

    `header` and `ended` are those of cycle 0 of GatherTiming; `out` keeps the times of `lane_ports.row_leak_layout`.
    """

    header: Signal
    buffer: Signal
    ended: Signal
    use: Signal
    shift: Signal
    rank_read: Signal
    rank_row: Signal
    rank_leaks: Any
    out: Any

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        slots = shape.config.entries_per_cycle
        super().__init__(
            {
                "header": In(1),
                "buffer": In(1),
                "ended": In(slots),
                "use": In(1),
                "shift": In(ports.ROW_DISTANCE_BITS),
                "rank_read": Out(1),
                "rank_row": Out(shape.bank_row_bits - 1),
                "rank_leaks": In(rank_layout(shape)),
                "out": Out(ports.row_leak_layout(shape)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shape = self.shape
        rank = Signal(shape.bank_row_bits - 1 + shape.bank_bits)
        with m.If(self.header):
            m.d.sync += rank.eq(0)
        with m.Else():
            m.d.sync += rank.eq(rank + one_count(self.ended))
        m.d.comb += [
            self.rank_read.eq(1),
            self.rank_row.eq(rank[shape.bank_bits :]),
            self.out.buffer.eq(delayed(m, self.buffer, 2, "buffer")),
            self.out.use.eq(self.use),
        ]
        # cycle 1: the codes are there
        bank = delayed(m, rank[: shape.bank_bits], 1, "bank")
        ended = delayed(m, self.ended, 1, "ended")
        for slot in range(shape.config.entries_per_cycle):
            place = bank + (one_count(ended[:slot]) if slot else 0)
            code = wire(m, Array(self.rank_leaks)[place], f"code_{slot}")
            mantissa, exponent = code_parts(code)
            kept = Signal(ROW_LEAK.exponent_bits, name=f"exponent_{slot}")
            m.d.sync += [
                self.out.mantissa[slot].eq(mantissa),
                kept.eq(exponent),
                self.out.distance[slot].eq(self.shift + ports.ROW_LEFT - kept),
            ]
        return m


def connect_record_leaks(m: Module, stages: Any) -> RecordLeaks:
    """Place the unit between gather and row tables of an engine that has leaks of rows."""
    gather, rows = stages.gather, stages.rows
    m.submodules.record_leaks = leaks = RecordLeaks(gather.shape)
    m.d.comb += [
        leaks.header.eq(gather.early.header),
        leaks.buffer.eq(gather.early.buffer),
        leaks.ended.eq(gather.early.ended),
        rows.rank_read.eq(leaks.rank_read),
        rows.rank_row.eq(leaks.rank_row),
        leaks.rank_leaks.eq(rows.rank_leaks),
        leaks.use.eq(gather.settings.row_leaks),
        leaks.shift.eq(gather.settings.row_shift),
    ]
    return leaks
