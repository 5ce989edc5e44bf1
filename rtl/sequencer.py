"""From queued descriptors to running stages: fetch, check, load tables, start, wait, report."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Mux
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import CODE_BYTES, ceil_log2
from .bus.axi import ADDRESS_BITS
from .bus.fetch import BLOCK_BYTES, BLOCK_SHIFT, range_layout
from .bus.width import WORD_BITS
from .descriptor_check import DescriptorCheck
from .operation import DESCRIPTOR_BYTES, RECORD_BYTES, LayoutCode, Opcode, Status, descriptor_layout
from .pipeline import wire
from .shape import COUNT_BITS, Shape
from .tables import Table
from .turn import SLOTS, TURN_BITS

DESCRIPTOR_WORDS = DESCRIPTOR_BYTES * 8 // WORD_BITS


class ReadKind(enum.Enum, shape=2):
    """What the words reader brings."""

    DESCRIPTOR = 0
    TABLE = 1
    RECORD = 2


class Sequencer(wiring.Component):
    """Takes one descriptor after the other, and always comes back for the next.

    An operation is issued to the stages as soon as its vector records are asked for; the next descriptor is fetched
    while it runs, into the other slot. What loads a table waits until the engine is at rest; so does the report of a
    descriptor that cannot be run, which is refused before anything is written. `clear_errors` comes where an
    operation begins at rest: an error is an error of every descriptor that is under way with it.
    """

    descriptors: stream.Interface
    ranges: stream.Interface
    words: stream.Interface
    skip_word: Signal
    kind: Any
    slots: Any
    filling: Any
    issue: Signal
    groups: Signal
    issued: Signal
    at_rest: Signal
    has_room: Signal
    retire: Signal
    records_read: Signal
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
    copying: Signal
    copied: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__(
            {
                "descriptors": In(stream.Signature(ADDRESS_BITS)),
                "ranges": Out(stream.Signature(range_layout())),
                "words": In(stream.Signature(WORD_BITS)),
                "skip_word": Out(1),
                "kind": Out(ReadKind),
                "slots": Out(data.ArrayLayout(descriptor_layout(), SLOTS)),
                "filling": Out(descriptor_layout()),
                "issue": Out(1),
                "groups": Out(COUNT_BITS),
                "issued": In(TURN_BITS),
                "at_rest": In(1),
                "has_room": In(1),
                "retire": In(1),
                "records_read": In(1),
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
                "copying": Out(1),
                "copied": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.check = self._check = DescriptorCheck(self.shape)
        self._word = Signal(16)
        self._words = Signal(COUNT_BITS)
        self._unread = Signal(range(SLOTS + 1))
        m.d.sync += self._unread.eq(self._unread + self.issue - self.records_read)
        self._next_table = Signal(Table)
        self._table_address, self._table_size = Signal(ADDRESS_BITS), Signal(COUNT_BITS)
        m.d.comb += self.filling.eq(self.slots[self.issued[0]])
        m.d.comb += self._check.descriptor.eq(self.filling)
        self._place_table(m)
        self._verdict(m)
        opcode = wire(m, self.filling.opcode, "opcode")
        m.d.comb += self.groups.eq(
            (self.filling.vectors + (self.shape.config.lanes - 1)) >> ceil_log2(self.shape.config.lanes)
        )
        clear_word = Signal(self.shape.word_bits + 1)
        is_active = Signal()
        m.d.comb += [is_active.eq(1), self.busy.eq(is_active | ~self.at_rest)]
        with m.FSM(init="clear"):
            with m.State("clear"):
                # The emission memories must begin absent; passes keep them so.
                m.d.comb += [self.clearing.eq(1), is_active.eq(0)]
                m.d.comb += self.table_address.eq(clear_word)
                m.d.sync += clear_word.eq(clear_word + 1)
                with m.If(clear_word == self.shape.words - 1):
                    m.next = "idle"
            with m.State("idle"):
                m.d.comb += is_active.eq(0)
                m.d.comb += self.ranges.payload.address.eq(self.descriptors.payload)
                m.d.comb += self.ranges.payload.blocks.eq(DESCRIPTOR_BYTES // BLOCK_BYTES)
                m.d.comb += self.ranges.valid.eq(self.descriptors.valid & self.has_room)
                with m.If(self.ranges.valid & self.ranges.ready):
                    m.d.comb += self.descriptors.ready.eq(1)
                    m.d.sync += self._word.eq(0)
                    with m.If(self.at_rest):
                        m.d.comb += self.clear_errors.eq(1)
                        m.d.sync += self.status.eq(Status.BUSY)
                    m.next = "descriptor"
            with m.State("descriptor"):
                self._take_descriptor(m)
            with m.State("check"):
                m.d.sync += self._word.eq(0)
                m.next = "rest"
                with m.If((opcode == Opcode.SCORES) & (self._check.fault == Status.DONE) & ~self.bus_error):
                    m.next = "ask records"
            with m.State("rest"):
                with m.If(self.at_rest):
                    m.next = "dispatch"
                    m.d.comb += self.clear_errors.eq(1)
                    with m.If(self.bus_error):
                        m.d.comb += self.clear_errors.eq(0)
                        m.d.sync += self.status.eq(Status.BUS_ERROR)
                        m.next = "report"
                    with m.Elif(self._check.fault != Status.DONE):
                        m.d.sync += self.status.eq(self._check.fault)
                        m.next = "report"
            with m.State("dispatch"):
                self._dispatch(m, opcode)
            self._tables(m)
            with m.State("ask records"):
                m.d.comb += [
                    self.kind.eq(ReadKind.RECORD),
                    self.ranges.valid.eq(1),
                    self.ranges.payload.address.eq(self.filling.vector_records),
                    self.ranges.payload.blocks.eq(
                        (self.filling.vectors + (BLOCK_BYTES // RECORD_BYTES - 1)) >> (BLOCK_SHIFT - 5)
                    ),
                ]
                with m.If(self.ranges.ready):
                    m.d.comb += self.issue.eq(1)
                    m.next = "idle"
            with m.State("ask list"):
                m.d.comb += [
                    self.kind.eq(ReadKind.RECORD),
                    self.ranges.valid.eq(1),
                    self.ranges.payload.address.eq(self.filling.stream),
                    self.ranges.payload.blocks.eq(self.filling.stream_blocks),
                ]
                with m.If(self.ranges.ready):
                    m.d.comb += self.edge_start.eq(1)
                    m.next = "edges"
            with m.State("edges"):
                m.d.comb += self.kind.eq(ReadKind.RECORD)
                with m.If(~self.edge_running):
                    m.next = "judge"
            with m.State("copy"):
                m.d.comb += self.copying.eq(1)
                with m.If(self.copied):
                    m.next = "judge"
            with m.State("judge"):
                m.d.sync += self.status.eq(self._judged)
                m.next = "report"
            with m.State("report"):
                m.d.comb += self.complete.eq(1)
                m.next = "idle"
        retired = Signal()
        m.d.sync += retired.eq(self.retire)
        with m.If(self.retire):
            m.d.sync += self.status.eq(self._judged)
        with m.If(retired):
            m.d.comb += self.complete.eq(1)
        return m

    def _take_descriptor(self, m: Module) -> None:
        """Its words come after the records of the descriptors before it, which are for the load stage."""
        unread = self._unread.any()
        m.d.comb += self.words.ready.eq(~unread)
        with m.If(self.words.valid & ~unread):
            m.d.sync += self._word.eq(self._word + 1)
            for slot in range(SLOTS):
                with m.If(self.issued[0] == slot):
                    target = self.slots[slot].as_value().word_select(self._word[:4], WORD_BITS)
                    m.d.sync += target.eq(self.words.payload)
            with m.If(self._word == DESCRIPTOR_WORDS - 1):
                m.next = "check"

    def _verdict(self, m: Module) -> None:
        self._judged = Signal(Status, init=Status.DONE)
        m.d.comb += self._judged.eq(Status.DONE)
        for is_wrong, status in (
            (self.range_error, Status.EXPONENT_RANGE),
            (self.malformed, Status.MALFORMED_STREAM),
            (self.bus_error, Status.BUS_ERROR),
        ):
            with m.If(is_wrong):
                m.d.comb += self._judged.eq(status)

    def _dispatch(self, m: Module, opcode: Signal) -> None:
        with m.Switch(opcode):
            with m.Case(Opcode.LOAD_CODEBOOK):
                m.d.sync += self._next_table.eq(Table.CODEBOOK)
                m.next = "ask table"
            with m.Case(Opcode.LOAD_ROWS):
                m.d.sync += self._next_table.eq(Table.RHO)
                m.next = "ask table"
            with m.Case(Opcode.EDGE_WEIGHTS, Opcode.EDGE_SUMS):
                m.next = "ask list"
            with m.Case(Opcode.COPY):
                m.next = "copy"
            with m.Default():
                m.d.sync += self._next_table.eq(Table.NONEMPTY)
                m.next = "ask table"
                with m.If((opcode == Opcode.SCORES) | (self.filling.layout == LayoutCode.DENSE.value)):
                    m.next = "ask records"

    def _tables(self, m: Module) -> None:
        """One table: ask for it, then one word a cycle; LOAD_ROWS goes on with the next of its three, or four."""
        address, size = self._table_address, self._table_size
        with m.State("ask table"):
            m.d.comb += [
                self.kind.eq(ReadKind.TABLE),
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
                        if self.shape.config.row_leaks:
                            with m.Case(Table.ZERO_ROWS):
                                m.d.sync += self._next_table.eq(Table.LEAKS)
                                m.next = "judge"
                                with m.If(self.filling.options.row_leaks):
                                    m.next = "ask table"
                        with m.Default():
                            m.next = "judge"

    def _place_table(self, m: Module) -> None:
        """Where the next table is, and its bytes."""
        descriptor = self.filling
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
            if self.shape.config.row_leaks:
                with m.Case(Table.LEAKS):
                    m.d.comb += [address.eq(descriptor.results), size.eq(descriptor.inputs * CODE_BYTES)]
            with m.Case(Table.CODEBOOK):
                m.d.comb += [address.eq(descriptor.stream), size.eq(descriptor.outputs * CODE_BYTES)]
