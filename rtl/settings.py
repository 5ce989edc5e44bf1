"""Which fields of the descriptor reach which stage."""

from amaranth import Module, Signal

from .operation import LayoutCode, Opcode, constant_of
from .pipeline import wire
from .stages import Stages
from .tables import Table


def connect_settings(m: Module, stages: Stages) -> Signal:
    """Give every stage its fields of the descriptor; return whether the operation is scores."""
    sequencer = stages.sequencer
    d, groups, start = sequencer.descriptor, sequencer.groups, sequencer.start
    opcode = Opcode(d.opcode)
    is_dense = wire(m, d.layout == LayoutCode.DENSE.value, "is_dense")
    is_score = wire(m, d.opcode == Opcode.SCORES.value, "is_score")
    stream, gather, passes = stages.stream.settings, stages.gather.settings, stages.passes.settings
    output = stages.output.settings
    m.d.comb += [
        stream.is_dense.eq(is_dense),
        stream.width.eq(d.entry_width),
        stream.bits.eq(d.index_bits),
        stream.groups.eq(groups),
        stream.address.eq(d.stream),
        stream.blocks.eq(d.stream_blocks),
        stream.entries.eq(d.entries),
        stream.inputs.eq(d.inputs),
        stream.outputs.eq(d.outputs),
        gather.is_score.eq(is_score),
        gather.groups.eq(groups),
        gather.records.eq(d.records),
        gather.inputs.eq(d.inputs),
        gather.has_entries.eq(is_dense | d.entries.any()),
        gather.codebook.eq(d.codebook),
        passes.opcode.eq(opcode),
        passes.is_dense.eq(is_dense),
        passes.inputs.eq(d.inputs),
        passes.outputs.eq(d.outputs),
        passes.has_empty.eq(d.records != d.outputs),
        output.opcode.eq(opcode),
        output.groups.eq(groups),
        output.vectors.eq(d.vectors),
        output.outputs.eq(d.outputs),
        output.records.eq(d.records),
        output.results.eq(d.results),
        output.result_stride.eq(d.result_stride),
    ]
    constants = (
        (passes.emission_k1, d.emission_k1),
        (passes.emission_k0, d.emission_k0),
        (stages.leak.k1, d.leak_k1),
        (stages.leak.k0, d.leak_k0),
    )
    for target, source in constants:
        mantissa, shift = constant_of(source)
        m.d.comb += [target.mantissa.eq(mantissa), target.shift.eq(shift)]
    m.d.comb += [
        stages.leak.right.eq(d.leak_right),
        stages.leak.split.eq(d.opcode == Opcode.BACKWARD.value),
        stages.emissions.is_dense.eq(is_dense),
        stages.emissions.width.eq(d.entry_width),
        stages.emissions.bits.eq(d.index_bits),
        stages.emissions.inputs.eq(d.inputs),
        stages.emissions.codebook.eq(d.emission_codebook),
        stages.vectors.inputs.eq(d.inputs),
        stages.score_rows.records.eq(d.records),
        stages.score_rows.restart.eq(start),
    ]
    for stage in (stages.load, stages.input):
        m.d.comb += [
            stage.settings.opcode.eq(opcode),
            stage.settings.vectors.eq(d.vectors),
            stage.settings.groups.eq(groups),
        ]
    m.d.comb += [
        stage.start.eq(start) for stage in (stages.load, stages.input, stages.gather, stages.output, stages.stream)
    ]
    return is_score


def connect_tables(m: Module, stages: Stages) -> None:
    """Lead the words of a table to where they are kept."""
    sequencer, rows, codebooks = stages.sequencer, stages.rows, stages.codebooks
    is_codebook = sequencer.table == Table.CODEBOOK
    value = sequencer.words.payload
    m.d.comb += [
        rows.write.eq(sequencer.table_write & ~is_codebook),
        rows.table.eq(sequencer.table),
        rows.tensor.eq(sequencer.descriptor.codebook),
        rows.address.eq(sequencer.table_address),
        rows.value.eq(value),
        codebooks.write.eq(sequencer.table_write & is_codebook),
        codebooks.slot.eq(sequencer.descriptor.codebook),
        codebooks.address.eq(sequencer.table_address),
        codebooks.value.eq(value),
    ]
