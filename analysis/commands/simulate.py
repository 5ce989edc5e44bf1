"""`normq simulate`: one whole token step of constrained decoding at full size in RTL, against golden."""

import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from ...model.atomic import replacing
from ...model.config import Layout
from ...model.errors import OptionError
from ...sim.memory.dram import DEFAULT_ENGINE_MHZ
from ...sim.memory.trace import Trace
from ...sim.results import SimulationError
from ..simulate.report import text
from ..simulate.run import step_report
from ..simulate.spec import PRESETS, StepSpec
from .options import Channels, EngineMhz, Preset, TraceMemory, dram_of, trace_file


def simulate(
    preset: Annotated[str, typer.Option(help=f"Sizes and engine: {', '.join(PRESETS)}.")] = "ctrlg-4096",
    bits: Annotated[int, typer.Option(help="Index bits, 2..8.")] = 4,
    layout: Annotated[Layout, typer.Option(help="Storage of the weights.")] = Layout.SPARSE,
    beams: Annotated[int, typer.Option(help="Beams.")] = 16,
    keywords: Annotated[int, typer.Option(help="Keywords that the text must contain.")] = 3,
    seed: Annotated[int, typer.Option(help="Of keywords and beams.")] = 0,
    lanes: Annotated[
        int | None,
        typer.Option(help="P: vectors that share a weight fetch.", show_default="the preset's"),
    ] = None,
    dram: Preset = None,
    channels: Channels = None,
    engine_mhz: EngineMhz = DEFAULT_ENGINE_MHZ,
    trace_memory: TraceMemory = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="JSON file for the report.", show_default="none")
    ] = None,
) -> None:
    """Simulate one token step: forward, denominators, numerators of the default edge, listed scores of the others.

    Every output bit is compared with the golden model; exits with 1 and tells the first difference when there is one.
    A step that was run before from the same sources is shown again, not run again, unless its memory is traced.
    """
    spec = StepSpec(preset, bits, layout, beams, keywords, seed, lanes, dram_of(dram, channels, engine_mhz))
    traced = trace_file(trace_memory) if trace_memory else None
    with Console(stderr=True).status("token step") as status, TemporaryDirectory() as folder:
        log = Path(folder) / "trace.bin" if traced else None
        report = step_report(spec, lambda words: status.update(f"token step: {words}"), log)
        if log and traced:
            Trace(log).write(traced, spec.dram)
    Console(highlight=False, soft_wrap=True).print(text(report), markup=False, end="")
    if output is not None:
        try:
            with replacing(output) as draft:
                draft.write_text(json.dumps(asdict(report), indent=1) + "\n")
        except OSError as error:
            raise OptionError(f"--output: {output} cannot be written ({error.strerror})") from error
    if not report.is_equal:
        raise SimulationError(f"RTL and golden differ: {report.difference}")
