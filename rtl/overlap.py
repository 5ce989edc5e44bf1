"""How descriptors follow one another through the stages."""

from amaranth import Module, Signal
from amaranth.hdl import Array, Mux

from .operation import Opcode
from .pipeline import wire
from .stages import Stages


def connect_flight(m: Module, stages: Stages, headed: Signal) -> None:
    """Give every stage its turn; `headed` are the buffers that hold results of vectors."""
    sequencer, flight = stages.sequencer, stages.flight
    m.d.comb += [
        flight.issue.eq(sequencer.issue),
        flight.groups.eq(sequencer.groups),
        flight.answered.eq(stages.writer.group_answered),
        sequencer.issued.eq(flight.issued),
        sequencer.at_rest.eq(flight.at_rest),
        sequencer.has_room.eq(flight.has_room),
        sequencer.retire.eq(flight.retire),
        sequencer.records_read.eq(stages.load.records_read),
        stages.load.written.eq(flight.written),
    ]
    ending = (stages.load_turn, stages.input_turn, stages.gather_turn, stages.output_turn)
    for number, turn in enumerate(ending):
        m.d.comb += flight.ended[number].eq(turn.ended)
    for turn, stage, idle in (
        (stages.load_turn, stages.load, stages.load.idle),
        (stages.input_turn, stages.input, stages.input.done),
        (stages.stream_turn, stages.stream, stages.stream.idle),
        (stages.gather_turn, stages.gather, stages.gather.idle),
        (stages.output_turn, stages.output, stages.output.done),
    ):
        m.d.comb += [turn.issued.eq(flight.issued), turn.idle.eq(idle), stage.start.eq(turn.start)]
    _share_results(m, stages, headed)


def _share_results(m: Module, stages: Stages, headed: Signal) -> None:
    """Scores and vectors use the result memory differently: one kind waits until the other has left it."""
    turn, gather = stages.gather_turn, stages.gather
    was_score = Signal()
    opcode = Array(descriptor.opcode for descriptor in stages.sequencer.slots)[turn.next_slot]
    is_score = wire(m, opcode == Opcode.SCORES.value, "comes_score")
    rows_left = wire(m, turn.ended != stages.output_turn.ended, "rows_left")
    with m.If(turn.start):
        m.d.sync += was_score.eq(gather.settings.is_score)
    fresh = Array(stages.flight.fresh)[turn.slot]
    restart = wire(m, turn.start & (fresh | ~was_score), "restart")
    m.d.comb += [
        turn.hold.eq(Mux(is_score, ~was_score & headed.any(), was_score & rows_left)),
        gather.restart.eq(restart),
        stages.score_rows.restart.eq(restart),
    ]
