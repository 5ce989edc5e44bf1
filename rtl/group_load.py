"""The load stage: records of a group, then its vectors and its emission columns, ahead of its passes."""

from typing import Any

from amaranth import Module, Signal, signed
from amaranth.hdl import Array, Cat, Mux
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import ceil_log2
from . import lane_ports as ports
from .bus.axi import ADDRESS_BITS
from .bus.width import WORD_BITS
from .emission_load import column_layout
from .operation import RECORD_BYTES, Opcode, record_layout
from .pipeline import wire
from .shape import COUNT_BITS, PRODUCT_EXPONENT_BITS, Shape
from .turn import follow_layout

RECORD_WORDS = RECORD_BYTES * 8 // WORD_BITS
GROUPS_IN_FLIGHT = 4
"""Destinations are kept until a group is written, three groups after they were read."""


def setting_layout() -> data.StructLayout:
    """What is kept of a record until its lane is set up."""
    return data.StructLayout({"is_closed": 1, "exponent": signed(PRODUCT_EXPONENT_BITS)})


class GroupSettings(wiring.Signature):
    """What the input side needs of the descriptor."""

    def __init__(self) -> None:
        super().__init__(
            {
                "opcode": Out(Opcode),
                "vectors": Out(COUNT_BITS),
                "groups": Out(COUNT_BITS),
                "has_second": Out(1),
                "follows": Out(1),
                "follow": Out(follow_layout()),
            }
        )


