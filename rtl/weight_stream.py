"""The weight stream: fetched once for every group, decoded to S entries a cycle."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat, Mux
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from .bus.axi import ADDRESS_BITS
from .bus.fetch import range_layout
from .bus.width import BLOCK_BITS, WORD_BITS
from .decoder.entry import entries_layout
from .decoder.stream import EntryDecoder, command_layout
from .operation import column_record_layout
from .pipeline import wire
from .shape import COUNT_BITS, Shape

COMMANDS_AHEAD = 8
"""Streams or columns that may be fetched before they are decoded."""


class AskSettings(wiring.Signature):
    """What fetching needs of the descriptor."""

    def __init__(self) -> None:
        super().__init__(
            {
                "is_listed": Out(1),
                "is_dense": Out(1),
                "groups": Out(COUNT_BITS),
                "address": Out(ADDRESS_BITS),
                "blocks": Out(COUNT_BITS),
                "entries": Out(COUNT_BITS),
                "inputs": Out(COUNT_BITS),
                "outputs": Out(COUNT_BITS),
            }
        )


class DecodeSettings(wiring.Signature):
    """What decoding needs of the descriptor."""

    def __init__(self) -> None:
        super().__init__({"is_dense": Out(1), "width": Out(2), "bits": Out(4)})


def queued_layout() -> data.StructLayout:
    """A command on its way to the decoder: whether a group ends with it, and whose slot it is."""
    return data.StructLayout({"command": command_layout(), "ends_group": 1, "slot": 1})


class WeightStream(wiring.Component):
    """Asks for the same blocks, or the same columns, once a group and decodes them back to back.

    Fetching runs ahead of decoding, into the next descriptor too: `slot` is that of the descriptor being fetched,
    `decode_slot` that of the one being decoded. The entries of a group end with `final`. `wrong` is set in a cycle
    that shows that the blocks are not those of the entries, or that a listed column cannot be one.
    """

    ask: Any
    decode: Any
    start: Signal
    idle: Signal
    slot: Signal
    decode_slot: Signal
    list_ranges: stream.Interface
    words: stream.Interface
    skip: Signal
    ranges: stream.Interface
    blocks: stream.Interface
    entries: stream.Interface
    wrong: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        slots = shape.config.entries_per_cycle
        super().__init__(
            {
                "ask": In(AskSettings()),
                "decode": In(DecodeSettings()),
                "start": In(1),
                "idle": Out(1),
                "slot": In(1),
                "decode_slot": Out(1),
                "list_ranges": Out(stream.Signature(range_layout())),
                "words": In(stream.Signature(WORD_BITS)),
                "skip": Out(1),
                "ranges": Out(stream.Signature(range_layout())),
                "blocks": In(stream.Signature(BLOCK_BITS)),
                "entries": Out(stream.Signature(entries_layout(shape, slots))),
                "wrong": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.commands = commands = SyncFIFOBuffered(width=queued_layout().size, depth=COMMANDS_AHEAD)
        self._queued = Signal(queued_layout())
        m.d.comb += [commands.w_data.eq(self._queued), self._queued.slot.eq(self.slot)]
        bad_column = self._fetch(m, commands)
        self._decode(m, commands, bad_column)
        return m

    # --- fetching ---------------------------------------------------------------------------------------------

    def _fetch(self, m: Module, commands: SyncFIFOBuffered) -> Signal:
        """Group after group; return whether a listed column was refused in this cycle."""
        ask = self.ask
        left, columns = Signal(COUNT_BITS), Signal(COUNT_BITS)
        has_entries = ask.entries.any() | (ask.is_dense & ~ask.is_listed)
        bad_column = Signal()
        asked = wire(m, self.ranges.valid & self.ranges.ready, "asked")
        m.d.comb += commands.w_en.eq(asked)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.idle.eq(1)
                with m.If(self.start & has_entries):
                    m.d.sync += left.eq(ask.groups)
                    m.next = "stream"
                    with m.If(ask.is_listed):
                        m.next = "list"
            with m.State("stream"):
                self._ask_stream(m, commands)
                with m.If(asked):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.next = "idle"
            with m.State("list"):
                m.d.comb += [
                    self.list_ranges.valid.eq(1),
                    self.list_ranges.payload.address.eq(ask.address),
                    self.list_ranges.payload.blocks.eq(ask.blocks),
                ]
                with m.If(self.list_ranges.ready):
                    m.d.sync += columns.eq(ask.entries)
                    m.next = "columns"
            with m.State("columns"):
                is_last = wire(m, columns == 1, "is_last_column")
                self._ask_column(m, commands, is_last, bad_column)
                with m.If(asked):
                    m.d.sync += columns.eq(columns - 1)
                    with m.If(is_last):
                        m.d.sync += left.eq(left - 1)
                        m.next = "list"
                        with m.If(left == 1):
                            m.next = "idle"
        return bad_column

    def _ask_stream(self, m: Module, commands: SyncFIFOBuffered) -> None:
        ask, command = self.ask, self._queued.command
        m.d.comb += [
            self.ranges.valid.eq(commands.w_rdy),
            self.ranges.payload.address.eq(ask.address),
            self.ranges.payload.blocks.eq(ask.blocks),
            command.blocks.eq(ask.blocks),
            command.entries.eq(ask.entries),
            command.inputs.eq(ask.inputs),
            command.outputs.eq(ask.outputs),
            self._queued.ends_group.eq(1),
        ]

    def _ask_column(self, m: Module, commands: SyncFIFOBuffered, is_last: Signal, bad_column: Signal) -> None:
        """Two words a column. One that cannot be a column is replaced by one absent entry, so that its group ends."""
        ask, command = self.ask, self._queued.command
        first_word, has_first = Signal(WORD_BITS), Signal()
        record = column_record_layout()(Cat(first_word, self.words.payload))
        is_long = (record.count > ask.inputs) | (record.emission_blocks > ask.inputs)
        is_bad = wire(m, ~record.count.any() | is_long, "is_bad")
        m.d.comb += [
            self.ranges.valid.eq(commands.w_rdy & has_first & self.words.valid),
            self.ranges.payload.address.eq(record.emission),
            self.ranges.payload.blocks.eq(Mux(is_bad, 0, record.emission_blocks)),
            command.blocks.eq(self.ranges.payload.blocks),
            command.entries.eq(Mux(is_bad, 1, record.count)),
            command.inputs.eq(command.entries),
            command.outputs.eq(1),
            command.first.eq(record.first),
            self._queued.ends_group.eq(is_last),
            self.words.ready.eq(Mux(has_first, commands.w_rdy & self.ranges.ready, 1)),
            self.skip.eq(is_last & self.ranges.valid & self.ranges.ready),
            bad_column.eq(self.ranges.valid & is_bad),
        ]
        with m.If(self.words.valid & self.words.ready):
            m.d.sync += [first_word.eq(self.words.payload), has_first.eq(~has_first)]

    # --- decoding ---------------------------------------------------------------------------------------------

    def _decode(self, m: Module, commands: SyncFIFOBuffered, bad_column: Signal) -> None:
        m.submodules.decoder = decoder = EntryDecoder(self.shape, self.shape.config.entries_per_cycle)
        head = Signal(queued_layout())
        is_own = wire(m, head.slot == self.decode_slot, "is_own")
        begun = wire(m, decoder.command.valid & decoder.command.ready, "begun")
        ended = wire(m, decoder.entries.valid & decoder.entries.ready & decoder.entries.payload.final, "ended")
        m.d.comb += [
            head.eq(commands.r_data),
            decoder.is_dense.eq(self.decode.is_dense),
            decoder.width.eq(self.decode.width),
            decoder.bits.eq(self.decode.bits),
            decoder.command.payload.eq(head.command),
            decoder.command.valid.eq(commands.r_rdy & is_own),
            commands.r_en.eq(begun),
            decoder.blocks.payload.eq(self.blocks.payload),
            decoder.blocks.valid.eq(self.blocks.valid),
            self.blocks.ready.eq(decoder.blocks.ready),
            self.wrong.eq(decoder.wrong | bad_column),
            self.entries.payload.eq(decoder.entries.payload),
            self.entries.valid.eq(decoder.entries.valid),
            decoder.entries.ready.eq(self.entries.ready),
        ]
        open_commands = Signal(range(3))
        m.d.sync += open_commands.eq(open_commands + begun - ended)
        # A command may begin while the last entries of the one before still wait.
        ends_group, next_ends_group = Signal(), Signal()
        with m.If(begun & (open_commands == ended)):
            m.d.sync += ends_group.eq(head.ends_group)
        with m.Else():
            with m.If(ended):
                m.d.sync += ends_group.eq(next_ends_group)
            with m.If(begun):
                m.d.sync += next_ends_group.eq(head.ends_group)
        m.d.comb += self.entries.payload.final.eq(decoder.entries.payload.final & ends_group)
        with m.If(commands.r_rdy & ~is_own & (open_commands == 0)):
            m.d.sync += self.decode_slot.eq(head.slot)
