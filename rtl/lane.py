"""One lane: everything that belongs to one vector, without control."""

from typing import Any

from amaranth import Module, Mux, Signal, signed
from amaranth.hdl import Array, Cat, Const, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import CODEBOOK_BITS, TOP_BITS
from . import lane_ports as ports
from .buffer import WidthBuffer
from .encoder import Encoder
from .exponents import Exponents
from .finish import LENGTH_BITS, Finisher
from .gather import GatherSum, mantissa_of
from .pipeline import greatest, wire
from .row_leaks import own_leak_ports, record_leak, weighted
from .shape import (
    BUFFERS,
    CELL_BITS,
    EXPONENT_BITS,
    RESULT_BITS,
    VECTOR_EXPONENT_BITS,
    Shape,
)


class Lane(wiring.Component):
    """Memories x, emission, z, results and y of one vector, its S gather slots and its W encoders.

    Everything it does is told by the shared control at the cycles of `PassTiming` and `GatherTiming`; it offers its
    leak sums, a row of the result memory (`latency` 1), a beat of y (`latency` 1) and the header of its result.
    """

    setup_write: Signal
    setup: data.View
    load_write: Signal
    load: data.View
    emission_write: Signal
    emission: data.View
    fetch: data.View
    operand: data.View
    kappa: data.View
    encode_enable: Signal
    scale_output: Signal
    maximum: data.View
    finalize: data.View
    store: data.View
    leak_sum: data.View
    leak_weight: data.View
    row_leak: data.View
    leak_write: Signal
    leak: data.View
    read: data.View
    factors: data.View
    last_segment: Signal
    last_carry: Signal
    total: data.View
    result: data.View
    bank_read: data.View
    y_read: Signal
    y_beat: Signal
    header_select: data.View
    clear_error: Signal
    sums: data.View
    row: data.View
    beat: Signal
    header: data.View
    range_error: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        slots = shape.config.entries_per_cycle
        super().__init__(
            {
                "setup_write": In(1),
                "setup": In(ports.setup_layout()),
                "load_write": In(1),
                "load": In(ports.load_layout(shape)),
                "emission_write": In(1),
                "emission": In(ports.emission_layout(shape)),
                "fetch": In(ports.fetch_layout(shape)),
                "operand": In(ports.operand_layout(shape)),
                "kappa": In(ports.kappa_layout(shape)),
                "encode_enable": In(1),
                "scale_output": In(1),
                "maximum": In(data.StructLayout({"reset": 1, "update": 1})),
                "finalize": In(ports.finalize_layout()),
                "store": In(ports.store_layout(shape)),
                "leak_sum": In(ports.leak_sum_layout(shape)),
                **own_leak_ports(shape),
                "leak_write": In(1),
                "leak": In(ports.leak_layout()),
                "read": In(ports.read_layout(shape)),
                "factors": In(data.ArrayLayout(CODEBOOK_BITS, slots)),
                "last_segment": In(slots),
                "last_carry": In(slots),
                "total": In(ports.total_layout(shape)),
                "result": In(ports.result_layout(shape)),
                "bank_read": In(ports.bank_read_layout(shape)),
                "y_read": In(1),
                "y_beat": In(ports.load_layout(shape)["beat"].shape),
                "header_select": In(ports.header_layout()),
                "clear_error": In(1),
                "sums": Out(data.ArrayLayout(shape.sum_bits, 2)),
                "row": Out(data.ArrayLayout(CELL_BITS, shape.banks)),
                "beat": Out(shape.config.port_bits),
                "header": Out(data.StructLayout({"leak": CELL_BITS, "exponent": VECTOR_EXPONENT_BITS})),
                "range_error": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.exponents = self._exponents = Exponents(self.shape)
        vector = self._vector(m, "x", ~self.load.second)
        second = self._vector(m, "second", self.load.second)
        levels = self._emission(m)
        z_codes = self._z_codes(m)
        results, finished = self._results(m, z_codes)
        codes, longest = self._encode(m, vector, second, levels, results, finished)
        self._store(m, codes)
        self._scale(m, longest, finished)
        return m

    # --- input side -------------------------------------------------------------------------------------------

    def _vector(self, m: Module, name: str, is_loaded: Value) -> list[Value]:
        """The memory of a vector, or of its second factor: beats in, W codes out."""
        elements = self.shape.config.elements_per_cycle
        bits = self.shape.config.hidden_capacity * CELL_BITS
        m.submodules[name] = x = WidthBuffer(bits, self.shape.config.port_bits, elements * CELL_BITS)
        m.d.comb += [
            x.write.eq(self.load_write & is_loaded),
            x.write_address.eq(self.load.beat),
            x.write_data.eq(self.load.data),
            x.read.eq(self.fetch.input),
            x.read_address.eq(self.fetch.word),
        ]
        return [x.read_data[slot * CELL_BITS : (slot + 1) * CELL_BITS] for slot in range(elements)]

    def _emission(self, m: Module) -> list[Value]:
        """The emission memory: single levels in, W out; the pass that reads a word last also clears it."""
        elements = self.shape.config.elements_per_cycle
        m.submodules.emissions = cells = memory.Memory(shape=elements * CODEBOOK_BITS, depth=self.shape.words, init=[])
        write, read = cells.write_port(granularity=CODEBOOK_BITS), cells.read_port()
        clear = self.operand.clear_emission
        m.d.comb += [
            read.addr.eq(self.fetch.word),
            read.en.eq(self.fetch.input),
            write.addr.eq(Mux(clear, self.operand.word, self.emission.word)),
            write.data.eq(Mux(clear, 0, self.emission.level.replicate(elements))),
            write.en.eq(Mux(clear, (1 << elements) - 1, self.emission_write << self.emission.slot)),
        ]
        return [read.data[slot * CODEBOOK_BITS : (slot + 1) * CODEBOOK_BITS] for slot in range(elements)]

    # --- gather -----------------------------------------------------------------------------------------------

    def _z_codes(self, m: Module) -> list[Value]:
        """The z memory: W codes in, S single codes out, one cycle after their indices."""
        config, shape = self.shape.config, self.shape
        code_bits, elements = config.code.code_bits, config.elements_per_cycle
        self._z = memory.Memory(shape=elements * code_bits, depth=BUFFERS * shape.words, init=[])
        m.submodules.z = self._z
        codes: list[Value] = []
        for slot in range(config.entries_per_cycle):
            port = self._z.read_port()
            index = self.read.index[slot]
            part = Signal(shape.slot_bits, name=f"z_part_{slot}")
            m.d.comb += [
                port.addr.eq(Cat(index[shape.slot_bits :], self.read.buffer)),
                port.en.eq(self.read.enable),
            ]
            m.d.sync += part.eq(index[: shape.slot_bits])
            code = port.data.word_select(part, code_bits) if shape.slot_bits else port.data
            codes.append(wire(m, code, f"z_code_{slot}"))
        return codes

    def _results(self, m: Module, z_codes: list[Value]) -> tuple[list[Value], list[dict[str, Signal]]]:
        """Sum, add the leak, finish, and keep: the result memory, and the finished leak of empty outputs."""
        m.submodules.gather = gather = GatherSum(self.shape)
        m.d.comb += [gather.codes[slot].eq(code) for slot, code in enumerate(z_codes)]
        m.d.comb += [
            gather.factors.eq(self.factors),
            gather.last_segment.eq(self.last_segment),
            gather.last_carry.eq(self.last_carry),
        ]
        finishers = self._finish(m, gather)
        finished = self._keep_leak(m, finishers[0])
        self._track_maximum(m, finishers, finished)
        return self._banks(m, finishers), finished

    def _finish(self, m: Module, gather: GatherSum) -> list[Finisher]:
        leaks = [Signal(len(self.leak.leak), name=f"leak_{buffer}") for buffer in range(BUFFERS)]
        empty_leaks = [Signal(len(self.leak.leak), name=f"empty_leak_{buffer}") for buffer in range(BUFFERS)]
        for buffer in range(BUFFERS):
            with m.If(self.leak_write & (self.leak.buffer == buffer)):
                m.d.sync += [leaks[buffer].eq(self.leak.leak), empty_leaks[buffer].eq(self.leak.empty_leak)]
        chosen = Signal.like(leaks[0], name="chosen_leak")
        m.d.comb += chosen.eq(
            Mux(self.total.header, Array(empty_leaks)[self.total.buffer], Array(leaks)[self.total.buffer])
        )
        finishers: list[Finisher] = []
        for slot in range(self.shape.config.entries_per_cycle):
            m.submodules[f"finish_{slot}"] = finisher = Finisher()
            own = chosen
            if self.shape.config.row_leaks:
                own = record_leak(m, self.row_leak, slot, leaks, self.total.header, chosen)
            m.d.comb += [
                finisher.total.eq(gather.totals[slot]),
                finisher.leak.eq(Mux(self.total.closed[slot], 0, own)),
            ]
            finishers.append(finisher)
        return finishers

    def _keep_leak(self, m: Module, finisher: Finisher) -> list[dict[str, Signal]]:
        """The header of a group passes through slot 0: keep what the leak of empty outputs came to."""
        finished = [
            {
                "mantissa": Signal(TOP_BITS, name=f"leak_mantissa_{buffer}"),
                "shift": Signal(len(finisher.shift), name=f"leak_shift_{buffer}"),
                "score": Signal(CELL_BITS, name=f"leak_score_{buffer}"),
                "length": Signal(LENGTH_BITS, name=f"leak_length_{buffer}"),
                "maximum": Signal(LENGTH_BITS, name=f"result_maximum_{buffer}"),
            }
            for buffer in range(BUFFERS)
        ]
        for buffer, kept in enumerate(finished):
            with m.If(self.result.header & (self.result.buffer == buffer)):
                m.d.sync += [
                    kept["mantissa"].eq(finisher.mantissa),
                    kept["shift"].eq(finisher.shift),
                    kept["score"].eq(finisher.score),
                    kept["length"].eq(finisher.length),
                    kept["maximum"].eq(0),
                ]
        return finished

    def _track_maximum(self, m: Module, finishers: list[Finisher], finished: list[dict[str, Signal]]) -> None:
        """The greatest bit length among the results of a buffer, so that forward needs no pass for it."""
        lengths = [
            wire(m, Mux(self.result.ended[slot], finisher.length, 0), f"ended_length_{slot}")
            for slot, finisher in enumerate(finishers)
        ]
        longest = greatest(m, lengths, "longest_result")
        for buffer, kept in enumerate(finished):
            with m.If((self.result.buffer == buffer) & ~self.result.header & (longest > kept["maximum"])):
                m.d.sync += kept["maximum"].eq(longest)

    def _banks(self, m: Module, finishers: list[Finisher]) -> list[Value]:
        """Results in order of rank, rank r in bank r % banks."""
        tops = Array(Cat(finisher.mantissa, finisher.shift) for finisher in finishers)
        scores = Array(finisher.score for finisher in finishers)
        outputs: list[Value] = []
        for bank in range(self.shape.banks):
            cells = memory.Memory(shape=RESULT_BITS, depth=self.shape.bank_rows, init=[])
            m.submodules[f"bank_{bank}"] = cells
            write, read = cells.write_port(), cells.read_port()
            target = self.result.bank[bank]
            m.d.comb += [
                write.addr.eq(target.row),
                write.en.eq(target.write),
                write.data.eq(Mux(self.result.is_score, scores[target.source], tops[target.source])),
                read.addr.eq(self.bank_read.row[bank]),
                read.en.eq(self.bank_read.enable),
                self.row[bank].eq(read.data),
            ]
            outputs.append(read.data)
        return outputs

    # --- element passes ---------------------------------------------------------------------------------------

    def _encode(
        self,
        m: Module,
        vector: list[Value],
        second: list[Value],
        levels: list[Value],
        results: list[Value],
        finished: list[dict[str, Signal]],
    ) -> tuple[list[Value], Value]:
        """W encoders; returns their codes and, registered, the greatest length among them."""
        buffer = self.operand.buffer
        leak_mantissa = wire(m, Array(kept["mantissa"] for kept in finished)[buffer], "chosen_leak_mantissa")
        leak_shift = wire(m, Array(kept["shift"] for kept in finished)[buffer], "chosen_leak_shift")
        is_active = wire(m, self._exponents.active.bit_select(buffer, 1), "is_active")
        has_absent = wire(m, ~(self.operand.use_emission & self._closed(m)), "has_absent")
        scale = wire(m, Mux(self.scale_output, self._exponents.scales[1], self._exponents.scales[0]), "scale")
        lengths: list[Value] = []
        codes: list[Value] = []
        for slot in range(self.shape.config.elements_per_cycle):
            m.submodules[f"encoder_{slot}"] = encoder = Encoder(self.shape)
            mantissa, shift = mantissa_of(vector[slot], self.shape.config.code)
            result = wire(m, Array(results)[self.operand.bank[slot]], f"result_{slot}")
            use_leak = self.operand.use_leak[slot]
            top = Mux(use_leak, leak_mantissa, result[:TOP_BITS])
            top_shift = Mux(use_leak, leak_shift, result[TOP_BITS:])
            constant = self.operand.constant[slot]
            is_listed = wire(m, self.operand.use_emission & levels[slot].any(), f"is_listed_{slot}")
            factor, factor_shift = mantissa_of(second[slot], self.shape.config.code)
            exponent = Mux(self.operand.is_output, top_shift, shift) - Mux(is_listed, 0, constant.shift)
            m.d.comb += [
                encoder.enable.eq(self.encode_enable),
                encoder.a.eq(Mux(self.operand.is_output, top, mantissa)),
                encoder.b.eq(
                    Mux(
                        self.operand.use_second,
                        factor,
                        Mux(is_listed, levels[slot], Mux(has_absent, constant.mantissa, 0)),
                    ),
                ),
                encoder.exponent.eq(Mux(self.operand.use_second, shift + factor_shift, exponent)),
                encoder.valid.eq(self.operand.valid[slot] & is_active),
                encoder.use_kappa.eq(self.kappa.use),
                encoder.kappa.eq(self.kappa.constant[slot].mantissa),
                encoder.kappa_shift.eq(self.kappa.constant[slot].shift),
                encoder.scale.eq(scale),
            ]
            lengths.append(encoder.length)
            codes.append(encoder.code)
        longest = Signal(signed(EXPONENT_BITS))
        m.d.sync += longest.eq(greatest(m, lengths, "longest_element"))
        return codes, longest

    def _closed(self, m: Module) -> Value:
        """Whether the vector under way consumes a token that no leak reaches, taken with its exponent."""
        coming, current = Signal(name="coming_closed"), Signal(name="current_closed")
        with m.If(self.setup_write):
            m.d.sync += coming.eq(self.setup.is_closed)
        with m.If(self.maximum.reset & ~self.operand.is_output):
            m.d.sync += current.eq(coming)
        return current

    def _store(self, m: Module, codes: list[Value]) -> None:
        """Codes into z or y, and into the leak sums."""
        shape = self.shape
        elements, code_bits = shape.config.elements_per_cycle, shape.config.code.code_bits
        write = self._z.write_port()
        m.d.comb += [
            write.addr.eq(Cat(self.store.word, self.store.buffer)),
            write.en.eq(self.store.z),
            write.data.eq(Cat(*codes)),
        ]
        bits = shape.config.hidden_capacity * CELL_BITS
        m.submodules.y = y = WidthBuffer(bits, elements * CELL_BITS, shape.config.port_bits)
        m.d.comb += [
            y.write.eq(self.store.y),
            y.write_address.eq(self.store.word),
            y.write_data.eq(Cat(*(Cat(code, Const(0, CELL_BITS - code_bits)) for code in codes))),
            y.read.eq(self.y_read),
            y.read_address.eq(self.y_beat),
            self.beat.eq(y.read_data),
        ]
        self._sum_leaks(m, codes)

    def _sum_leaks(self, m: Module, codes: list[Value]) -> None:
        """S1 over ordinary rows in sums[0], S0 over zero rows in sums[1]; the closed row is in neither."""
        parts: list[Value] = [Const(0, 1), Const(0, 1)]
        for slot, code in enumerate(codes):
            mantissa, shift = mantissa_of(code, self.shape.config.code)
            fix = Signal(self.shape.config.code.fix_bits, name=f"fix_{slot}")
            m.d.sync += fix.eq(mantissa << shift)
            if self.shape.config.row_leaks:
                fix = weighted(m, self.leak_weight[slot], mantissa, shift, slot)
            chosen = (self.leak_sum.ordinary[slot], self.leak_sum.zero[slot])
            parts = [part + Mux(is_added, fix, 0) for part, is_added in zip(parts, chosen, strict=True)]
        with m.If(self.leak_sum.clear):
            m.d.sync += self.sums.eq(0)
        with m.Elif(self.leak_sum.add):
            m.d.sync += [self.sums[kind].eq(self.sums[kind] + part) for kind, part in enumerate(parts)]

    # --- exponents --------------------------------------------------------------------------------------------

    def _scale(self, m: Module, longest: Value, finished: list[dict[str, Signal]]) -> None:
        """What the exponents need, and what the header shows of them."""
        exponents = self._exponents
        m.d.comb += [
            exponents.setup_write.eq(self.setup_write),
            exponents.setup.eq(self.setup),
            exponents.maximum.eq(self.maximum),
            exponents.longest.eq(longest),
            exponents.is_output.eq(self.operand.is_output),
            exponents.buffer.eq(self.operand.buffer),
            exponents.finalize.eq(self.finalize),
            exponents.clear_error.eq(self.clear_error),
            self.range_error.eq(exponents.range_error),
        ]
        for buffer, kept in enumerate(finished):
            m.d.comb += [
                exponents.gathered[buffer].eq(kept["maximum"]),
                exponents.leak_length[buffer].eq(kept["length"]),
            ]
        shown = self.header_select.buffer
        leak_score = Array(kept["score"] for kept in finished)[shown]
        z_exponent = Mux(shown, exponents.z_exponents[1], exponents.z_exponents[0])
        m.d.comb += [
            self.header.leak.eq(Mux(self.header_select.is_score, leak_score, 0)),
            self.header.exponent.eq(Mux(self.header_select.is_score, z_exponent, exponents.y_exponent)),
        ]
