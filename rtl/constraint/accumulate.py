"""Greatest exponent and exact sum of the terms of a chunk of elements."""

from typing import Any

from amaranth import Module, Mux, Signal, signed
from amaranth.hdl import Array, Cat, Const, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ...model.formats import ceil_log2
from ..gather import mantissa_of
from ..pipeline import delayed, wire
from ..shape import ACCUMULATOR_BITS, CELL_BITS, Shape
from .layouts import CHUNK_BLOCKS, NO_TERM, SPAN_BITS, TERM_BITS
from .term_walk import piece_codes, pieces_per_block

BUFFERS = 2


def piece_layout(shape: Shape) -> data.StructLayout:
    """A piece of one term, or nothing: its codes, its place in the chunk, and what is done with it.

    `finds` enters its exponents into the greatest, `adds` its aligned mantissas into the sums; both when the term is
    the only one. `is_first` of a round begins anew.
    """
    codes = data.ArrayLayout(CELL_BITS, piece_codes(shape))
    return data.StructLayout(
        {
            "valid": 1,
            "first": codes,
            "second": codes,
            "exponent": signed(SPAN_BITS),
            "is_single": 1,
            "place": ceil_log2(pieces_per_block(shape) * CHUNK_BLOCKS),
            "buffer": 1,
            "is_first": 1,
            "finds": 1,
            "adds": 1,
        }
    )


