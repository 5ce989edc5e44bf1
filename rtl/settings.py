"""Which fields of which descriptor reach which stage."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Mux

from .operation import LayoutCode, Opcode, constant_of, descriptor_layout
from .pipeline import wire
from .stages import Stages
from .tables import Table


def connect_settings(m: Module, stages: Stages) -> Signal:
    """Give every stage the fields of its own descriptor; return whether the output stage's is one of scores."""
    load, taken, gathered, written, asked, decoded = (
        _descriptor(m, stages, slot, name)
        for slot, name in (
            (stages.load_turn.slot, "load"),
            (stages.input_turn.slot, "input"),
            (stages.gather_turn.slot, "gather"),
            (stages.output_turn.slot, "output"),
            (stages.stream_turn.slot, "ask"),
            (stages.stream.decode_slot, "decode"),
        )
    )
    _load(m, stages, load)
    _passes(m, stages, Mux(stages.passes.is_output, written.as_value(), taken.as_value()))
    _input(m, stages, taken)
    _stream(m, stages, asked, decoded)
    _gather(m, stages, gathered)
    return _output(m, stages, written)


def _descriptor(m: Module, stages: Stages, slot: Signal, name: str) -> Any:
    """The descriptor of a slot, under the name of the stage that works on it."""
    slots = Array(descriptor.as_value() for descriptor in stages.sequencer.slots)
    return descriptor_layout()(wire(m, slots[slot], f"{name}_descriptor"))


def _groups(stages: Stages, descriptor: Any) -> Any:
    lanes = stages.load.shape.config.lanes
    return (descriptor.vectors + (lanes - 1)) >> (lanes.bit_length() - 1)


def _is_dense(descriptor: Any) -> Any:
    return descriptor.layout == LayoutCode.DENSE.value


def _load(m: Module, stages: Stages, d: Any) -> None:
    settings, emissions, vectors = stages.load.settings, stages.emissions, stages.vectors
    flight, slot = stages.flight, stages.load_turn.slot
    has_second = wire(m, d.options.second, "load_has_second")
    m.d.comb += [
        settings.opcode.eq(Opcode(d.opcode)),
        settings.vectors.eq(d.vectors),
        settings.groups.eq(_groups(stages, d)),
        settings.has_second.eq(has_second),
        settings.follows.eq(d.options.follows),
        settings.follow.eq(Mux(slot, flight.follow[1].as_value(), flight.follow[0].as_value())),
        emissions.is_dense.eq(_is_dense(d)),
        emissions.width.eq(d.entry_width),
        emissions.bits.eq(d.index_bits),
        emissions.inputs.eq(d.inputs),
        emissions.codebook.eq(d.emission_codebook),
        vectors.inputs.eq(d.inputs),
        vectors.has_second.eq(has_second),
        vectors.keeps_first.eq(d.options.keeps_first),
    ]


def _input(m: Module, stages: Stages, d: Any) -> None:
    settings, leak = stages.input.settings, stages.leak
    m.d.comb += [
        settings.opcode.eq(Opcode(d.opcode)),
        settings.groups.eq(_groups(stages, d)),
        leak.right.eq(d.leak_right),
        leak.split.eq(d.opcode == Opcode.BACKWARD.value),
    ]
    if leak.shape.config.row_leaks:
        m.d.comb += leak.row_leaks.eq(d.options.row_leaks)
    _constants(m, (leak.k1, d.leak_k1), (leak.k0, d.leak_k0))


