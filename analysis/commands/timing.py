"""`normq timing`: a token step, or one operation, by the timing model."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...model.atomic import replacing
from ...model.config import Layout
from ...model.errors import OptionError
from ...sim.memory.dram import DEFAULT_ENGINE_MHZ
from ...sim.session import MemoryBehavior
from ..simulate.spec import PRESETS
from ..timing.predict import predicted
from ..timing.report import report_text
from ..timing.spec import TimingSpec, Work
from ..timing.work import limit, workload
from .options import (
    DEFAULTS,
    Channels,
    ElementsPerCycle,
    EngineMhz,
    EntriesPerCycle,
    Lanes,
    OutstandingReads,
    PortBits,
    Preset,
    StreamBufferBytes,
    configuration,
    dram_of,
)


def timing(
    preset: Annotated[str, typer.Option(help=f"Sizes of the model: {', '.join(PRESETS)}.")] = "ctrlg-4096",
    operation: Annotated[Work, typer.Option(help="What to time; step is a whole token step.")] = Work.STEP,
    bits: Annotated[int, typer.Option(help="Index bits, 2..8.")] = 4,
    layout: Annotated[Layout, typer.Option(help="Storage of the weights.")] = Layout.SPARSE,
    beams: Annotated[int, typer.Option(help="Beams.")] = 16,
    keywords: Annotated[int, typer.Option(help="Keywords that the text must contain.")] = 3,
    seed: Annotated[int, typer.Option(help="Of keywords and beams.")] = 0,
    entries_per_cycle: EntriesPerCycle = DEFAULTS.entries_per_cycle,
    lanes: Lanes = DEFAULTS.lanes,
    elements_per_cycle: ElementsPerCycle = DEFAULTS.elements_per_cycle,
    port_bits: PortBits = DEFAULTS.port_bits,
    outstanding_reads: OutstandingReads = DEFAULTS.outstanding_reads,
    stream_buffer_bytes: StreamBufferBytes = DEFAULTS.stream_buffer_bytes,
    latency: Annotated[int, typer.Option(help="Read latency of the memory in cycles.", min=1, max=65535)] = 40,
    dram: Preset = None,
    channels: Channels = None,
    engine_mhz: EngineMhz = DEFAULT_ENGINE_MHZ,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="JSON file for the figures.", show_default="none")
    ] = None,
) -> None:
    """Predict the counters of a token step or of one operation with the timing model: no RTL is simulated.

    Where both run, its counters equal those of the RTL to the cycle (docs/TIMING.md). The model is synthetic.
    """
    spec = TimingSpec(preset, bits, layout, beams, keywords, seed)
    config = configuration(
        entries_per_cycle=entries_per_cycle,
        lanes=lanes,
        elements_per_cycle=elements_per_cycle,
        port_bits=port_bits,
        outstanding_reads=outstanding_reads,
        stream_buffer_bytes=stream_buffer_bytes,
        hidden_capacity=spec.sizes.config.hidden_capacity,
    )
    behavior = MemoryBehavior(latency=latency, dram=dram_of(dram, channels, engine_mhz))
    console = Console(stderr=True)
    with console.status("timing: the model, made once, and its beams") as status:
        load = workload(replace(spec, config=config))
        status.update("timing: prediction (the first one compiles it)")
        figures, prediction = predicted(load, operation, behavior)
    told = report_text(load, figures, prediction, limit(load, operation), behavior, engine_mhz)
    Console(highlight=False, soft_wrap=True).print(told, markup=False, end="")
    if output is not None:
        fields = {**asdict(figures), "dram": prediction.dram, "completed_at": prediction.completed_at}
        try:
            with replacing(output) as draft:
                draft.write_text(json.dumps(fields, indent=1) + "\n")
        except OSError as error:
            raise OptionError(f"--output: {output} cannot be written ({error.strerror})") from error