class GroupLoad(wiring.Component):
    """Group after group: read P records, load the vectors, then the emission columns, and hand over.

    Records are read while the group before is at work. The x memory changes hands word by word: loading begins when
    the last pass over the group before has `begun`, and follows it. The emission memory changes hands as a whole,
    when that pass has `ended`. `loaded` holds until `taken`: vectors may still be arriving, emissions not.
    """

    settings: Any
    start: Signal
    idle: Signal
    written: Signal
    records_read: Signal
    words: stream.Interface
    skip: Signal
    setup_write: Signal
    setup: Any
    sources: Any
    columns: Any
    destination: Any
    destination_lane: Signal
    destination_group: Signal
    active: Signal
    load_start: Signal
    load_done: Signal
    emission_start: Signal
    emission_done: Signal
    begun: Signal
    ended: Signal
    loaded: Signal
    taken: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        lanes = shape.config.lanes
        super().__init__(
            {
                "settings": In(GroupSettings()),
                "start": In(1),
                "idle": Out(1),
                "written": In(COUNT_BITS),
                "records_read": Out(1),
                "words": In(stream.Signature(WORD_BITS)),
                "skip": Out(1),
                "setup_write": Out(lanes),
                "setup": Out(ports.setup_layout()),
                "sources": Out(data.ArrayLayout(ADDRESS_BITS, lanes)),
                "columns": Out(data.ArrayLayout(column_layout(), lanes)),
                "destination_group": In(2),
                "destination_lane": In(ceil_log2(lanes)),
                "destination": Out(ADDRESS_BITS),
                "active": Out(range(lanes + 1)),
                "load_start": Out(1),
                "load_done": In(1),
                "emission_start": Out(1),
                "emission_done": In(1),
                "begun": In(1),
                "ended": In(1),
                "loaded": Out(1),
                "taken": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lanes = self.shape.config.lanes
        left, vectors_left, group = Signal(COUNT_BITS), Signal(COUNT_BITS), Signal(2)
        word, lane = Signal(ceil_log2(RECORD_WORDS)), Signal(ceil_log2(lanes))
        may_load, may_mark = Signal(init=1), Signal(init=1)
        target = Signal(COUNT_BITS)
        follow = self.settings.follow
        # nothing was before the first descriptor of all
        first_target = wire(m, follow.first + (follow.first != follow.end), "first_target")
        lag = wire(m, (self.written - target)[:COUNT_BITS], "lag")
        may_read = wire(m, ~self.settings.follows | ~lag[-1], "may_read")
        is_forward = self.settings.opcode == Opcode.FORWARD
        coming = wire(m, Mux(vectors_left < lanes, vectors_left, lanes), "coming")
        kept = self._records(m, word, lane, group)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.idle.eq(1)
                with m.If(self.start):
                    m.d.sync += [left.eq(self.settings.groups), vectors_left.eq(self.settings.vectors)]
                    m.d.sync += [word.eq(0), lane.eq(0), target.eq(first_target)]
                    m.next = "records"
            with m.State("records"):
                m.d.comb += self.words.ready.eq(1)
                with m.If(self.words.valid):
                    m.d.sync += word.eq(word + 1)
                    with m.If(word == RECORD_WORDS - 1):
                        m.d.sync += lane.eq(lane + 1)
                        with m.If(lane == coming - 1):
                            m.d.comb += [self.skip.eq(left == 1), self.records_read.eq(left == 1)]
                            m.d.sync += lane.eq(0)
                            m.next = "wait"
            with m.State("wait"):
                # the pass that begins has taken the lanes' settings: they may change now
                with m.If(may_load & self.load_done & may_read):
                    m.d.comb += self.load_start.eq(1)
                    m.d.sync += [may_load.eq(0), self.active.eq(coming), self._parity.eq(group[0])]
                    m.next = "setup"
            with m.State("setup"):
                m.d.comb += [
                    self.setup_write.eq(1 << lane),
                    self.setup.active.eq(lane < self.active),
                    self.setup.is_closed.eq(kept.is_closed),
                    self.setup.exponent.eq(kept.exponent),
                ]
                m.d.sync += lane.eq(lane + 1)
                with m.If(lane == lanes - 1):
                    m.d.sync += lane.eq(0)
                    m.next = "mark"
            with m.State("mark"):
                with m.If(may_mark):
                    m.d.comb += self.emission_start.eq(is_forward)
                    m.d.sync += may_mark.eq(0)
                    m.next = "emission"
            with m.State("emission"):
                m.d.comb += self.loaded.eq(self.emission_done)
                with m.If(self.loaded & self.taken):
                    m.d.sync += [left.eq(left - 1), vectors_left.eq(vectors_left - lanes), group.eq(group + 1)]
                    with m.If(target != self.settings.follow.end):
                        m.d.sync += target.eq(target + 1)
                    m.next = "records"
                    with m.If(left == 1):
                        m.next = "idle"
        with m.If(self.begun):
            m.d.sync += may_load.eq(1)
        with m.If(self.ended):
            m.d.sync += may_mark.eq(1)
        return m

    def _records(self, m: Module, word: Signal, lane: Signal, group: Signal) -> Any:
        """Keep the fields of the records, each as the word that holds it arrives; return the setting being set up.

        Two groups are kept: one is read while the one before still loads. Destinations stay for longer.
        """
        lanes = self.shape.config.lanes
        self._parity = Signal()
        arrived = Signal(RECORD_WORDS * WORD_BITS)
        m.d.comb += arrived.eq(self.words.payload << (word << 6))
        record = record_layout()(arrived)
        taken = wire(m, self.words.valid & self.words.ready, "taken")
        sources = self._bank("source", ADDRESS_BITS)
        columns = self._bank("column", column_layout().size)
        settings = self._bank("setting", setting_layout().size)
        place = Cat(lane, group[0])
        fields = Array(column_layout()(column) for column in columns)
        second = record.first.as_signed()
        setting = Signal(setting_layout())
        m.d.comb += [
            setting.is_closed.eq(record.closed),
            setting.exponent.eq(record.exponent + Mux(self.settings.has_second, second, 0)),
        ]
        with m.If(taken):
            with m.Switch(word):
                with m.Case(0):
                    m.d.sync += sources[place].eq(record.source)
                with m.Case(2):
                    m.d.sync += [
                        settings[place].eq(setting),
                        fields[place].first.eq(record.first),
                        fields[place].count.eq(record.count),
                    ]
                with m.Case(3):
                    m.d.sync += [
                        fields[place].address.eq(record.emission),
                        fields[place].blocks.eq(record.emission_blocks),
                    ]
        for number in range(lanes):
            m.d.comb += [
                self.sources[number].eq(Mux(self._parity, sources[lanes + number], sources[number])),
                self.columns[number].eq(Mux(self._parity, columns[lanes + number], columns[number])),
            ]
        kept = Array(Signal(ADDRESS_BITS, name=f"destination_{p}") for p in range(GROUPS_IN_FLIGHT * lanes))
        with m.If(taken & (word == 1)):
            m.d.sync += kept[Cat(lane, group)].eq(record.destination)
        m.d.comb += self.destination.eq(kept[Cat(self.destination_lane, self.destination_group)])
        chosen = Signal(setting_layout())
        m.d.comb += chosen.eq(settings[Cat(lane, self._parity)])
        return chosen

    def _bank(self, name: str, bits: int) -> Any:
        return Array(Signal(bits, name=f"{name}_{number}") for number in range(2 * self.shape.config.lanes))
