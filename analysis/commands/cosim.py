"""`normq cosim`: a packed model on the simulated engine, compared with the golden model bit by bit."""

from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ...model.artifact import read_artifact
from ...model.config import AcceleratorConfig
from ...model.errors import OptionError
from ...model.golden.constants import Operation
from ...model.golden.operations import GoldenModel
from ...model.packing.matrix import PackedModel
from ...sim.memory.dram import DEFAULT_ENGINE_MHZ
from ...sim.memory.trace import Trace
from ...sim.results import SimulationError
from ...sim.session import MemoryBehavior, build_engine
from ...sim.trial import Verdicts, run_trials, trial_bytes
from ..stimuli import Tokens, first_trials, random_tokens
from .options import (
    DEFAULT_CODE,
    DEFAULTS,
    Channels,
    Code,
    ElementsPerCycle,
    EngineMhz,
    EntriesPerCycle,
    Lanes,
    PortBits,
    Preset,
    TraceMemory,
    configuration,
    dram_of,
    output_folder,
    token_list,
    trace_file,
)

LEAST_MEMORY_BYTES = 1 << 24
"""Simulated memory, whatever a run needs, so that most runs share one build; the main job's size."""
GREATEST_STALL = 255


class Choice(Enum):
    """What --operation takes."""

    FORWARD = "forward"
    BACKWARD = "backward"
    SCORES = "scores"
    ALL = "all"


def cosim(
    artifact: Annotated[Path, typer.Argument(help="Packed model file.", show_default=False)],
    operation: Annotated[Choice, typer.Option(help="What to run.")] = Choice.ALL,
    batch: Annotated[
        int | None, typer.Option(help="Vectors: the states before each of so many random tokens.", show_default="P")
    ] = None,
    tokens: Annotated[
        str | None, typer.Option(help="The tokens themselves, as in 5,17,3.", show_default="random")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random tokens and stalls.", min=0)] = 1,
    entries_per_cycle: EntriesPerCycle = DEFAULTS.entries_per_cycle,
    lanes: Lanes = DEFAULTS.lanes,
    elements_per_cycle: ElementsPerCycle = DEFAULTS.elements_per_cycle,
    port_bits: PortBits = DEFAULTS.port_bits,
    code: Code = DEFAULT_CODE,
    latency: Annotated[int, typer.Option(help="Read latency of the memory in cycles.", min=1, max=65535)] = 40,
    stalls: Annotated[
        int, typer.Option(help="Random idle and back-pressure on every channel, in 256ths of the cycles.")
    ] = 0,
    dram: Preset = None,
    channels: Channels = None,
    engine_mhz: EngineMhz = DEFAULT_ENGINE_MHZ,
    trace_memory: TraceMemory = None,
    waves: Annotated[bool, typer.Option("--waves", help="Write dump.fst to the output folder; slower.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for log, image, dump, waves.", show_default="none")
    ] = None,
) -> None:
    """Run operations on the simulated engine and compare every output bit with the golden model.

    Exits with 1 and tells the first difference when there is one.
    """
    if not 0 <= stalls <= GREATEST_STALL:
        raise OptionError(f"--stalls: {stalls} given, expected 0..{GREATEST_STALL}, 256ths of the cycles")
    if waves and output is None:
        raise OptionError("--waves: needs --output, the folder for dump.fst")
    memory_behind = dram_of(dram, channels, engine_mhz)
    traced = trace_file(trace_memory) if trace_memory else None
    model = read_artifact(artifact)
    config = configuration(
        code=code,
        entries_per_cycle=entries_per_cycle,
        lanes=lanes,
        elements_per_cycle=elements_per_cycle,
        port_bits=port_bits,
        hidden_capacity=_capacity(model.hidden_states, DEFAULTS.hidden_capacity),
        vocab_capacity=max(DEFAULTS.vocab_capacity, model.vocab_size),
        row_leaks=model.has_row_leaks,
    )
    numbers = _tokens(tokens, batch, model, config, seed)
    golden = GoldenModel(model, config.code)
    chosen = list(Operation) if operation is Choice.ALL else [Operation(operation.value)]
    trials = first_trials(golden, chosen, numbers)
    behavior = MemoryBehavior(latency, latency // 2, 0, *(stalls,) * 5, stall_seed=seed, dram=memory_behind)
    console = Console(highlight=False, soft_wrap=True)
    with ExitStack() as stack:
        folder = output_folder(output) if output else Path(stack.enter_context(TemporaryDirectory()))
        with Console(stderr=True).status("building the simulator (kept for next time)"):
            memory = max(LEAST_MEMORY_BYTES, trial_bytes(config, golden, trials))
            simulator = build_engine(config, memory, waves=waves)
        with Console(stderr=True).status("simulating"):
            log = folder / "trace.bin" if traced else None
            verdicts = run_trials(simulator, config, golden, trials, folder, behavior, log)
        if log and traced:
            Trace(log).write(traced, memory_behind)
    console.print(_counters(verdicts))
    console.print(f"{verdicts.cycles:,} cycles in {verdicts.seconds:.2f} s: {_speed(verdicts)}", markup=False)
    differences = [verdict.difference for verdict in verdicts.trials if verdict.difference]
    if differences:
        raise SimulationError(f"RTL and golden differ: {differences[0]}")
    console.print("RTL == golden: every bit of every output")


def _capacity(hidden: int, least: int) -> int:
    return max(least, 1 << (hidden - 1).bit_length())


def _tokens(text: str | None, batch: int | None, model: PackedModel, config: AcceleratorConfig, seed: int) -> Tokens:
    if text is None:
        count = config.lanes if batch is None else batch
        if count < 1:
            raise OptionError(f"--batch: {count} given, expected at least 1")
        return random_tokens(count, model.vocab_size, seed)
    if batch is not None:
        raise OptionError("--batch: not with --tokens, which say how many vectors there are")
    numbers = token_list(text)
    for place, number in enumerate(numbers):
        if number >= model.vocab_size:
            raise OptionError(f"--tokens: token {place} is {number}, expected 0..{model.vocab_size - 1}")
    return np.array(numbers, np.int64)


def _counters(verdicts: Verdicts) -> Table:
    table = Table(box=SIMPLE)
    table.add_column("counter", no_wrap=True)
    for verdict in verdicts.trials:
        table.add_column(f"{verdict.operation.value} of {verdict.batch}", justify="right")
    for name in verdicts.trials[0].counters:
        table.add_row(name, *(f"{verdict.counters[name]:,}" for verdict in verdicts.trials))
    table.add_row("RTL == golden", *("no" if verdict.difference else "yes" for verdict in verdicts.trials))
    return table


def _speed(verdicts: Verdicts) -> str:
    return f"{verdicts.cycles / verdicts.seconds / 1000:,.1f} kcycles/s"