def _passes(m: Module, stages: Stages, value: Any) -> None:
    passes = stages.passes.settings
    d = descriptor_layout()(wire(m, value, "passes_descriptor"))
    m.d.comb += [
        passes.opcode.eq(Opcode(d.opcode)),
        passes.is_dense.eq(_is_dense(d)),
        passes.inputs.eq(d.inputs),
        passes.outputs.eq(d.outputs),
        passes.has_empty.eq(d.records != d.outputs),
        passes.has_second.eq(d.options.second),
        passes.closed_row.eq(d.closed_row),
        passes.drops_closed.eq(d.options.drops_closed),
    ]
    if stages.passes.shape.config.row_leaks:
        m.d.comb += [
            passes.row_leaks.eq(d.options.row_leaks),
            passes.row_emissions.eq(d.options.row_emissions),
            passes.row_right.eq(d.row_right),
        ]
    _constants(m, (passes.emission_k1, d.emission_k1), (passes.emission_k0, d.emission_k0))


def _constants(m: Module, *pairs: tuple[Any, Any]) -> None:
    for target, source in pairs:
        mantissa, shift = constant_of(source)
        m.d.comb += [target.mantissa.eq(mantissa), target.shift.eq(shift)]


def _stream(m: Module, stages: Stages, asked: Any, decoded: Any) -> None:
    ask, decode = stages.stream.ask, stages.stream.decode
    m.d.comb += [
        ask.is_listed.eq(asked.options.listed),
        ask.is_dense.eq(_is_dense(asked)),
        ask.groups.eq(_groups(stages, asked)),
        ask.address.eq(asked.stream),
        ask.blocks.eq(asked.stream_blocks),
        ask.entries.eq(asked.entries),
        ask.inputs.eq(asked.inputs),
        ask.outputs.eq(asked.outputs),
        stages.stream.slot.eq(stages.stream_turn.slot),
        decode.is_dense.eq(_is_dense(decoded)),
        decode.width.eq(decoded.entry_width),
        decode.bits.eq(decoded.index_bits),
    ]


def _gather(m: Module, stages: Stages, d: Any) -> None:
    gather = stages.gather.settings
    m.d.comb += [
        gather.is_score.eq(d.opcode == Opcode.SCORES.value),
        gather.groups.eq(_groups(stages, d)),
        gather.records.eq(d.records),
        gather.inputs.eq(d.inputs),
        gather.has_entries.eq((_is_dense(d) & ~d.options.listed) | d.entries.any()),
        gather.codebook.eq(d.codebook),
        gather.closed_record.eq(d.closed_record),
    ]
    if stages.gather.shape.config.row_leaks:
        m.d.comb += [
            gather.row_leaks.eq(d.options.row_leaks & (d.opcode == Opcode.BACKWARD.value)),
            gather.row_shift.eq(d.row_shift),
        ]


def _output(m: Module, stages: Stages, d: Any) -> Signal:
    output, passes = stages.output.settings, stages.output_passes.settings
    m.d.comb += [
        passes.opcode.eq(Opcode(d.opcode)),
        passes.groups.eq(_groups(stages, d)),
        output.opcode.eq(Opcode(d.opcode)),
        output.groups.eq(_groups(stages, d)),
        output.vectors.eq(d.vectors),
        output.outputs.eq(d.outputs),
        output.records.eq(d.records),
        output.results.eq(d.results),
        output.result_stride.eq(d.result_stride),
        stages.score_rows.records.eq(d.records),
    ]
    return wire(m, d.opcode == Opcode.SCORES.value, "is_score")


def connect_tables(m: Module, stages: Stages) -> None:
    """Lead the words of a table to where they are kept."""
    sequencer, rows, codebooks = stages.sequencer, stages.rows, stages.codebooks
    is_codebook = sequencer.table == Table.CODEBOOK
    value = sequencer.words.payload
    m.d.comb += [
        rows.write.eq(sequencer.table_write & ~is_codebook),
        rows.table.eq(sequencer.table),
        rows.tensor.eq(sequencer.filling.codebook),
        rows.address.eq(sequencer.table_address),
        rows.value.eq(value),
        codebooks.write.eq(sequencer.table_write & is_codebook),
        codebooks.slot.eq(sequencer.filling.codebook),
        codebooks.address.eq(sequencer.table_address),
        codebooks.value.eq(value),
    ]
