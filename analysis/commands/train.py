"""`normq train`: an HMM from a file of tokens or text, by EM."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ...model.checkpoint import read_checkpoint
from ...model.errors import OptionError
from ...model.training.aware import TopLevel
from ...model.training.counts import PSEUDOCOUNT, Parameters, random_parameters
from ...model.training.identity import tensors_digest
from ...model.training.inputs import ARRAY, TEXT, read_text, read_tokenizer, read_tokens
from ...model.training.processes import join, leave
from ...model.training.run import TrainingRun, digest, held_out
from ...model.training.tokenizer import END_OF_TEXT_ID, Tokens
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
    quantization,
)


def train(
    sequences: Annotated[
        Path,
        typer.Argument(
            help=f"{TEXT}: a text a line. {ARRAY}: integers [sequences, tokens], -1 for missing and beyond the end.",
            show_default=False,
        ),
    ],
    output: Output,
    hidden: Hidden = 256,
    start: Annotated[
        Path | None, typer.Option(help="Ctrl-G checkpoint to start from.", show_default="random model")
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help=f"tokenizer.json for {TEXT}.", show_default="the embedded one")
    ] = None,
    vocab_size: Annotated[int | None, typer.Option(help=f"V, for {ARRAY}.", show_default=False, min=1)] = None,
    eos_token_id: Annotated[
        int | None, typer.Option(help="End-of-text token.", show_default="that of the embedded tokenizer")
    ] = None,
    pad_to: Annotated[
        int | None,
        typer.Option(
            help="Sequences count as if filled up to so many tokens with end of text.", show_default="longest", min=1
        ),
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
    """Train an HMM on sequences by EM, or Norm-Q aware EM; the last tenth of them, at most 3,000, is dev.

    Started again with the same options it goes on where it was stopped. `torchrun --nproc-per-node 2 -m normq train`
    shares the work among 2, 4 or 8 processes.
    """
    quantized = quantization(bits, interval, top)
    check_device(device)
    check_backend(backend)
    rows, vocab, eos = _read(sequences, tokenizer, vocab_size, eos_token_id)
    first = _start(start, hidden, vocab, eos, seed)
    data, dev = held_out(rows)
    options = TrainOptions(
        chunks=chunks,
        chunk_sequences=chunk_size(chunk_sequences, len(data)),
        pseudocount=pseudocount,
        dropout=dropout,
        padded_length=pad_to or rows.shape[1],
        quantization=quantized,
        seed=seed,
    )
    make_folder(output)
    processes = join(os.environ, backend)
    try:
        identity = {
            "sequences_sha256": digest(rows),
            "hidden_states": first.beta.shape[0],
            "vocab_size": vocab,
            **({"start": "random"} if start is None else _named(start, first)),
        }
        carry_out(TrainingRun(output, data, dev, eos, options, identity, device, processes), lambda: first)
    finally:
        leave(processes)


def _read(
    file: Path, tokenizer_file: Path | None, vocab_size: int | None, eos_token_id: int | None
) -> tuple[Tokens, int, int]:
    """Return rows of tokens, V and the end-of-text token. Raises OptionError, TrainingError."""
    if file.suffix == ARRAY:
        if vocab_size is None or eos_token_id is None or tokenizer_file:
            raise OptionError(f"{file}: {ARRAY} needs --vocab-size and --eos-token-id, and no --tokenizer")
        rows, vocab, eos = read_tokens(file, vocab_size), vocab_size, eos_token_id
    elif file.suffix == TEXT:
        if vocab_size is not None or (tokenizer_file and eos_token_id is None):
            raise OptionError(f"{file}: {TEXT} takes no --vocab-size, and --tokenizer needs --eos-token-id")
        tokenizer = read_tokenizer(tokenizer_file)
        eos, vocab = END_OF_TEXT_ID if eos_token_id is None else eos_token_id, tokenizer.get_vocab_size()
        rows = read_text(file, tokenizer, eos)
    else:
        raise OptionError(f"{file}: ends with {file.suffix!r}, expected {TEXT} or {ARRAY}")
    if not 0 <= eos < vocab:
        raise OptionError(f"--eos-token-id: {eos} given, expected 0..{vocab - 1}")
    return rows, vocab, eos


def _named(folder: Path, first: Parameters) -> dict[str, str]:
    """Return what tells a checkpoint to start from: its name for people, its digest because names are not enough."""
    return {"start": folder.resolve().name, "start_sha256": tensors_digest(vars(first))}


def _start(folder: Path | None, hidden: int, vocab: int, eos: int, seed: int) -> Parameters:
    if folder is None:
        if hidden < 2:
            raise OptionError(f"--hidden: {hidden} given, expected 2 at least")
        return random_parameters(hidden, vocab, eos, seed)
    hmm = read_checkpoint(folder)
    if (hmm.vocab_size, hmm.eos_token_id) != (vocab, eos):
        raise OptionError(
            f"--start: {folder} has V={hmm.vocab_size} and end of text {hmm.eos_token_id}, expected {vocab} and {eos}"
        )
    ends = int(hmm.beta[:, eos].argmax())
    if ends != hmm.hidden_states - 1:
        raise OptionError(f"--start: {folder} ends text in state {ends}, expected the last, {hmm.hidden_states - 1}")
    return Parameters.of_hmm(hmm)
