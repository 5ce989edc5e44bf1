"""How the constraint unit takes its place in an engine whose stages are at rest."""

from typing import Any

from amaranth import Module

from ..operation import LayoutCode, Opcode
from ..passes import BETA
from ..stages import Stages


def connect_constraint(m: Module, stages: Stages) -> None:
    """Give the unit its settings, and what it borrows while it runs; to be called after everything else is connected.

    The readers "emissions" and "weights" bring its blocks, "words" its list; table, codebook and writer are those of
    the stages.
    """
    unit, sequencer, d = stages.constraint, stages.sequencer, stages.sequencer.filling
    settings = unit.settings
    m.d.comb += [
        settings.is_sums.eq(d.opcode == Opcode.EDGE_SUMS.value),
        settings.inputs.eq(d.inputs),
        settings.vectors.eq(d.vectors),
        settings.list_blocks.eq(d.stream_blocks),
        settings.row_sums.eq(d.nonempty),
        settings.results.eq(d.results),
        settings.result_stride.eq(d.result_stride),
        settings.is_dense.eq(d.layout == LayoutCode.DENSE.value),
        settings.width.eq(d.entry_width),
        settings.bits.eq(d.index_bits),
        settings.codebook.eq(d.codebook),
        settings.closed_row.eq(d.closed_row),
        unit.start.eq(sequencer.edge_start),
        sequencer.edge_running.eq(unit.running),
        unit.stop.eq(stages.sides.error),
        unit.clear_errors.eq(sequencer.clear_errors),
    ]
    if unit.shape.config.row_leaks:
        m.d.comb += [
            settings.row_leaks.eq(d.options.row_leaks),
            settings.inverse.eq(d.vector_records),
            settings.row_shift.eq(d.row_shift),
        ]
    with m.If(unit.malformed):
        m.d.comb += sequencer.malformed.eq(1)
    with m.If(unit.range_error):
        m.d.comb += sequencer.range_error.eq(1)
    _connect_lookups(m, stages)
    with m.If(unit.running):
        _borrow_readers(m, stages)
        _borrow_tables(m, stages)
        _borrow_writer(m, stages)


def _connect_lookups(m: Module, stages: Stages) -> None:
    unit, writer = stages.constraint, stages.writer
    m.d.comb += [
        unit.level.eq(stages.codebooks.levels[stages.codebooks.ports - 1]),
        unit.rows.eq(stages.rows.rows[BETA]),
        unit.finish.eq(writer.finish),
        unit.written.eq(writer.idle),
    ]


def _borrow_readers(m: Module, stages: Stages) -> None:
    unit = stages.constraint
    words: Any = m.submodules["words"]
    m.d.comb += [
        unit.words.payload.eq(words.words.payload),
        unit.words.valid.eq(words.words.valid),
        words.words.ready.eq(unit.words.ready),
    ]
    for name, ranges, blocks in (
        ("emissions", unit.first, unit.first_blocks),
        ("weights", unit.second, unit.second_blocks),
    ):
        fetcher: Any = m.submodules[f"fetch_{name}"]
        assembler: Any = m.submodules[f"blocks_{name}"]
        m.d.comb += [
            fetcher.ranges.valid.eq(ranges.valid),
            fetcher.ranges.payload.eq(ranges.payload),
            ranges.ready.eq(fetcher.ranges.ready),
            blocks.valid.eq(assembler.blocks.valid),
            blocks.payload.eq(assembler.blocks.payload),
            assembler.blocks.ready.eq(blocks.ready),
        ]


def _borrow_tables(m: Module, stages: Stages) -> None:
    unit, codebooks, rows = stages.constraint, stages.codebooks, stages.rows
    m.d.comb += [
        codebooks.indices[codebooks.ports - 1].eq(unit.lookup),
        codebooks.read.eq(unit.lookup_enable),
        rows.row_read.eq(unit.rows_read),
        rows.row_word.eq(unit.rows_word),
    ]


def _borrow_writer(m: Module, stages: Stages) -> None:
    unit, writer = stages.constraint, stages.writer
    m.d.comb += [
        writer.command.valid.eq(unit.command.valid),
        writer.command.payload.eq(unit.command.payload),
        unit.command.ready.eq(writer.command.ready),
        writer.beats.valid.eq(unit.beats.valid),
        writer.beats.payload.eq(unit.beats.payload),
        unit.beats.ready.eq(writer.beats.ready),
    ]
