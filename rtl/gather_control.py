"""The gather stage: one pass over the weight stream for each group of P vectors."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Cat, Const, Mux, Value
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import CODEBOOK_BITS
from . import lane_ports as ports
from .bits import one_count
from .decoder.entry import entries_layout
from .lane_ports import GatherTiming
from .pipeline import delayed, wire
from .shape import BUFFERS, COUNT_BITS, Shape

HEADER_SLOTS = 2
"""The header of a group of scores takes the room of two records: 4 bytes a lane."""


class Stall(enum.Enum, shape=3):
    """What the gather stage did in a cycle, in order of attribution."""

    IDLE = 0
    """No operation, or all groups gathered."""
    BUSY = 1
    """Entries or a header were issued."""
    INPUT = 2
    """The next group's z is not ready."""
    OUTPUT = 3
    """Results have nowhere to go."""
    MEMORY = 4
    """No entries have arrived."""


class GatherSettings(wiring.Signature):
    """What the stage needs of the descriptor."""

    def __init__(self, shape: Shape) -> None:
        own = {"row_leaks": Out(1), "row_shift": Out(ports.ROW_DISTANCE_BITS)}
        super().__init__(
            {
                **(own if shape.config.row_leaks else {}),
                "is_score": Out(1),
                "groups": Out(COUNT_BITS),
                "records": Out(COUNT_BITS),
                "inputs": Out(COUNT_BITS),
                "has_entries": Out(1),
                "codebook": Out(2),
                "closed_record": Out(COUNT_BITS),
            }
        )


def early_layout(shape: Shape) -> data.StructLayout:
    """What ends in cycle 0 of GatherTiming, where rows have leaks of their own."""
    return data.StructLayout({"header": 1, "buffer": 1, "ended": shape.config.entries_per_cycle})