class Accumulate(wiring.Component):
    """Two chunks of elements: one is worked on, the other read.

    A piece a cycle; a place may come back after two cycles. Sums are there `latency` cycles after their last piece.
    Reading (`read`) another buffer than the pieces' takes one cycle. Without `enable` everything rests.
    """

    latency = 6

    enable: Signal
    piece: Any
    read: Signal
    read_buffer: Signal
    read_place: Signal
    greatest: Any
    sums: Any

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.codes = piece_codes(shape)
        self.depth = pieces_per_block(shape) * CHUNK_BLOCKS
        super().__init__(
            {
                "enable": In(1),
                "piece": In(piece_layout(shape)),
                "read": In(1),
                "read_buffer": In(1),
                "read_place": In(ceil_log2(self.depth)),
                "greatest": Out(data.ArrayLayout(signed(SPAN_BITS), self.codes)),
                "sums": Out(data.ArrayLayout(ACCUMULATOR_BITS, self.codes)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        piece = self.piece
        control = Cat(piece.place, piece.buffer, piece.is_first, piece.finds & piece.valid, piece.adds & piece.valid)
        steps = [wire(m, delayed(m, control, cycles, f"control_{cycles}"), f"at_{cycles}") for cycles in range(6)]
        products = [self._product(m, slot) for slot in range(self.codes)]
        old, old_sums = Signal(self.codes * SPAN_BITS), Signal(self.codes * ACCUMULATOR_BITS)
        news, sums = [], []
        for slot, (mantissa, exponent) in enumerate(products):
            new, total = self._slot(m, slot, mantissa, exponent, old, old_sums, steps)
            news.append(new)
            sums.append(total)
        self._memory(m, "greatest", SPAN_BITS, steps[2], steps[3], self._finds(steps[3]), Cat(news), old, self.greatest)
        self._memory(
            m, "sums", ACCUMULATOR_BITS, steps[4], steps[5], self._adds(steps[5]), Cat(sums), old_sums, self.sums
        )
        return m

    # --- control bits, from the top ---------------------------------------------------------------------------

    def _adds(self, control: Value) -> Value:
        return control[-1]

    def _finds(self, control: Value) -> Value:
        return control[-2]

    def _is_first(self, control: Value) -> Value:
        return control[-3]

    def _buffer(self, control: Value) -> Value:
        return control[-4]

    def _place(self, control: Value) -> Value:
        return control[:-4]

    # --- data -------------------------------------------------------------------------------------------------

    def _product(self, m: Module, slot: int) -> tuple[Signal, Signal]:
        """Mantissa and exponent of a term's element, two cycles after its codes."""
        code = self.shape.config.code
        width = code.significand_bits
        first, first_shift = mantissa_of(self.piece.first[slot], code)
        second, second_shift = mantissa_of(self.piece.second[slot], code)
        a, c = Signal(width, name=f"first_{slot}"), Signal(width, name=f"second_{slot}")
        exponent = Signal(signed(SPAN_BITS), name=f"exponent_{slot}")
        is_single = self.piece.is_single
        product = Signal(2 * width, name=f"product_{slot}")
        exponent_2 = Signal(signed(SPAN_BITS), name=f"product_exponent_{slot}")
        with m.If(self.enable):
            m.d.sync += [
                a.eq(first),
                c.eq(Mux(is_single, 1 << code.fraction_bits, second)),
                exponent.eq(self.piece.exponent + first_shift + Mux(is_single, 0, second_shift)),
                product.eq(a * c),
                exponent_2.eq(exponent),
            ]
        return product, exponent_2

    def _slot(
        self,
        m: Module,
        slot: int,
        product: Signal,
        exponent: Signal,
        old: Signal,
        old_sums: Signal,
        steps: list[Signal],
    ) -> tuple[Value, Value]:
        """The new greatest exponent, at step 3, and the new sum, at step 5."""
        mantissa_3, exponent_3 = Signal.like(product, name=f"mantissa_3_{slot}"), Signal.like(exponent)
        with m.If(self.enable):
            m.d.sync += [mantissa_3.eq(product), exponent_3.eq(exponent)]
        kept = wire(m, old.word_select(slot, SPAN_BITS).as_signed(), f"kept_{slot}")
        before = wire(m, Mux(self._is_first(steps[3]), Const(NO_TERM, signed(SPAN_BITS)), kept), f"before_{slot}")
        new = wire(m, Mux(mantissa_3.any() & (exponent_3 > before), exponent_3, before), f"new_{slot}")

        # a lone term is its own greatest; what lies more than its bits below the greatest vanishes
        drop = wire(m, Mux(self._finds(steps[3]), 0, kept - exponent_3), f"drop_{slot}")
        shifted_bits = len(product) + TERM_BITS
        mantissa_4, drop_4 = Signal.like(product, name=f"mantissa_4_{slot}"), Signal(6, name=f"drop_4_{slot}")
        aligned = Signal(shifted_bits, name=f"aligned_{slot}")
        with m.If(self.enable):
            m.d.sync += [
                mantissa_4.eq(mantissa_3),
                drop_4.eq(Mux(drop > shifted_bits, shifted_bits, drop)),
                aligned.eq((mantissa_4 << TERM_BITS) >> drop_4),
            ]
        held = Mux(self._is_first(steps[5]), 0, old_sums.word_select(slot, ACCUMULATOR_BITS))
        return new, wire(m, (held + aligned)[:ACCUMULATOR_BITS], f"total_{slot}")

    def _memory(
        self,
        m: Module,
        name: str,
        bits: int,
        read_step: Signal,
        write_step: Signal,
        enable: Value,
        written: Value,
        old: Signal,
        shown: Any,
    ) -> None:
        """One memory a buffer: each has one reader at a time, the pieces or who reads the sums."""
        outputs: list[Value] = []
        for buffer in range(BUFFERS):
            m.submodules[f"{name}_{buffer}"] = cells = memory.Memory(shape=bits * self.codes, depth=self.depth, init=[])
            write, read = cells.write_port(), cells.read_port()
            is_read = wire(m, self.read & (self.read_buffer == buffer), f"{name}_is_read_{buffer}")
            m.d.comb += [
                write.addr.eq(self._place(write_step)),
                write.data.eq(written),
                write.en.eq(enable & (self._buffer(write_step) == buffer)),
                read.addr.eq(Mux(is_read, self.read_place, self._place(read_step))),
            ]
            outputs.append(read.data)
        worked = delayed(m, self._buffer(read_step), 1, f"{name}_worked")
        seen = delayed(m, self.read_buffer, 1, f"{name}_seen")
        m.d.comb += [old.eq(Array(outputs)[worked]), shown.as_value().eq(Array(outputs)[seen])]
