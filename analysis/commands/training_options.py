"""Options that `normq train` and `normq distill` share, and how a run is shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ...model.errors import OptionError
from ...model.training.aware import Quantization, TopLevel
from ...model.training.counts import Parameters
from ...model.training.run import PACKED_FILE, TrainingRun
from ...model.training.train import ChunkRecord, TrainState

Output = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="Folder of results and of the state that a stopped run goes on from.", show_default=False
    ),
]
Hidden = Annotated[int, typer.Option(help="H: hidden states, the last of them for end of text.")]
Chunks = Annotated[int, typer.Option(help="EM steps; the counts of a chunk of sequences replace the model.")]
ChunkSequences = Annotated[
    int | None, typer.Option(help="Sequences of a chunk.", show_default="all, at most 10,000", min=1)
]
Dropout = Annotated[float, typer.Option(help="Share of tokens that are missing in training, drawn anew each chunk.")]
Pseudocount = Annotated[float, typer.Option(help="Added to each row of counts, spread evenly.")]
Bits = Annotated[
    int | None, typer.Option(help="Norm-Q aware EM at this index width, 2..8; also writes the packed model.")
]
Interval = Annotated[int, typer.Option(help="Norm-Q aware EM quantizes every so many chunks, and the last.")]
Top = Annotated[
    TopLevel,
    typer.Option(help="Greatest level in aware EM; the second is a published script's error, to show its effect."),
]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
Device = Annotated[str, typer.Option(help="Torch device: cpu, cuda, cuda:1.")]
Backend = Annotated[str, typer.Option(help="How processes started by torchrun talk: gloo or nccl.")]


def quantization(bits: int | None, interval: int, top: TopLevel) -> Quantization | None:
    """Return when and how to quantize, None without `bits`. Raises OptionError."""
    return None if bits is None else Quantization(bits, interval, top)


def chunk_size(given: int | None, available: int) -> int:
    """Return the sequences of a chunk."""
    return min(available, 10_000) if given is None else given


def check_device(device: str) -> None:
    """Raise OptionError where `device` cannot be used."""
    try:
        torch.zeros(1, dtype=torch.float64, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).strip().split("\n")[0]
        raise OptionError(f"--device: {device!r} cannot be used ({first}), expected cpu or cuda") from error


def check_backend(backend: str) -> None:
    """Raise OptionError for a backend that is not offered."""
    if backend not in ("gloo", "nccl"):
        raise OptionError(f"--backend: {backend!r} given, expected gloo or nccl")


def make_folder(output: Path) -> None:
    """Make the folder of results. Raises OptionError."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"--output: {output} cannot be a folder ({error.strerror})") from error


def progress_bar() -> Progress:
    """Return a progress bar on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True, highlight=False))


def carry_out(run: TrainingRun, start: Callable[[], Parameters]) -> None:
    """Train with a progress bar, write the results, and say what came out; only the first process shows anything."""
    shown = progress_bar()
    shown.disable = not run.processes.first
    with shown:
        task = shown.add_task("chunks", total=run.options.chunks)

        def after_chunk(state: TrainState) -> None:
            shown.console.print(_line(state.curve[-1])) if run.processes.first else None
            shown.update(task, completed=state.chunk)

        last = run.run(start, after_chunk)
    if run.processes.first:
        packed = f", {run.output / PACKED_FILE}" if last.quantized else ""
        hidden, vocab = last.model.beta.shape
        dev = f"dev {last.curve[-1].dev:.4f} nats a token"
        Console(highlight=False, soft_wrap=True).print(
            f"{run.output}: H={hidden} V={vocab}, {last.chunk} chunks, {dev}{packed}",
            markup=False,
        )


def _line(record: ChunkRecord) -> str:
    train = "" if record.train is None else f"train {record.train:.4f}, "
    quantized = ", quantized" if record.quantized else ""
    return f"chunk {record.chunk}: {train}dev {record.dev:.4f} nats a token{quantized}"
