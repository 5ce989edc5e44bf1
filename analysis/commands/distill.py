"""`normq distill`: an HMM that stands for a causal language model."""

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...model.errors import OptionError
from ...model.training.aware import TopLevel
from ...model.training.counts import PSEUDOCOUNT
from ...model.training.processes import Processes, join, leave
from ...model.training.run import TrainingRun, digest, held_out
from ...model.training.tokenizer import Tokens
from ...model.training.train import TrainOptions
from .training_options import (
    Backend,
    Bits,
    Chunks,
    ChunkSequences,
    Device,
    Dropout,
    Hidden,
    Interval,
    Output,
    Pseudocount,
    Seed,
    Top,
    carry_out,
    check_backend,
    check_device,
    chunk_size,
    make_folder,
    progress_bar,
    quantization,
)

if TYPE_CHECKING:
    from ...model.training.distill import Sampling

SAMPLES_FOLDER = "samples"


def distill(
    language_model: Annotated[
        Path,
        typer.Argument(help="Local folder of transformers, or `default`, the embedded one.", show_default=False),
    ],
    output: Output,
    hidden: Hidden = 256,
    samples: Annotated[
        int, typer.Option(help="Sentences drawn from the language model; the last tenth is dev.")
    ] = 40_000,
    length: Annotated[int, typer.Option(help="Tokens of a sequence, filled up with end of text.", min=2)] = 32,
    eos_token_id: Annotated[
        int | None, typer.Option(help="End-of-text token.", show_default="the language model's")
    ] = None,
    chunks: Chunks = 100,
    chunk_sequences: ChunkSequences = None,
    dropout: Dropout = 0.0,
    pseudocount: Pseudocount = PSEUDOCOUNT,
    bits: Bits = None,
    interval: Interval = 20,
    top: Top = TopLevel.FULL,
    seed: Seed = 0,
    device: Device = "cpu",
    backend: Backend = "gloo",
) -> None:
    """Draw sentences from a causal language model, start from clusters of its states, train, write a Ctrl-G checkpoint.

    Started again with the same options it goes on where it was stopped. `torchrun --nproc-per-node 2 -m normq distill`
    shares the work among 2, 4 or 8 processes.
    """
    quantized = quantization(bits, interval, top)
    if hidden < 2 or samples < 2:
        raise OptionError(f"--hidden, --samples: {hidden} and {samples} given, expected 2 of each at least")
    check_device(device)
    check_backend(backend)
    options = TrainOptions(
        chunks, chunk_size(chunk_sequences, samples - samples // 10), pseudocount, dropout, length, quantized, seed
    )
    # transformers takes seconds to import: only this command waits for it
    distilling = import_module("...model.training.distill", __package__)
    model = distilling.language_model(language_model, device)
    eos = distilling.end_of_text(model, eos_token_id)
    limit = distilling.positions(model)
    if limit is not None and length > limit:
        raise OptionError(f"--length: {length} given, expected at most {limit}, the positions of the language model")
    make_folder(output)
    processes = join(os.environ, backend)
    try:
        sampling = distilling.Sampling(model, samples, length, eos, seed)
        rows = _draw(sampling, output, processes)
        data, dev = held_out(rows)
        vocab = model.config.vocab_size
        source = {
            "hidden_states": hidden,
            "vocab_size": vocab,
            "start": "clusters",
            "sequences_sha256": digest(rows),
            "language_model_sha256": sampling.model_sha256,
        }
        run = TrainingRun(output, data, dev, eos, options, source, device, processes)
        trained_on = rows[: len(data)]
        carry_out(run, lambda: distilling.distilled_start(model, trained_on, hidden, length, eos, seed))
    finally:
        leave(processes)


def _draw(sampling: "Sampling", output: Path, processes: Processes) -> Tokens:
    shown = progress_bar()
    shown.disable = not processes.first
    with shown:
        task = shown.add_task("sentences", total=sampling.count // processes.count)
        return sampling.draw(output / SAMPLES_FOLDER, lambda rows: shown.advance(task, rows), processes)
