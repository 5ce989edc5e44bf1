"""Whether a descriptor can be run by what was built."""

from typing import Any

from amaranth import Module
from amaranth.hdl import Const, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..model.config import Layout
from ..model.formats import ceil_log2
from ..model.packing.matrix import ENTRY_WIDTHS
from .bus.axi import LOCAL_BIT
from .bus.copy import BLOCK_COUNT_BITS
from .bus.fetch import BLOCK_SHIFT
from .decoder.sparse import PER_BLOCK
from .operation import LayoutCode, Opcode, Status, descriptor_layout
from .pipeline import wire
from .shape import Shape

MOST_VECTORS = 1 << 16
"""Of one descriptor."""


class DescriptorCheck(wiring.Component):
    """`fault` is Status.DONE when `descriptor` can be run, else why not; combinational."""

    descriptor: Any
    fault: Any

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__({"descriptor": In(descriptor_layout()), "fault": Out(Status)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, descriptor = self.shape.config, self.descriptor
        opcode = descriptor.opcode
        is_operation = (opcode >= Opcode.FORWARD.value) & (opcode <= Opcode.SCORES.value)
        options = descriptor.options
        is_plain = wire(m, ~options.second & ~options.listed, "is_plain")
        misses_second = options.keeps_first & ~options.second
        bad_size = self._bad_size(m)
        m.d.comb += self.fault.eq(Status.DONE)
        with m.If(is_operation):
            with m.If(self._bad_format() | ((opcode != Opcode.SCORES.value) & ~is_plain) | misses_second):
                m.d.comb += self.fault.eq(Status.BAD_FORMAT)
            with m.Elif(bad_size):
                m.d.comb += self.fault.eq(Status.BAD_SIZE)
        with m.Elif(opcode == Opcode.LOAD_CODEBOOK.value):
            outputs = descriptor.outputs
            with m.If((outputs == 0) | (outputs > (1 << config.greatest_index_bits))):
                m.d.comb += self.fault.eq(Status.BAD_SIZE)
        with m.Elif(opcode == Opcode.LOAD_ROWS.value):
            with m.If((descriptor.inputs == 0) | (descriptor.inputs > config.hidden_capacity)):
                m.d.comb += self.fault.eq(Status.BAD_SIZE)
            with m.Elif(self._misses_leaks()):
                m.d.comb += self.fault.eq(Status.BAD_FORMAT)
        with m.Elif((opcode == Opcode.EDGE_WEIGHTS.value) | (opcode == Opcode.EDGE_SUMS.value)):
            inputs = descriptor.inputs
            with m.If((inputs == 0) | (inputs > config.hidden_capacity) | (descriptor.vectors == 0)):
                m.d.comb += self.fault.eq(Status.BAD_SIZE)
            with m.Elif((opcode == Opcode.EDGE_WEIGHTS.value) & self._bad_format()):
                m.d.comb += self.fault.eq(Status.BAD_FORMAT)
        with m.Elif(opcode == Opcode.COPY.value):
            with m.If(self._cannot_copy()):
                m.d.comb += self.fault.eq(Status.BAD_SIZE)
        with m.Else():
            m.d.comb += self.fault.eq(Status.BAD_OPCODE)
        return m

    def _misses_leaks(self) -> Value:
        options = self.descriptor.options
        return Const(0) if self.shape.config.row_leaks else options.row_leaks | options.row_emissions

    def _cannot_copy(self) -> Value:
        """No block, too many, or some outside the local memory."""
        blocks, local_blocks = self.descriptor.stream_blocks, self.shape.config.local_bytes >> BLOCK_SHIFT
        wrong = (blocks == 0) | blocks[BLOCK_COUNT_BITS:].any()
        for address in (self.descriptor.stream, self.descriptor.results):
            first = address[BLOCK_SHIFT:LOCAL_BIT]
            wrong |= address[LOCAL_BIT] & (first + blocks > local_blocks)
        return wrong

    def _bad_size(self, m: Module) -> Value:
        config, descriptor = self.shape.config, self.descriptor
        outputs, inputs = descriptor.outputs, descriptor.inputs
        is_dense = descriptor.layout == LayoutCode.DENSE.value
        is_listed = descriptor.options.listed
        most = Mux(descriptor.opcode == Opcode.SCORES.value, config.vocab_capacity, config.hidden_capacity)
        entries, blocks = descriptor.entries, descriptor.stream_blocks
        input_bits = ceil_log2(config.hidden_capacity)
        listed = (entries != outputs) | (descriptor.records != outputs) | (blocks > entries)
        # more than these could only be read for billions of cycles
        dense_blocks = (outputs << (input_bits - BLOCK_SHIFT)) + 1
        dense = (descriptor.records != outputs) | (blocks > dense_blocks)
        sparse = (
            (entries > (blocks << ceil_log2(PER_BLOCK[0])))
            | (blocks > entries)
            | (entries > (descriptor.records << input_bits))
        )
        whole = Mux(is_dense, dense, sparse)
        return wire(
            m,
            (inputs == 0)
            | (inputs > config.hidden_capacity)
            | ((outputs == 0) & ~is_listed)
            | (outputs > most)
            | (descriptor.vectors == 0)
            | (descriptor.vectors > Mux(descriptor.options.keeps_first, config.lanes, MOST_VECTORS))
            | (descriptor.records > outputs)
            | Mux(is_listed, listed, whole),
            "bad_size",
        )

    def _bad_format(self) -> Value:
        config, descriptor = self.shape.config, self.descriptor
        layout = descriptor.layout
        is_sparse, is_dense = (layout == code.value for code in (LayoutCode.SPARSE, LayoutCode.DENSE))
        is_built = (is_sparse & (Layout.SPARSE in config.layouts)) | (is_dense & (Layout.DENSE in config.layouts))
        return (
            ~is_built
            | self._misses_leaks()
            | (descriptor.index_bits < config.least_index_bits)
            | (descriptor.index_bits > config.greatest_index_bits)
            | (is_sparse & (descriptor.entry_width >= len(ENTRY_WIDTHS)))
        )
