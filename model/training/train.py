"""Chunked EM: the normalized expected counts of a chunk of sequences replace the model, chunk after chunk.

So train Ctrl-G (arXiv 2406.13892) and Norm-Q (arXiv 2509.25439) their models. A chunk is drawn from the sequences by
its number and the seed, so a run that was stopped goes on from its last finished chunk to the same bits.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import OptionError
from ..quantize.tensor import QuantizedHMM
from .aware import Quantization, parameters_of
from .counts import PSEUDOCOUNT, Parameters, padding_counts
from .processes import ALONE, Processes, shared_counts, shared_log_likelihood
from .sequences import Sequences, chunk_rows, dropped


@dataclass(frozen=True)
class TrainOptions:
    """What decides the result, beside the first model and the sequences. Raises OptionError."""

    chunks: int = 100
    chunk_sequences: int = 10_000
    """N: sequences of a chunk."""
    pseudocount: float = PSEUDOCOUNT
    dropout: float = 0.0
    """Share of the tokens, end of text apart, that are MISSING in training."""
    padded_length: int | None = None
    """Sequences count as if filled up to this many tokens with end of text, in the last state (`padding_counts`)."""
    quantization: Quantization | None = None
    """Norm-Q aware EM where given."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("chunks", "chunk_sequences"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name}: {getattr(self, name)!r} given, expected 1 at least")
        if not 0 <= self.dropout < 1:
            raise OptionError(f"dropout: {self.dropout!r} given, expected a share from 0 to below 1")
        if not 0 <= self.pseudocount < float("inf"):
            raise OptionError(f"pseudocount: {self.pseudocount!r} given, expected a finite number from 0")
        if self.padded_length is not None and self.padded_length < 1:
            raise OptionError(f"padded_length: {self.padded_length!r} given, expected 1 at least")


@dataclass(frozen=True)
class ChunkRecord:
    """One point of the training curves; natural logs of probabilities per observed token."""

    chunk: int
    """From 1; 0 is the model that training starts from."""
    quantized: bool
    train: float | None
    """Of the chunk's sequences, dropout applied, under the model before it; None for chunk 0."""
    dev: float | None
    """Of the dev sequences under the model after it; None without any."""


@dataclass(frozen=True, eq=False)
class TrainState:
    """Where a run is, after a chunk."""

    model: Parameters
    quantized: QuantizedHMM | None
    """What `model` stands for, where the last chunk was quantized."""
    curve: tuple[ChunkRecord, ...]
    """Chunks 0 to the last one."""

    @property
    def chunk(self) -> int:
        """Chunks that are finished."""
        return self.curve[-1].chunk


def first_state(model: Parameters, dev: Sequences | None, processes: Processes = ALONE) -> TrainState:
    """Return the state before the first chunk."""
    return TrainState(model, None, (ChunkRecord(0, False, None, _dev(model, dev, processes)),))


def train(
    state: TrainState,
    data: Sequences,
    dev: Sequences | None,
    eos_token_id: int,
    options: TrainOptions,
    after_chunk: Callable[[TrainState], None] = lambda _: None,
    processes: Processes = ALONE,
) -> TrainState:
    """Return the state after `options.chunks` chunks, from `state` on; `after_chunk` gets the state after each.

    Sequences come in turns, each turn in an order of its own; a chunk longer than `data` takes some more than once.
    Every process of `processes` calls this with the same arguments and gets the same result. Raises TrainingError
    where a sequence has probability 0 under the model.
    """
    while state.chunk < options.chunks:
        state = _next(state, data, dev, eos_token_id, options, processes)
        after_chunk(state)
    return state


def _next(
    state: TrainState,
    data: Sequences,
    dev: Sequences | None,
    eos_token_id: int,
    options: TrainOptions,
    processes: Processes,
) -> TrainState:
    number = state.chunk + 1
    taken = data.take(chunk_rows(len(data), options.chunk_sequences, number - 1, options.seed))
    chunk = dropped(taken, options.dropout, eos_token_id, number, options.seed)
    found = shared_counts(state.model, chunk, processes)
    counts = found.counts
    if options.padded_length is not None:
        hidden, vocab = counts.beta.shape
        padding = padding_counts(chunk.lengths, options.padded_length, hidden, vocab, eos_token_id)
        counts += padding.to(counts.gamma.device)
    quantized = None
    if options.quantization and options.quantization.due(number, options.chunks):
        quantized = options.quantization.quantize(counts, eos_token_id)
        model = parameters_of(quantized, counts.gamma.device)
    else:
        model = counts.maximize(options.pseudocount)
    per_token = found.log_likelihood / max(1, chunk.token_count)
    record = ChunkRecord(number, quantized is not None, per_token, _dev(model, dev, processes))
    return TrainState(model, quantized, (*state.curve, record))


def _dev(model: Parameters, dev: Sequences | None, processes: Processes) -> float | None:
    return shared_log_likelihood(model, dev, processes) / dev.token_count if dev else None
