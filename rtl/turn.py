"""Overlap of descriptors: each stage goes on to the next one by itself, and descriptors end in order."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Cat, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .pipeline import wire
from .shape import COUNT_BITS

SLOTS = 2
"""Descriptors that may be under way at once."""
TURN_BITS = 2
"""Descriptors are numbered modulo 2 * SLOTS; their slot is the low bit."""


class Turn(wiring.Component):
    """The descriptor that one stage works on.

    When the stage is `idle` and a descriptor was issued that it has not had, it gets `start` for one cycle, with the
    descriptor's `slot` from then on; `hold` keeps it from `next_slot`. `ended` is the number of the first descriptor
    that the stage has not ended.
    """

    issued: Signal
    idle: Signal
    hold: Signal
    start: Signal
    slot: Signal
    next_slot: Signal
    ended: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "issued": In(TURN_BITS),
                "idle": In(1),
                "hold": In(1),
                "start": Out(1),
                "slot": Out(1),
                "next_slot": Out(1),
                "ended": Out(TURN_BITS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        taken = Signal(TURN_BITS)
        rests = wire(m, self.idle & ~self.start, "rests")
        begins = wire(m, rests & (taken != self.issued) & ~self.hold, "begins")
        m.d.sync += self.start.eq(begins)
        with m.If(begins):
            m.d.sync += [self.slot.eq(taken), taken.eq(taken + 1)]
        m.d.comb += [self.next_slot.eq(taken), self.ended.eq(Mux(rests, taken, taken - 1))]
        return m


def follow_layout() -> data.StructLayout:
    """Groups of the descriptor before: the number of the first, and of the first that is not its own."""
    return data.StructLayout({"first": COUNT_BITS, "end": COUNT_BITS})


class Flight(wiring.Component):
    """Descriptors between their issue and their end, oldest first.

    `issue` takes one of `groups` groups on; `retire` marks the cycle in which the oldest is over: every stage has
    ended it, and all its writes were answered. Groups are numbered since reset, modulo 2**32; `written` counts those
    whose writes were `answered`. `fresh` says of a slot that nothing else was under way at its issue.
    """

    issue: Signal
    groups: Signal
    ended: Any
    answered: Signal
    issued: Signal
    at_rest: Signal
    has_room: Signal
    retire: Signal
    written: Signal
    follow: Any
    fresh: Signal

    def __init__(self, stages: int) -> None:
        super().__init__(
            {
                "issue": In(1),
                "groups": In(COUNT_BITS),
                "ended": In(data.ArrayLayout(TURN_BITS, stages)),
                "answered": In(1),
                "issued": Out(TURN_BITS),
                "at_rest": Out(1),
                "has_room": Out(1),
                "retire": Out(1),
                "written": Out(COUNT_BITS),
                "follow": Out(data.ArrayLayout(follow_layout(), SLOTS)),
                "fresh": Out(SLOTS),
            }
        )
        self.stages = stages

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        retired = Signal(TURN_BITS)
        before, total = Signal(COUNT_BITS), Signal(COUNT_BITS)
        under_way = wire(m, (self.issued - retired)[:TURN_BITS], "under_way")
        ends = [Signal(COUNT_BITS, name=f"end_{slot}") for slot in range(SLOTS)]
        oldest_end = wire(m, Array(ends)[retired[0]], "oldest_end")
        missing = wire(m, (self.written - oldest_end)[:COUNT_BITS], "missing")
        all_ended = Cat(self.ended[stage] != retired for stage in range(self.stages)).all()
        m.d.comb += [
            self.at_rest.eq(under_way == 0),
            self.has_room.eq(under_way < SLOTS),
            self.retire.eq(under_way.any() & all_ended & ~missing[-1]),
        ]
        m.d.sync += [retired.eq(retired + self.retire), self.written.eq(self.written + self.answered)]
        with m.If(self.issue):
            m.d.sync += [self.issued.eq(self.issued + 1), before.eq(total), total.eq(total + self.groups)]
            for slot in range(SLOTS):
                with m.If(self.issued[0] == slot):
                    m.d.sync += [
                        self.follow[slot].first.eq(before),
                        self.follow[slot].end.eq(total),
                        ends[slot].eq(total + self.groups),
                        self.fresh[slot].eq(self.at_rest),
                    ]
        return m
