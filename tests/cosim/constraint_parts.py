"""Units of rtl/constraint/ for the component bench: side by side in one module, and whole before a burst writer."""

from collections.abc import Mapping
from typing import Any

from amaranth import Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from normq.model.golden.operations import GoldenModel
from normq.model.packing.matrix import above_least
from normq.rtl.bus.axi import address_layout, response_layout, write_layout
from normq.rtl.bus.fetch import range_layout
from normq.rtl.bus.width import BLOCK_BITS, WORD_BITS
from normq.rtl.bus.write import BurstWriter
from normq.rtl.constraint.encode_control import EncodeControl
from normq.rtl.constraint.output import EdgeOutput
from normq.rtl.constraint.unit import ConstraintUnit, EdgeSettings
from normq.rtl.pipeline import delayed
from normq.rtl.shape import COUNT_BITS, Shape
from normq.rtl.tables import row_layout


class SideBySide(wiring.Component):
    """Parts that have nothing to do with one another, each with its ports behind its name: one build for all."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.parts = parts
        super().__init__({name: Out(part.signature) for name, part in parts.items()})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for name, part in self.parts.items():
            m.submodules[name] = part
            wiring.connect(m, wiring.flipped(getattr(self, name)), part)
        return m


class CodeWriter(wiring.Component):
    """Passes over a vector, and what joins or cuts its codes: that of element i is i, `codes` cycles after issue."""

    start: Signal
    inputs: Signal
    beats: stream.Interface
    issue: Signal
    done: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__(
            {
                "start": In(1),
                "inputs": In(COUNT_BITS),
                "beats": Out(stream.Signature(shape.config.port_bits)),
                "issue": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.control = control = EncodeControl(self.shape)
        m.submodules.output = output = EdgeOutput(self.shape)
        elements = self.shape.config.elements_per_cycle
        codes = control.timing.codes
        word = delayed(m, control.word, codes, "word")
        sent = Signal(COUNT_BITS)
        wiring.connect(m, output.beats, wiring.flipped(self.beats))
        with m.If(self.beats.valid & self.beats.ready):
            m.d.sync += sent.eq(sent + self.shape.config.port_bytes)
        with m.If(output.command.valid):
            m.d.sync += sent.eq(0)
        size = self.inputs << 1
        is_end = (sent + self.shape.config.port_bytes >= size) | output.is_header
        m.d.comb += [
            control.start.eq(self.start),
            control.is_sums.eq(1),
            control.inputs.eq(self.inputs),
            control.popped.eq(output.popped),
            output.start.eq(self.start),
            output.inputs.eq(self.inputs),
            output.exponent.eq(-3),
            output.coded.eq(delayed(m, control.encodes, codes, "coded")),
            output.coded_last.eq(delayed(m, control.is_last, codes, "coded_last")),
            output.command.ready.eq(1),
            output.finish.eq(self.beats.valid & self.beats.ready & is_end),
            self.issue.eq(control.issue),
            self.done.eq(output.done & control.done),
        ]
        m.d.comb += [output.codes[slot].eq(word * elements + slot) for slot in range(elements)]
        return m


class WholeUnit(wiring.Component):
    """The constraint unit with the writer that it borrows, a codebook, and the row constants of a model's emissions."""

    settings: Any
    start: Signal
    running: Signal
    malformed: Signal
    range_error: Signal
    words: stream.Interface
    first: stream.Interface
    first_blocks: stream.Interface
    second: stream.Interface
    second_blocks: stream.Interface
    aw: stream.Interface
    w: stream.Interface
    b: stream.Interface

    def __init__(self, shape: Shape, golden: GoldenModel) -> None:
        self.shape, self.golden = shape, golden
        port_bits = shape.config.port_bits
        super().__init__(
            {
                "settings": In(EdgeSettings(shape)),
                "start": In(1),
                "running": Out(1),
                "malformed": Out(1),
                "range_error": Out(1),
                "words": In(stream.Signature(WORD_BITS)),
                "first": Out(stream.Signature(range_layout())),
                "first_blocks": In(stream.Signature(BLOCK_BITS)),
                "second": Out(stream.Signature(range_layout())),
                "second_blocks": In(stream.Signature(BLOCK_BITS)),
                "aw": Out(stream.Signature(address_layout())),
                "w": Out(stream.Signature(write_layout(port_bits))),
                "b": In(stream.Signature(response_layout())),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.unit = unit = ConstraintUnit(self.shape)
        m.submodules.writer = writer = BurstWriter(self.shape.config.port_bits)
        for name in ("settings", "words", "first_blocks", "second_blocks"):
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(unit, name))
        for name, part in (("first", unit), ("second", unit), ("aw", writer), ("w", writer)):
            wiring.connect(m, getattr(part, name), wiring.flipped(getattr(self, name)))
        wiring.connect(m, wiring.flipped(self.b), writer.b)
        wiring.connect(m, unit.command, writer.command)
        wiring.connect(m, unit.beats, writer.beats)
        m.d.comb += [
            unit.start.eq(self.start),
            unit.finish.eq(writer.finish),
            unit.written.eq(writer.idle),
            self.running.eq(unit.running),
            self.malformed.eq(unit.malformed),
            self.range_error.eq(unit.range_error),
        ]
        self._tables(m, unit)
        return m

    def _tables(self, m: Module, unit: ConstraintUnit) -> None:
        packed, elements = self.golden.packed, self.shape.config.elements_per_cycle
        levels = above_least(packed.beta_codebook).tolist()
        m.submodules.codebook = codebook = memory.Memory(shape=16, depth=len(levels), init=levels)
        rows, padded = packed.beta_rows, -packed.hidden_states % elements
        zero = [rows.zero_rows[i // 8] >> i % 8 & 1 for i in range(packed.hidden_states)] + [0] * padded
        rho, sigma = (constants.tolist() + [0] * padded for constants in (rows.rho, rows.sigma))
        words: Any = [
            {
                "rho": rho[start : start + elements],
                "sigma": sigma[start : start + elements],
                "zero": sum(int(bit) << slot for slot, bit in enumerate(zero[start : start + elements])),
            }
            for start in range(0, len(zero), elements)
        ]
        m.submodules.rows = table = memory.Memory(shape=row_layout(self.shape), depth=len(words), init=words)
        levels_port, rows_port = codebook.read_port(), table.read_port()
        m.d.comb += [
            levels_port.addr.eq(unit.lookup.index),
            levels_port.en.eq(unit.lookup_enable),
            unit.level.eq(levels_port.data),
            rows_port.addr.eq(unit.rows_word),
            rows_port.en.eq(unit.rows_read),
            unit.rows.eq(rows_port.data),
        ]
