"""How the copier takes its place in an engine whose stages are at rest."""

from typing import Any

from amaranth import Module

from .stages import COPY_READER, Stages


def connect_copier(m: Module, stages: Stages) -> None:
    """Give the copier its fields of the descriptor, and while it is active the fetcher of COPY_READER and the writer.

    To be called after everything else is connected. What is copied goes as beats, past the assembler of blocks.
    """
    sequencer, copier, writer = stages.sequencer, stages.copier, stages.writer
    descriptor = sequencer.filling
    fetcher: Any = m.submodules[f"fetch_{COPY_READER}"]
    assembler: Any = m.submodules[f"blocks_{COPY_READER}"]
    m.d.comb += [
        copier.active.eq(sequencer.copying),
        copier.source.eq(descriptor.stream),
        copier.destination.eq(descriptor.results),
        copier.blocks.eq(descriptor.stream_blocks),
        copier.answered.eq(writer.idle),
        sequencer.copied.eq(copier.done),
        copier.ranges.ready.eq(fetcher.ranges.ready),
        copier.command.ready.eq(writer.command.ready),
    ]
    with m.If(copier.active):
        m.d.comb += [
            fetcher.ranges.valid.eq(copier.ranges.valid),
            fetcher.ranges.payload.eq(copier.ranges.payload),
            writer.command.valid.eq(copier.command.valid),
            writer.command.payload.eq(copier.command.payload),
            writer.beats.valid.eq(fetcher.beats.valid),
            writer.beats.payload.eq(fetcher.beats.payload),
            fetcher.beats.ready.eq(writer.beats.ready),
            assembler.beats.valid.eq(0),
        ]