class GatherControl(wiring.Component):
    """Issues S entries a cycle to the lanes, and says where their results go.

    A group begins with a header cycle, in which the leak of empty outputs is finished as if it were an output. A
    group is `done` `latency` cycles after its last entries. Results of vector operations go to the buffer of the
    group; scores fill rows of the whole result memory in a ring, the header's two slots first: `rows_filled` counts
    those the writer may take, `row_taken` gives one back. Issue stops while a full ring could overflow. The ring goes
    on from one descriptor to the next, but for a `restart`. `idle` comes when the last group of a descriptor is done.

    Throughput: what the decoder gives, S entries a cycle, with no bubble between outputs, blocks or groups. What
    remains are the header cycle of a group, the last cycle of a dense list when S does not divide its inputs, and the
    last cycle of a sparse block of 20 entries when S is 8 (blocks of 24 and 32 leave none).
    """

    latency = 1 + GatherTiming.result + 1

    settings: Any
    start: Signal
    restart: Signal
    idle: Signal
    entries: stream.Interface
    ready_buffers: Signal
    read: Any
    lookup: Any
    levels: Any
    lookup_enable: Signal
    factors: Any
    last_segment: Signal
    last_carry: Signal
    total: Any
    early: Any
    result: Any
    done: Signal
    done_buffer: Signal
    rows_filled: Signal
    row_taken: Signal
    taken_buffers: Signal
    header_done: Signal
    header_buffer: Signal
    wrong: Signal
    clear_error: Signal
    malformed: Signal
    state: Any
    accepted: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        slots = shape.config.entries_per_cycle
        lookup = data.StructLayout({"index": shape.config.greatest_index_bits, "slot": 2})
        super().__init__(
            {
                "settings": In(GatherSettings(shape)),
                "start": In(1),
                "restart": In(1),
                "idle": Out(1),
                "entries": In(stream.Signature(entries_layout(shape, slots))),
                "ready_buffers": In(BUFFERS),
                "read": Out(ports.read_layout(shape)),
                "lookup": Out(data.ArrayLayout(lookup, slots)),
                "lookup_enable": Out(1),
                "levels": In(data.ArrayLayout(CODEBOOK_BITS, slots)),
                "factors": Out(data.ArrayLayout(CODEBOOK_BITS, slots)),
                "last_segment": Out(slots),
                "last_carry": Out(slots),
                "total": Out(ports.total_layout(shape)),
                **({"early": Out(early_layout(shape))} if shape.config.row_leaks else {}),
                "result": Out(ports.result_layout(shape)),
                "done": Out(1),
                "done_buffer": Out(1),
                "rows_filled": Out(shape.bank_row_bits + 1),
                "row_taken": In(1),
                "taken_buffers": Out(BUFFERS),
                "header_done": Out(1),
                "header_buffer": Out(1),
                "wrong": In(1),
                "clear_error": In(1),
                "malformed": Out(1),
                "state": Out(Stall),
                "accepted": Out(range(slots + 1)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._buffer = Signal()
        self._header = Signal()
        self._fire = Signal()
        self._end = Signal()
        self._room(m)
        self._issue(m)
        self._read_stage(m)
        self._result_stage(m)
        return m

    # --- issue ------------------------------------------------------------------------------------------------

    def _issue(self, m: Module) -> None:
        """Header, then entries, group after group."""
        settings = self.settings
        left, undone = Signal(COUNT_BITS), Signal(range(self.latency + 1))
        m.d.sync += undone.eq(undone + self._end - self.done)
        is_ready = wire(m, Array(self.ready_buffers)[self._buffer], "is_ready")
        final = self.entries.payload.final
        end = self._end
        m.d.comb += self.taken_buffers.eq(end << self._buffer)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += [self.state.eq(Stall.IDLE), self.idle.eq(~undone.any())]
                with m.If(self.start):
                    m.d.sync += left.eq(settings.groups)
                    m.next = "header"
            with m.State("header"):
                with m.If(~is_ready):
                    m.d.comb += self.state.eq(Stall.INPUT)
                with m.Elif(~self._has_room):
                    m.d.comb += self.state.eq(Stall.OUTPUT)
                with m.Else():
                    m.d.comb += [self._header.eq(1), self.state.eq(Stall.BUSY), end.eq(~settings.has_entries)]
                    with m.If(settings.has_entries):
                        m.next = "entries"
                    with m.Else():
                        self._next_group(m, left)
            with m.State("entries"):
                with m.If(~self._has_room):
                    m.d.comb += self.state.eq(Stall.OUTPUT)
                with m.Elif(~self.entries.valid):
                    m.d.comb += self.state.eq(Stall.MEMORY)
                with m.Else():
                    m.d.comb += [self._fire.eq(1), self.state.eq(Stall.BUSY), end.eq(final)]
                    with m.If(final):
                        self._next_group(m, left)
                m.d.comb += self.entries.ready.eq(self._has_room)

    def _next_group(self, m: Module, left: Signal) -> None:
        m.d.sync += [left.eq(left - 1), self._buffer.eq(~self._buffer)]
        with m.If(left == 1):
            m.next = "idle"
        with m.Else():
            m.next = "header"

    def _room(self, m: Module) -> None:
        """Slots of the ring that are taken or promised; the end of a group claims the rest of its row."""
        banks = self.shape.banks
        slots = self.shape.config.entries_per_cycle
        capacity = self.shape.bank_rows * banks
        taken = Signal(range(capacity + 1))
        in_row = Signal(self.shape.bank_bits)
        self._has_room = Signal()
        ended = wire(m, one_count(Cat(slot.last for slot in self.entries.payload.slots)), "ended")
        claimed = wire(m, Mux(self._header, HEADER_SLOTS, Mux(self._fire, ended, 0)), "claimed")
        after = wire(m, (in_row + claimed)[: self.shape.bank_bits], "in_row_after")
        padding = Mux(self._end, (-after)[: self.shape.bank_bits], 0)
        is_safe = taken <= capacity - 2 * banks - slots
        m.d.comb += self._has_room.eq(~self.settings.is_score | self.malformed | is_safe)
        with m.If(self.restart):
            m.d.sync += [taken.eq(0), in_row.eq(0)]
        with m.Else():
            m.d.sync += taken.eq(taken + claimed + padding - Mux(self.row_taken, banks, 0))
            m.d.sync += in_row.eq(Mux(self._end, 0, after))

    # --- pipeline ---------------------------------------------------------------------------------------------

    def _read_stage(self, m: Module) -> None:
        """Cycle 0 reads z and the codebook, cycle 1 is cycle 0 of GatherTiming."""
        entries = self.entries.payload.slots
        m.d.comb += [
            self.read.enable.eq(self._fire),
            self.read.buffer.eq(self._buffer),
            self.lookup_enable.eq(self._fire),
            self.accepted.eq(Mux(self._fire, one_count(Cat(slot.valid for slot in entries)), 0)),
        ]
        lasts: list[Value] = []
        wrong: list[Value] = []
        for slot, entry in enumerate(entries):
            is_valid = wire(m, self._fire & entry.valid, f"is_valid_{slot}")
            m.d.comb += [
                self.read.index[slot].eq(entry.index),
                self.lookup[slot].index.eq(entry.level),
                self.lookup[slot].slot.eq(self.settings.codebook),
                self.factors[slot].eq(Mux(delayed(m, is_valid, 1, f"valid_{slot}"), self.levels[slot], 0)),
            ]
            lasts.append(self._fire & entry.last)
            wrong.append(is_valid & (entry.index >= self.settings.inputs))
        with m.If(Cat(wrong).any()):
            m.d.sync += self.malformed.eq(1)
        self._last = delayed(m, Cat(lasts), 1, "last")
        if self.shape.config.row_leaks:
            m.d.comb += [
                self.early.header.eq(delayed(m, self._header, 1, "early_header")),
                self.early.buffer.eq(delayed(m, self._buffer, 1, "early_buffer")),
                self.early.ended.eq(self._last),
            ]
        # The end of a group ends every sum, even where a malformed stream leaves one open.
        ends_sum = delayed(m, Cat(*lasts[:-1], lasts[-1] | self._end), 1, "ends_sum")
        m.d.comb += [
            self.last_segment.eq(delayed(m, self._last, GatherTiming.segment, "last_segment")),
            self.last_carry.eq(delayed(m, ends_sum, GatherTiming.carry, "last_carry")),
        ]

    def _result_stage(self, m: Module) -> None:
        """Where results go: rank after rank, bank after bank."""
        shape, settings = self.shape, self.settings
        header, end, buffer = (
            delayed(m, signal, 1 + GatherTiming.total, name)
            for signal, name in ((self._header, "header"), (self._end, "end"), (self._buffer, "buffer"))
        )
        m.d.comb += [self.total.header.eq(header), self.total.buffer.eq(buffer)]
        self._close(m)
        later = GatherTiming.result - GatherTiming.total
        header, end, buffer = (
            wire(m, delayed(m, signal, later, f"{name}_result"), f"{name}_at_result")
            for signal, name in ((header, "header"), (end, "end"), (buffer, "buffer"))
        )
        ended = wire(m, delayed(m, self._last, GatherTiming.result, "ended"), "ended_at_result")
        row_bits = shape.bank_row_bits
        position = Signal(row_bits + shape.bank_bits)
        row, bank = position[shape.bank_bits :], position[: shape.bank_bits]
        count = wire(m, one_count(ended), "ended_count")
        after = wire(m, (position + count)[: len(position)], "position_after")
        next_row = wire(m, (row + bank.any())[:row_bits], "next_row")
        with m.If(self.restart):
            m.d.sync += position.eq(0)
        with m.Elif(header):
            vector_start = Cat(Const(0, shape.bank_bits + row_bits - 1), buffer)
            score_start = Cat(Const(0, shape.bank_bits), next_row) + HEADER_SLOTS
            m.d.sync += position.eq(Mux(settings.is_score, score_start, vector_start))
        with m.Else():
            m.d.sync += position.eq(after)
        m.d.comb += [
            self.result.header.eq(header),
            self.result.buffer.eq(buffer),
            self.result.is_score.eq(settings.is_score),
            self.result.ended.eq(ended),
        ]
        self._route(m, ended, row, bank)
        self._finish_groups(m, header, end, buffer, count, bank, after[: shape.bank_bits])

    def _close(self, m: Module) -> None:
        """Find the record without a leak among those that end, a cycle before its leak would be added."""
        early = GatherTiming.total - 1
        header = delayed(m, self._header, 1 + early, "header_early")
        ended = wire(m, delayed(m, self._last, early, "ended_early"), "ended_at_close")
        left = Signal(COUNT_BITS)
        with m.If(header):
            m.d.sync += left.eq(self.settings.closed_record)
        with m.Else():
            m.d.sync += left.eq(left - one_count(ended))
        closed = Cat(bit & (left == one_count(ended[: slot + 1])) for slot, bit in enumerate(ended))
        m.d.sync += self.total.closed.eq(closed)

    def _route(self, m: Module, ended: Value, row: Value, bank: Value) -> None:
        """The k-th output that ends in this cycle goes to the k-th bank from the current one."""
        shape = self.shape
        slots = shape.config.entries_per_cycle
        places = [
            wire(m, (bank + one_count(Cat(ended[:slot], Const(0, 1))))[: shape.bank_bits], f"place_{slot}")
            for slot in range(slots)
        ]
        for number in range(shape.banks):
            target = self.result.bank[number]
            m.d.comb += target.row.eq(row + (bank > number))
            for slot in range(slots):
                with m.If(ended[slot] & (places[slot] == number)):
                    m.d.comb += [target.write.eq(1), target.source.eq(slot)]

    def _finish_groups(
        self, m: Module, header: Value, end: Value, buffer: Value, count: Value, bank: Value, bank_after: Value
    ) -> None:
        """Rows that are complete, groups that are done, and whether the flags added up."""
        banks = self.shape.banks
        records = Signal(COUNT_BITS)
        m.d.sync += records.eq(Mux(header, 0, records + count))
        m.d.sync += [
            self.done.eq(end),
            self.done_buffer.eq(buffer),
            self.header_done.eq(header),
            self.header_buffer.eq(buffer),
        ]
        closes = wire(m, self.settings.is_score & ~header & (bank + count >= banks), "closes")
        # A header fills a row of two banks at once; the last row of a group is complete whatever is in it.
        fills = wire(m, self.settings.is_score & header & (HEADER_SLOTS % banks == 0), "fills")
        open_slots = Mux(header, HEADER_SLOTS % banks, bank_after)
        flush = wire(m, self.settings.is_score & end & (open_slots != 0), "flush")
        total = Mux(header, 0, records + count)
        # In cycles in which nothing ends the descriptor may be another one already.
        with m.If((end & (total != self.settings.records)) | (count.any() & (total > self.settings.records))):
            m.d.sync += self.malformed.eq(1)
        with m.If(self.wrong):
            m.d.sync += self.malformed.eq(1)
        with m.If(self.clear_error):
            m.d.sync += self.malformed.eq(0)
        with m.If(self.restart):
            m.d.sync += self.rows_filled.eq(0)
        with m.Else():
            m.d.sync += self.rows_filled.eq(self.rows_filled + closes + fills + flush - self.row_taken)
