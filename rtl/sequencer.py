"""From queued descriptors to running stages: fetch, check, load tables, start, wait, report."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Mux
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.config import Layout
from ..model.formats import CODE_BYTES, ceil_log2
from ..model.packing.matrix import ENTRY_WIDTHS
from .bus.axi import ADDRESS_BITS
from .bus.fetch import BLOCK_BYTES, BLOCK_SHIFT, range_layout
from .bus.width import WORD_BITS
from .decoder.sparse import PER_BLOCK
from .operation import DESCRIPTOR_BYTES, RECORD_BYTES, LayoutCode, Opcode, Status, descriptor_layout
from .pipeline import wire
from .shape import COUNT_BITS, Shape
from .tables import Table

DESCRIPTOR_WORDS = DESCRIPTOR_BYTES * 8 // WORD_BITS


class ReadKind(enum.Enum, shape=2):
    """What the sequencer's own reads bring."""

    DESCRIPTOR = 0
    TABLE = 1
    RECORD = 2


class Sequencer(wiring.Component):
    """Takes one descriptor at a time, and always comes back for the next.

    A descriptor that cannot be run is refused before anything is written. `start` begins an operation, `running`
    says that the stages are not done; `descriptor` holds from before `start` to the end.
    """

    descriptors: stream.Interface
    ranges: stream.Interface
    words: stream.Interface
    skip_word: Signal
    kind: Any
    descriptor: Any
    groups: Signal
    start: Signal
    running: Signal
    edge_start: Signal
    edge_running: Signal
    table_write: Signal
    table: Any
    table_address: Signal
    bus_error: Signal
    malformed: Signal
    range_error: Signal
    clear_errors: Signal
    status: Any
    complete: Signal
    busy: Signal
    clearing: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__(
            {
                "descriptors": In(stream.Signature(ADDRESS_BITS)),
                "ranges": Out(stream.Signature(range_layout())),
                "words": In(stream.Signature(WORD_BITS)),
                "skip_word": Out(1),
                "kind": Out(ReadKind),
                "descriptor": Out(descriptor_layout()),
                "groups": Out(COUNT_BITS),
                "start": Out(1),
                "running": In(1),
                "edge_start": Out(1),
                "edge_running": In(1),
                "table_write": Out(1),
                "table": Out(Table),
                "table_address": Out(16),
                "bus_error": In(1),
                "malformed": In(1),
                "range_error": In(1),
                "clear_errors": Out(1),
                "status": Out(Status),
                "complete": Out(1),
                "busy": Out(1),
                "clearing": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        descriptor = self.descriptor
        self._word = Signal(16)
        self._words = Signal(COUNT_BITS)
        self._next_table = Signal(Table)
        fault = Signal(Status)
        self._check(m, fault)
        self._table_address, self._table_size = Signal(ADDRESS_BITS), Signal(COUNT_BITS)
        self._place_table(m)
        opcode = wire(m, descriptor.opcode, "opcode")
        m.d.comb += self.groups.eq(
            (descriptor.vectors + (self.shape.config.lanes - 1)) >> ceil_log2(self.shape.config.lanes)
        )
        clear_word = Signal(self.shape.word_bits + 1)
        with m.FSM(init="clear"):
            with m.State("clear"):
                # The emission memories must begin absent; passes keep them so.
                m.d.comb += self.clearing.eq(1)
                m.d.comb += self.table_address.eq(clear_word)
                m.d.sync += clear_word.eq(clear_word + 1)
                with m.If(clear_word == self.shape.words - 1):
                    m.next = "idle"
            with m.State("idle"):
                m.d.comb += self.ranges.payload.address.eq(self.descriptors.payload)
                m.d.comb += self.ranges.payload.blocks.eq(DESCRIPTOR_BYTES // BLOCK_BYTES)
                m.d.comb += self.ranges.valid.eq(self.descriptors.valid)
                with m.If(self.descriptors.valid & self.ranges.ready):
                    m.d.comb += [self.descriptors.ready.eq(1), self.clear_errors.eq(1)]
                    m.d.sync += [self._word.eq(0), self.status.eq(Status.BUSY)]
                    m.next = "descriptor"
            with m.State("descriptor"):
                m.d.comb += [self.busy.eq(1), self.kind.eq(ReadKind.DESCRIPTOR), self.words.ready.eq(1)]
                with m.If(self.words.valid):
                    m.d.sync += self._word.eq(self._word + 1)
                    m.d.sync += descriptor.as_value().word_select(self._word[:4], WORD_BITS).eq(self.words.payload)
                    with m.If(self._word == DESCRIPTOR_WORDS - 1):
                        m.next = "check"
            with m.State("check"):
                m.d.comb += self.busy.eq(1)
                m.d.sync += self._word.eq(0)
                with m.If(self.bus_error):
                    m.d.sync += self.status.eq(Status.BUS_ERROR)
                    m.next = "report"
                with m.Elif(fault != Status.DONE):
                    m.d.sync += self.status.eq(fault)
                    m.next = "report"
                with m.Else():
                    m.next = "dispatch"
            with m.State("dispatch"):
                m.d.comb += self.busy.eq(1)
                with m.Switch(opcode):
                    with m.Case(Opcode.LOAD_CODEBOOK):
                        m.d.sync += self._next_table.eq(Table.CODEBOOK)
                        m.next = "ask table"
                    with m.Case(Opcode.LOAD_ROWS):
                        m.d.sync += self._next_table.eq(Table.RHO)
                        m.next = "ask table"
                    with m.Case(Opcode.EDGE_WEIGHTS, Opcode.EDGE_SUMS):
                        m.next = "ask list"
                    with m.Default():
                        m.d.sync += self._next_table.eq(Table.NONEMPTY)
                        m.next = "ask table"
                        with m.If((opcode == Opcode.SCORES) | (descriptor.layout == LayoutCode.DENSE.value)):
                            m.next = "ask records"
            self._tables(m, opcode)
            with m.State("ask records"):
                m.d.comb += [
                    self.busy.eq(1),
                    self.ranges.valid.eq(1),
                    self.ranges.payload.address.eq(descriptor.vector_records),
                    self.ranges.payload.blocks.eq(
                        (descriptor.vectors + (BLOCK_BYTES // RECORD_BYTES - 1)) >> (BLOCK_SHIFT - 5)
                    ),
                ]
                with m.If(self.ranges.ready):
                    m.d.comb += self.start.eq(1)
                    m.next = "run"
            with m.State("run"):
                m.d.comb += [self.busy.eq(1), self.kind.eq(ReadKind.RECORD)]
                with m.If(~self.running):
                    m.next = "judge"
            with m.State("ask list"):
                m.d.comb += [
                    self.busy.eq(1),
                    self.ranges.valid.eq(1),
                    self.ranges.payload.address.eq(descriptor.stream),
                    self.ranges.payload.blocks.eq(descriptor.stream_blocks),
                ]
                with m.If(self.ranges.ready):
                    m.d.comb += self.edge_start.eq(1)
                    m.next = "edges"
            with m.State("edges"):
                m.d.comb += [self.busy.eq(1), self.kind.eq(ReadKind.RECORD)]
                with m.If(~self.edge_running):
                    m.next = "judge"
            with m.State("judge"):
                m.d.comb += self.busy.eq(1)
                m.d.sync += self.status.eq(Status.DONE)
                for is_wrong, status in (
                    (self.range_error, Status.EXPONENT_RANGE),
                    (self.malformed, Status.MALFORMED_STREAM),
                    (self.bus_error, Status.BUS_ERROR),
                ):
                    with m.If(is_wrong):
                        m.d.sync += self.status.eq(status)
                m.next = "report"
            with m.State("report"):
                m.d.comb += [self.busy.eq(1), self.complete.eq(1)]
                m.next = "idle"
        return m

    def _tables(self, m: Module, opcode: Signal) -> None:
        """One table: ask for it, then one word a cycle; LOAD_ROWS goes on with the next of its three."""
        address, size = self._table_address, self._table_size
        with m.State("ask table"):
            m.d.comb += [
                self.busy.eq(1),
                self.ranges.valid.eq(1),
                self.ranges.payload.address.eq(address),
                self.ranges.payload.blocks.eq((size + (BLOCK_BYTES - 1)) >> BLOCK_SHIFT),
            ]
            m.d.sync += [self._word.eq(0), self._words.eq((size + 7) >> 3)]
            with m.If(self.ranges.ready):
                m.next = "table"
        with m.State("table"):
            is_last = wire(m, self._word + 1 == self._words, "is_last_word")
            m.d.comb += [
                self.busy.eq(1),
                self.kind.eq(ReadKind.TABLE),
                self.words.ready.eq(1),
                self.skip_word.eq(is_last),
                self.table_write.eq(self.words.valid),
                self.table.eq(self._next_table),
                self.table_address.eq(self._word),
            ]
            with m.If(self.words.valid):
                m.d.sync += self._word.eq(self._word + 1)
                with m.If(is_last):
                    with m.Switch(self._next_table):
                        with m.Case(Table.RHO, Table.SIGMA):
                            m.d.sync += self._next_table.eq(
                                Mux(self._next_table == Table.RHO, Table.SIGMA, Table.ZERO_ROWS)
                            )
                            m.next = "ask table"
                        with m.Case(Table.NONEMPTY):
                            m.next = "ask records"
                        with m.Default():
                            m.next = "judge"

    def _place_table(self, m: Module) -> None:
        """Where the next table is, and its bytes."""
        descriptor = self.descriptor
        address, size = self._table_address, self._table_size
        with m.Switch(self._next_table):
            with m.Case(Table.RHO):
                m.d.comb += [address.eq(descriptor.stream), size.eq(descriptor.inputs * CODE_BYTES)]
            with m.Case(Table.SIGMA):
                m.d.comb += [address.eq(descriptor.nonempty), size.eq(descriptor.inputs * CODE_BYTES)]
            with m.Case(Table.ZERO_ROWS):
                m.d.comb += [address.eq(descriptor.vector_records), size.eq((descriptor.inputs + 7) >> 3)]
            with m.Case(Table.NONEMPTY):
                m.d.comb += [address.eq(descriptor.nonempty), size.eq((descriptor.outputs + 7) >> 3)]
            with m.Case(Table.CODEBOOK):
                m.d.comb += [address.eq(descriptor.stream), size.eq(descriptor.outputs * CODE_BYTES)]

    def _check(self, m: Module, fault: Any) -> None:
        """Status.DONE when the descriptor can be run, else why not."""
        config, descriptor = self.shape.config, self.descriptor
        opcode, layout = descriptor.opcode, descriptor.layout
        is_operation = (opcode >= Opcode.FORWARD.value) & (opcode <= Opcode.SCORES.value)
        is_dense = layout == LayoutCode.DENSE.value
        most = Mux(opcode == Opcode.SCORES.value, config.vocab_capacity, config.hidden_capacity)
        outputs, inputs = descriptor.outputs, descriptor.inputs
        bad_size = (
            (inputs == 0)
            | (inputs > config.hidden_capacity)
            | (outputs == 0)
            | (outputs > most)
            | (descriptor.vectors == 0)
            | (descriptor.records > outputs)
            | (is_dense & (descriptor.records != outputs))
            | (~is_dense & (descriptor.entries > (descriptor.stream_blocks << ceil_log2(PER_BLOCK[0]))))
        )
        built = {
            LayoutCode.SPARSE.value: Layout.SPARSE in config.layouts,
            LayoutCode.DENSE.value: Layout.DENSE in config.layouts,
        }
        is_built = Mux(layout == LayoutCode.SPARSE.value, built[0], is_dense & built[1])
        bad_format = (
            ~is_built
            | (descriptor.index_bits < config.least_index_bits)
            | (descriptor.index_bits > config.greatest_index_bits)
            | (~is_dense & (descriptor.entry_width >= len(ENTRY_WIDTHS)))
        )
        m.d.comb += fault.eq(Status.DONE)
        with m.If(is_operation):
            with m.If(bad_size):
                m.d.comb += fault.eq(Status.BAD_SIZE)
            with m.Elif(bad_format):
                m.d.comb += fault.eq(Status.BAD_FORMAT)
        with m.Elif(opcode == Opcode.LOAD_CODEBOOK.value):
            with m.If((outputs == 0) | (outputs > (1 << config.greatest_index_bits))):
                m.d.comb += fault.eq(Status.BAD_SIZE)
        with m.Elif(opcode == Opcode.LOAD_ROWS.value):
            with m.If((inputs == 0) | (inputs > config.hidden_capacity)):
                m.d.comb += fault.eq(Status.BAD_SIZE)
        with m.Elif((opcode == Opcode.EDGE_WEIGHTS.value) | (opcode == Opcode.EDGE_SUMS.value)):
            with m.If((inputs == 0) | (inputs > config.hidden_capacity) | (descriptor.vectors == 0)):
                m.d.comb += fault.eq(Status.BAD_SIZE)
            with m.Elif((opcode == Opcode.EDGE_WEIGHTS.value) & bad_format):
                m.d.comb += fault.eq(Status.BAD_FORMAT)
        with m.Else():
            m.d.comb += fault.eq(Status.BAD_OPCODE)
