"""TOP_24 and ENC of the elements of one vector, W a cycle."""

from typing import Any

from amaranth import Module, Mux, Signal, signed
from amaranth.hdl import Cat, Const, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...model.formats import CONSTANT_BITS, EXPONENT_LIMIT, ZERO_EXPONENT
from ..encoder import LEAST, Encoder
from ..finish import Finisher
from ..pipeline import delayed, greatest, wire
from ..row_leaks import code_parts
from ..shape import ACCUMULATOR_BITS, CELL_BITS, COUNT_BITS, EXPONENT_BITS, VECTOR_EXPONENT_BITS, Shape
from ..tables import row_layout
from .chunk_finish import finished_per_cycle
from .encode_control import EncodeTiming
from .layouts import (
    EDGE_FRACTION_BITS,
    INVERSE_BITS,
    LEAK_BITS,
    LEVEL_BITS,
    NO_TERM,
    ROW_SHIFT_BITS,
    SPAN_BITS,
    TERM_BITS,
    TOKEN_COUNT_BITS,
    cell_layout,
)

FAR_BELOW = -(1 << (EXPONENT_BITS - 2))
"""An element of a sum whose exponent is so far below the greatest length has code 0 however much further."""


class EdgeEncode(wiring.Component):
    """W finishers and W encoders, and the maximum between two passes.

    Weights: cells hold level sums; value = (sum << 40) + leak (the zero leak on a zero row, none on the closed row),
    TOP_24 of it times rho.
    Sums: `chunk` brings sums and greatest exponents of terms, whose TOP_24 goes back into the cells (`cell_write`)
    and whose length enters the maximum; later the cells are encoded relative to that maximum.

    Cells and rows are read in the cycles that `cells_read` and `rows_read` say (latency one cycle).
    """

    enable: Signal
    is_sums: Signal
    begin: Signal
    inputs: Signal
    leak: Signal
    zero_leak: Signal
    closed_row: Signal
    row_leaks: Signal
    inverse: Signal
    row_shift: Signal
    issue: Signal
    encodes: Signal
    word: Signal
    is_last: Signal
    settle: Signal
    cells_read: Signal
    cells_word: Signal
    cells: Any
    rows_read: Signal
    rows: Any
    chunk: Any
    cell_write: Signal
    cell_word: Signal
    cell: Any
    coded: Signal
    coded_last: Signal
    codes: Any
    exponent: Signal
    out_of_range: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.timing = EncodeTiming(shape.config.row_leaks)
        elements = shape.config.elements_per_cycle
        own = {"row_leaks": In(1), "inverse": In(INVERSE_BITS), "row_shift": In(ROW_SHIFT_BITS)}
        super().__init__(
            {
                **(own if shape.config.row_leaks else {}),
                "enable": In(1),
                "is_sums": In(1),
                "begin": In(1),
                "inputs": In(COUNT_BITS),
                "leak": In(LEAK_BITS),
                "zero_leak": In(LEAK_BITS),
                "closed_row": In(COUNT_BITS),
                "issue": In(1),
                "encodes": In(1),
                "word": In(shape.word_bits),
                "is_last": In(1),
                "settle": In(1),
                "cells_read": Out(1),
                "cells_word": Out(shape.word_bits),
                "cells": In(data.ArrayLayout(cell_layout(), elements)),
                "rows_read": Out(1),
                "rows": In(row_layout(shape)),
                "chunk": In(chunk_layout(shape)),
                "cell_write": Out(elements),
                "cell_word": Out(shape.word_bits),
                "cell": Out(data.ArrayLayout(cell_layout(), elements)),
                "coded": Out(1),
                "coded_last": Out(1),
                "codes": Out(data.ArrayLayout(CELL_BITS, elements)),
                "exponent": Out(signed(VECTOR_EXPONENT_BITS)),
                "out_of_range": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        finishers = self._finish(m)
        lengths = self._keep(m, finishers)
        scale, maximum = Signal(signed(EXPONENT_BITS)), Signal(signed(SPAN_BITS))
        encoders = self._encode(m, finishers, scale, maximum)
        self._maximum(m, lengths, encoders, maximum)
        self._settle(m, scale, maximum)
        self._codes(m, encoders)
        return m

    def _finish(self, m: Module) -> list[Finisher]:
        """TOP_24 of level sums and leak, or of a chunk's sums."""
        finished, lead = finished_per_cycle(self.shape), self.timing.lead
        issue, word = (
            delayed(m, signal, lead, name) for signal, name in ((self.issue, "led"), (self.word, "led_word"))
        )
        m.d.comb += [
            self.rows_read.eq(self.issue),
            self.cells_read.eq(Mux(self.is_sums, delayed(m, issue, Finisher.latency, "issued"), issue)),
            self.cells_word.eq(Mux(self.is_sums, delayed(m, word, Finisher.latency, "issued_word"), word)),
        ]
        finishers: list[Finisher] = []
        for slot in range(self.shape.config.elements_per_cycle):
            m.submodules[f"finish_{slot}"] = finisher = Finisher()
            weight = Cat(Const(0, EDGE_FRACTION_BITS), self.cells[slot].mantissa)[:ACCUMULATOR_BITS]
            element = (self.word << self.shape.slot_bits) + slot
            is_closed = delayed(m, element + 1 == self.closed_row, 1 + lead, f"closed_{slot}")
            is_zero = delayed(m, self.rows.zero[slot], lead, f"zero_{slot}")
            ordinary = self._row_leak(m, slot) if self.shape.config.row_leaks else self.leak
            leak = Mux(is_closed, 0, Mux(is_zero, self.zero_leak, ordinary))
            m.d.comb += [
                finisher.total.eq(Mux(self.is_sums, self.chunk.sums[slot % finished], weight)),
                finisher.leak.eq(Mux(self.is_sums, 0, leak)),
            ]
            finishers.append(finisher)
        return finishers

    def _row_leak(self, m: Module, slot: int) -> Value:
        """The leak of a row: the number of tokens times what its own leak is for each, rounded; three registers."""
        mantissa, exponent = code_parts(self.rows.leak[slot])
        scaled = Signal(INVERSE_BITS + len(mantissa), name=f"scaled_{slot}")
        place = Signal(len(exponent), name=f"place_{slot}")
        level = Signal(LEVEL_BITS, name=f"level_{slot}")
        leak = Signal(LEAK_BITS, name=f"leak_{slot}")
        half = Const(1) << (self.row_shift - 1)[:ROW_SHIFT_BITS]
        m.d.sync += [
            scaled.eq(self.inverse * mantissa),
            place.eq(exponent),
            level.eq(((scaled << place) + half) >> self.row_shift),
            leak.eq(level * self.leak[:TOKEN_COUNT_BITS]),
        ]
        return Mux(self.row_leaks, leak, self.leak)

    def _keep(self, m: Module, finishers: list[Finisher]) -> list[Value]:
        """TOP_24 of a chunk's sums goes into the cells; return the lengths of its elements."""
        shape, finished = self.shape, finished_per_cycle(self.shape)
        valid = delayed(m, self.chunk.valid, Finisher.latency, "finished")
        element = wire(m, delayed(m, self.chunk.element, Finisher.latency, "finished_element"), "element")
        exponents = delayed(m, self.chunk.greatest.as_value(), Finisher.latency, "finished_greatest")
        offset = element[: shape.slot_bits]
        m.d.comb += [
            self.cell_word.eq(element[shape.slot_bits :]),
            self.cell_write.eq(Mux(valid & (element < self.inputs), ((1 << finished) - 1) << offset, 0)),
        ]
        lengths: list[Value] = []
        for slot, finisher in enumerate(finishers):
            exponent = exponents.word_select(slot % finished, SPAN_BITS).as_signed() - TERM_BITS
            m.d.comb += [
                self.cell[slot].mantissa.eq(finisher.mantissa),
                self.cell[slot].exponent.eq(exponent + finisher.shift),
            ]
            if slot < finished:
                is_there = valid & finisher.length.any() & (element + slot < self.inputs)
                lengths.append(wire(m, Mux(is_there, exponent + finisher.length, NO_TERM), f"sum_length_{slot}"))
        return lengths

    def _encode(self, m: Module, finishers: list[Finisher], scale: Signal, maximum: Signal) -> list[Encoder]:
        """Factors and their exponents."""
        shape = self.shape
        sigma_bits = len(self.rows.sigma[0])
        issued = delayed(m, self.issue, self.timing.factors, "factors")
        word = delayed(m, self.word, self.timing.factors, "factors_word")
        row_latency = self.timing.lead + Finisher.latency
        later = delayed(m, Cat(self.rows.rho.as_value(), self.rows.sigma.as_value()), row_latency, "row")
        rho, sigma = later[: len(self.rows.rho.as_value())], later[len(self.rows.rho.as_value()) :]
        encoders: list[Encoder] = []
        for slot, finisher in enumerate(finishers):
            m.submodules[f"encode_{slot}"] = encoder = Encoder(shape)
            cell = self.cells[slot]
            below = wire(m, cell.exponent - maximum, f"below_{slot}")
            near = Mux(below < FAR_BELOW, FAR_BELOW, below)
            weight_exponent = finisher.shift - sigma.word_select(slot, sigma_bits) - EDGE_FRACTION_BITS
            m.d.comb += [
                encoder.enable.eq(self.enable),
                encoder.a.eq(Mux(self.is_sums, cell.mantissa, finisher.mantissa)),
                encoder.b.eq(Mux(self.is_sums, 1, rho.word_select(slot, CONSTANT_BITS))),
                encoder.exponent.eq(Mux(self.is_sums, near, weight_exponent)),
                encoder.valid.eq(issued & (((word << shape.slot_bits) + slot) < self.inputs)),
                encoder.scale.eq(scale),
            ]
            encoders.append(encoder)
        return encoders

    def _maximum(self, m: Module, sums: list[Value], encoders: list[Encoder], maximum: Signal) -> None:
        """Greatest length of the pass, or of the chunks; a length that is not there is the least."""
        least = Const(NO_TERM, signed(SPAN_BITS))
        lengths: list[Value] = []
        for slot, encoder in enumerate(encoders):
            chunk = sums[slot] if slot < len(sums) else least
            of_weight = Mux(encoder.length == LEAST, least, encoder.length)
            length = Signal(signed(SPAN_BITS), name=f"length_{slot}")
            m.d.sync += length.eq(Mux(self.is_sums, chunk, of_weight))
            lengths.append(length)
        longest = greatest(m, lengths, "longest")
        with m.If(self.begin):
            m.d.sync += maximum.eq(least)
        with m.Elif(longest > maximum):
            m.d.sync += maximum.eq(longest)

    def _settle(self, m: Module, scale: Signal, maximum: Signal) -> None:
        """The maximum becomes the vector's exponent, and the scale of what is encoded."""
        fix_bits = self.shape.config.code.fix_bits
        exponent = wire(m, maximum - fix_bits, "exponent_of_maximum")
        is_zero = wire(m, maximum == NO_TERM, "is_zero")
        is_inside = (exponent >= -EXPONENT_LIMIT) & (exponent <= EXPONENT_LIMIT)
        m.d.comb += self.out_of_range.eq(self.settle & ~is_zero & ~is_inside)
        with m.If(self.settle):
            m.d.sync += [
                self.exponent.eq(Mux(is_zero, ZERO_EXPONENT, exponent)),
                scale.eq(Mux(is_zero, 0, Mux(self.is_sums, -fix_bits, exponent))),
            ]

    def _codes(self, m: Module, encoders: list[Encoder]) -> None:
        m.d.comb += [
            self.coded.eq(delayed(m, self.encodes, self.timing.codes, "coded")),
            self.coded_last.eq(delayed(m, self.is_last, self.timing.codes, "coded_last")),
        ]
        m.d.comb += [self.codes[slot].eq(encoder.code) for slot, encoder in enumerate(encoders)]


def chunk_layout(shape: Shape) -> data.StructLayout:
    """Sums of some consecutive elements, `element` the number of the first."""
    elements = finished_per_cycle(shape)
    return data.StructLayout(
        {
            "valid": 1,
            "element": COUNT_BITS,
            "sums": data.ArrayLayout(ACCUMULATOR_BITS, elements),
            "greatest": data.ArrayLayout(signed(SPAN_BITS), elements),
        }
    )
