"""Element passes: one unit of W encoders a lane, shared by the input side and the output side of the engine."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Cat, Const, Mux, Value
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import CONSTANT_BITS, ceil_log2
from . import lane_ports as ports
from .bits import one_count
from .lane_ports import PassTiming, Scale
from .operation import Opcode
from .pipeline import delayed, wire
from .row_leaks import NO_WEIGHT, code_parts
from .shape import COUNT_BITS, SHIFT_BITS, Shape
from .tables import TENSORS, row_layout

ALPHA, BETA = 0, 1


class Pass(enum.Enum, shape=3):
    """What one pass over the elements of all lanes does."""

    INPUT_MAXIMUM = 0
    """Maximum of the scaled inputs; ends by fixing the exponent of z."""
    INPUT_ENCODE = 1
    """z and its leak sums."""
    INPUT_COPY = 2
    """z is the vector itself; its leak sum."""
    OUTPUT_MAXIMUM = 3
    """Maximum of the scaled results (backward)."""
    OUTPUT_ENCODE = 4
    """y."""


def request_layout() -> data.StructLayout:
    """A pass, and the buffer it works on."""
    return data.StructLayout({"kind": Pass, "buffer": 1})


class PassSettings(wiring.Signature):
    """What a pass needs of the descriptor."""

    def __init__(self, shape: Shape) -> None:
        own = {"row_leaks": Out(1), "row_emissions": Out(1), "row_right": Out(ports.ROW_RIGHT_BITS)}
        super().__init__(
            {
                **(own if shape.config.row_leaks else {}),
                "opcode": Out(Opcode),
                "is_dense": Out(1),
                "inputs": Out(COUNT_BITS),
                "outputs": Out(COUNT_BITS),
                "has_empty": Out(1),
                "has_second": Out(1),
                "closed_row": Out(COUNT_BITS),
                "drops_closed": Out(1),
                "emission_k1": Out(ports.constant_layout()),
                "emission_k0": Out(ports.constant_layout()),
            }
        )


class ElementPasses(wiring.Component):
    """Runs one pass at a time; the output side goes first. Its settings are those of the side that `is_output` names.

    A request is held until `ready`, which comes when the pass is complete. The last pass over a loaded group (encode
    or copy) has `begun` when it takes the lanes' settings and `ended` when it has read everything; words below
    `passed` will not be read again. A pass of n elements takes ceil(n / W) + `overhead` cycles when its elements are
    there; the first pass over a loaded group waits for `loaded` words.
    """

    settings: Any
    is_output: Signal
    input: Any
    output: Any
    loaded: Signal
    map_read: Signal
    map_word: Signal
    nonempty: Signal
    row_read: Signal
    row_word: Signal
    rows: Any
    fetch: Any
    bank_read: Any
    operand: Any
    kappa: Any
    encode_enable: Signal
    scale_output: Signal
    maximum: Any
    finalize: Any
    store: Any
    leak_sum: Any
    leak_weight: Any
    issued: Signal
    begun: Signal
    ended: Signal
    passed: Signal

    drain = 2 + PassTiming.leak_done
    """Cycles from the last issue until everything the pass does is visible."""
    overhead = 3 + drain
    """Cycles beyond one a word: grant, begin, drain, end."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        elements = shape.config.elements_per_cycle
        super().__init__(
            {
                "settings": In(PassSettings(shape)),
                "is_output": Out(1),
                "input": In(stream.Signature(request_layout())),
                "output": In(stream.Signature(request_layout())),
                "loaded": In(COUNT_BITS),
                "map_read": Out(1),
                "map_word": Out(shape.word_bits),
                "nonempty": In(elements),
                "row_read": Out(1),
                "row_word": Out(shape.word_bits),
                "rows": In(data.ArrayLayout(row_layout(shape), TENSORS)),
                "fetch": Out(ports.fetch_layout(shape)),
                "bank_read": Out(ports.bank_read_layout(shape)),
                "operand": Out(ports.operand_layout(shape)),
                "kappa": Out(ports.kappa_layout(shape)),
                "encode_enable": Out(1),
                "scale_output": Out(1),
                "maximum": Out(data.StructLayout({"reset": 1, "update": 1})),
                "finalize": Out(ports.finalize_layout()),
                "store": Out(ports.store_layout(shape)),
                "leak_sum": Out(ports.leak_sum_layout(shape)),
                **({"leak_weight": Out(ports.leak_weight_layout(shape))} if shape.config.row_leaks else {}),
                "issued": Out(1),
                "begun": Out(1),
                "ended": Out(1),
                "passed": Out(COUNT_BITS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._settings = self.settings
        self._kind = Signal(Pass)
        self._buffer = Signal()
        self._is_output = self.is_output
        self._empty = Signal(self.shape.config.elements_per_cycle)
        self._closed = Signal(self.shape.config.elements_per_cycle)
        issue, word = self._sequence(m)
        self._issue(m, issue, word)
        return m

    # --- control ----------------------------------------------------------------------------------------------

    def _sequence(self, m: Module) -> tuple[Signal, Signal]:
        """Grant, one word a cycle, drain, end."""
        requests = {"input": self.input, "output": self.output}
        elements = self.shape.config.elements_per_cycle
        issue, is_complete = Signal(), Signal()
        word = Signal(self.shape.word_bits + 1)
        words = Signal(self.shape.word_bits + 1)
        wait = Signal(range(self.drain + 1))
        count = wire(m, Mux(self._is_output, self._settings.outputs, self._settings.inputs), "count")
        m.d.comb += [
            words.eq((count + (elements - 1)) >> ceil_log2(elements)),
            self.issued.eq(issue),
            self.finalize.buffer.eq(self._buffer),
            self.finalize.has_empty.eq(self._settings.has_empty),
        ]
        is_maximum = (self._kind == Pass.INPUT_MAXIMUM) | (self._kind == Pass.OUTPUT_MAXIMUM)
        is_last = wire(m, (self._kind == Pass.INPUT_ENCODE) | (self._kind == Pass.INPUT_COPY), "is_last_input")
        # While a group still loads, its own pass must not hold its load back.
        m.d.comb += [self.passed.eq(Mux(is_complete & is_last, word, ~0)), self.encode_enable.eq(1)]
        with m.FSM():
            with m.State("grant"):
                m.d.comb += self.encode_enable.eq(0)
                for side in ("input", "output"):  # the output side is older work: it overrides
                    with m.If(requests[side].valid):
                        m.d.sync += [
                            self._kind.eq(requests[side].payload.kind),
                            self._buffer.eq(requests[side].payload.buffer),
                            self._is_output.eq(side == "output"),
                            word.eq(0),
                            wait.eq(self.drain - 1),
                        ]
                        m.next = "begin"
            with m.State("begin"):
                self._begin(m)
                m.d.comb += self.begun.eq(is_last)
                m.d.sync += is_complete.eq(self._kind == Pass.INPUT_ENCODE)
                m.next = "run"
            with m.State("run"):
                m.d.comb += issue.eq(self._is_output | is_complete | (word < self.loaded))
                with m.If(self.loaded.all()):  # soon the count may be that of the next group
                    m.d.sync += is_complete.eq(1)
                with m.If(issue):
                    m.d.sync += word.eq(word + 1)
                    with m.If(word + 1 == words):
                        m.next = "drain"
            with m.State("drain"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.next = "end"
            with m.State("end"):
                m.d.comb += self.ended.eq(is_last)
                m.d.sync += is_complete.eq(0)
                with m.If(is_maximum):
                    m.d.comb += [
                        self.finalize.strobe.eq(1),
                        self.finalize.source.eq(Mux(self._is_output, Scale.OUTPUT, Scale.INPUT)),
                    ]
                with m.If(self._is_output):
                    m.d.comb += requests["output"].ready.eq(1)
                with m.Else():
                    m.d.comb += requests["input"].ready.eq(1)
                m.next = "grant"
        return issue, word

    def _begin(self, m: Module) -> None:
        """Reset what the pass accumulates; scales that are already known are taken now."""
        m.d.comb += self.maximum.reset.eq(1)
        with m.Switch(self._kind):
            with m.Case(Pass.INPUT_COPY):
                m.d.comb += [self.finalize.strobe.eq(1), self.finalize.source.eq(Scale.COPY)]
            with m.Case(Pass.OUTPUT_ENCODE):
                m.d.comb += [
                    self.finalize.strobe.eq(self._settings.opcode == Opcode.FORWARD),
                    self.finalize.source.eq(Scale.GATHER),
                    self.finalize.commit.eq(self._settings.opcode == Opcode.BACKWARD),
                ]
            with m.Default():
                pass
        with m.If(~self._is_output):
            m.d.comb += self.leak_sum.clear.eq(1)

    # --- pipeline ---------------------------------------------------------------------------------------------

    def _issue(self, m: Module, issue: Signal, word: Signal) -> None:
        """Stage 0 reads the map, stage 1 the operands, stage 2 is cycle 0 of PassTiming."""
        shape = self.shape
        index = word[: shape.word_bits]
        m.d.comb += [self.map_read.eq(issue), self.map_word.eq(index)]
        valid1 = delayed(m, issue, 1, "issue")
        word1 = delayed(m, index, 1, "word")
        self._read(m, valid1, word1)
        valid2 = delayed(m, valid1, 1, "read")
        word2 = delayed(m, word1, 1, "read_word")
        self._operands(m, valid2, word2)
        self._late(m, valid2, word2)

    def _read(self, m: Module, valid: Value, word: Value) -> None:
        """Addresses of the input word, or of the results whose ranks the map gives."""
        shape = self.shape
        elements = shape.config.elements_per_cycle
        count = Mux(self._is_output, self._settings.outputs, self._settings.inputs)
        present, closed = Signal(elements), Signal(elements)
        filled = Signal(elements)
        for slot in range(elements):
            element = (word << shape.slot_bits) + slot
            m.d.comb += [present[slot].eq(element < count), closed[slot].eq(element + 1 == self._settings.closed_row)]
        dropped = Mux(self._settings.drops_closed & ~self._is_output, closed, 0)
        m.d.comb += filled.eq(Mux(self._settings.is_dense, present, present & self.nonempty))
        rank = Signal(shape.bank_row_bits - 1 + shape.bank_bits)
        with m.If(valid):
            m.d.sync += rank.eq(rank + one_count(filled))
        with m.Elif(self.maximum.reset):
            m.d.sync += rank.eq(0)
        row, bank = rank[shape.bank_bits :], rank[: shape.bank_bits]
        m.d.comb += [
            self.fetch.input.eq(valid & ~self._is_output),
            self.fetch.word.eq(word),
            self.row_read.eq(valid),
            self.row_word.eq(word),
            self.bank_read.enable.eq(valid & self._is_output),
        ]
        for number in range(shape.banks):
            address = (row + (bank > number))[: shape.bank_row_bits - 1]
            m.d.comb += self.bank_read.row[number].eq(Cat(address, self._buffer))
        m.d.sync += [
            self.operand.valid.eq(Mux(valid, present & ~dropped, 0)),
            self._empty.eq(~filled),
            self._closed.eq(closed),
        ]
        for slot in range(elements):
            before = one_count(Cat(filled[:slot], Const(0, 1)))
            m.d.sync += self.operand.bank[slot].eq(bank + before)

    def _operands(self, m: Module, valid: Value, word: Value) -> None:
        """Cycle 0: the first factors."""
        opcode = self._settings.opcode
        is_forward_input = wire(m, (opcode == Opcode.FORWARD) & ~self._is_output, "is_forward_input")
        has_second = wire(m, self._settings.has_second & ~self._is_output, "has_second")
        m.d.comb += [
            self.operand.is_output.eq(self._is_output),
            self.operand.use_emission.eq(is_forward_input),
            self.operand.use_second.eq(has_second),
            self.operand.clear_emission.eq(valid & is_forward_input & (self._kind == Pass.INPUT_ENCODE)),
            self.operand.word.eq(word),
            self.operand.buffer.eq(self._buffer),
        ]
        for slot in range(self.shape.config.elements_per_cycle):
            constant = self.operand.constant[slot]
            zero_row = self.rows[ALPHA].zero[slot] & (opcode == Opcode.BACKWARD)
            m.d.comb += self.operand.use_leak[slot].eq(self._empty[slot] | zero_row)
            with m.If(is_forward_input):
                with m.If(self._closed[slot]):
                    m.d.comb += constant.as_value().eq(0)
                with m.Elif(self.rows[BETA].zero[slot]):
                    k0 = self._settings.emission_k0
                    m.d.comb += [constant.mantissa.eq(k0.mantissa), constant.shift.eq(k0.shift)]
                with m.Else():
                    self._absent(m, constant, slot)
            with m.Elif((opcode == Opcode.SCORES) | ((opcode == Opcode.BACKWARD) & self._is_output)):
                tensor = opcode == Opcode.SCORES
                m.d.comb += [
                    constant.mantissa.eq(Mux(tensor, self.rows[BETA].rho[slot], self.rows[ALPHA].rho[slot])),
                    constant.shift.eq(Mux(tensor, self.rows[BETA].sigma[slot], self.rows[ALPHA].sigma[slot])),
                ]
            with m.Else():
                m.d.comb += [constant.mantissa.eq(1), constant.shift.eq(0)]
            self._kappa(m, slot, is_forward_input, has_second)

    def _absent(self, m: Module, constant: Any, slot: int) -> None:
        """What stands for an absent emission of a row with levels."""
        k1 = self._settings.emission_k1
        m.d.comb += [constant.mantissa.eq(k1.mantissa), constant.shift.eq(k1.shift)]
        if self.shape.config.row_leaks:
            mantissa, exponent = code_parts(self.rows[BETA].leak[slot])
            with m.If(self._settings.row_emissions):
                m.d.comb += [constant.mantissa.eq(k1.mantissa * mantissa), constant.shift.eq(k1.shift - exponent)]

    def _kappa(self, m: Module, slot: int, is_forward_input: Signal, has_second: Signal) -> None:
        """rho_alpha * rho_beta, truncated to its top 16 bits, in two registered steps; rho_beta alone for products."""
        alpha, beta = self.rows[ALPHA], self.rows[BETA]
        left, right = Signal(CONSTANT_BITS, name=f"rho_alpha_{slot}"), Signal(CONSTANT_BITS, name=f"rho_beta_{slot}")
        shift, shift2 = Signal(SHIFT_BITS, name=f"sigma_{slot}"), Signal(SHIFT_BITS, name=f"sigma_sum_{slot}")
        product = Signal(2 * CONSTANT_BITS, name=f"rho_product_{slot}")
        m.d.sync += [
            left.eq(Mux(has_second, 1 << (CONSTANT_BITS - 1), alpha.rho[slot])),
            right.eq(beta.rho[slot]),
            shift.eq(Mux(has_second, CONSTANT_BITS - 1, alpha.sigma[slot]) + beta.sigma[slot]),
            product.eq(left * right),
            shift2.eq(shift),
        ]
        is_long = product[-1]
        m.d.comb += [
            self.kappa.constant[slot].mantissa.eq(
                Mux(is_long, product[CONSTANT_BITS:], product[CONSTANT_BITS - 1 : 2 * CONSTANT_BITS - 1])
            ),
            self.kappa.constant[slot].shift.eq(shift2 - (CONSTANT_BITS - 1) - is_long),
            self.kappa.use.eq(is_forward_input | has_second),
        ]

    def _late(self, m: Module, valid: Value, word: Value) -> None:
        """Everything after the factors, each at its own cycle; nothing of it changes within a pass but the word."""
        kind = self._kind
        encodes_input = wire(m, (kind == Pass.INPUT_ENCODE) | (kind == Pass.INPUT_COPY), "encodes_input")
        is_maximum = (kind == Pass.INPUT_MAXIMUM) | (kind == Pass.OUTPUT_MAXIMUM)
        opcode = self._settings.opcode
        zero = Array([self.rows[ALPHA].zero, self.rows[BETA].zero])[opcode == Opcode.SCORES]
        # backward leaks the sum of all elements
        is_backward = wire(m, opcode == Opcode.BACKWARD, "is_backward")
        closed = wire(m, Mux(is_backward, 0, self._closed), "closed_row")
        zero_row = wire(m, Mux(is_backward, 0, zero & ~closed), "zero_row")
        if self.shape.config.row_leaks:
            self._weigh(m, is_backward | ~self._settings.row_leaks, zero_row)
        stored = delayed(m, valid, PassTiming.store, "stored")
        m.d.comb += [
            self.scale_output.eq(self._is_output),
            self.maximum.update.eq(delayed(m, valid, PassTiming.maximum, "update") & is_maximum),
            self.store.z.eq(stored & encodes_input),
            self.store.y.eq(stored & (kind == Pass.OUTPUT_ENCODE)),
            self.store.word.eq(delayed(m, word, PassTiming.store, "store_word")),
            self.store.buffer.eq(self._buffer),
            self.leak_sum.add.eq(delayed(m, valid, PassTiming.leak, "leak") & encodes_input),
            self.leak_sum.ordinary.eq(delayed(m, ~zero_row & ~closed, PassTiming.leak, "ordinary_row")),
            self.leak_sum.zero.eq(delayed(m, zero_row, PassTiming.leak, "zero_row")),
        ]

    def _weigh(self, m: Module, is_plain: Value, zero_row: Signal) -> None:
        """The weights of codes in their leak sums: leaks of their rows, or 1."""
        leaks = Array([self.rows[ALPHA].leak, self.rows[BETA].leak])[self._settings.opcode == Opcode.SCORES]
        for slot in range(self.shape.config.elements_per_cycle):
            alone = wire(m, is_plain | zero_row[slot], f"alone_{slot}")
            code = delayed(m, Mux(alone, NO_WEIGHT, leaks[slot]), PassTiming.store, f"leak_code_{slot}")
            mantissa, exponent = code_parts(code)
            right = delayed(m, Mux(alone, 0, self._settings.row_right), PassTiming.store, f"leak_right_{slot}")
            weight = self.leak_weight[slot]
            m.d.comb += [weight.mantissa.eq(mantissa), weight.exponent.eq(exponent), weight.right.eq(right)]
