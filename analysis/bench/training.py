"""Time and memory of an EM pass, and of hmmlearn's on the same sequences in the same run.

Every measurement has a process of its own, whose greatest resident memory is its. The model is random, in which no
zero saves work, and the tokens are drawn evenly: an EM pass costs the same for any values.
"""

import logging
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from hmmlearn.hmm import CategoricalHMM
from rich.table import Table

from ...model.training.counts import Parameters, random_parameters
from ...model.training.em import expected_counts
from ...model.training.sequences import Sequences

HIDDEN, VOCAB, LENGTH = 1024, 4096, 32
SEQUENCES, COMPARED = 10_000, 20

Progress = Callable[[str], None]


@dataclass(frozen=True)
class PassTime:
    """One EM pass: expected counts and the model that they make."""

    library: str
    sequences: int
    seconds: float
    """Wall-clock time."""
    cpu_seconds: float
    peak_bytes: int
    """Greatest resident memory of the process, libraries and sequences included."""
    log_likelihood: float


def measure(
    progress: Progress,
    hidden: int = HIDDEN,
    vocab: int = VOCAB,
    sequences: int = SEQUENCES,
    compared: int = COMPARED,
) -> list[PassTime]:
    """Return a pass of ours over `sequences`, then of ours and of hmmlearn over `compared`, LENGTH tokens each."""
    rows: list[PassTime] = []
    for function, count in ((_ours, sequences), (_ours, compared), (_theirs, compared)):
        progress(f"EM pass over {count} sequences, {function.__name__.strip('_')}")
        context = multiprocessing.get_context("spawn")  # a fork would start with this process's memory
        with ProcessPoolExecutor(1, mp_context=context) as executor:
            rows.append(executor.submit(function, hidden, vocab, count).result())
    return rows


def table(rows: list[PassTime], hidden: int = HIDDEN, vocab: int = VOCAB) -> Table:
    """Return the rows as a table."""
    shown = Table(title=f"an EM pass, H={hidden}, V={vocab}, {LENGTH} tokens a sequence", title_justify="left")
    shown.add_column("library")
    for heading in ("sequences", "seconds", "CPU s", "ms / sequence", "peak MB"):
        shown.add_column(heading, justify="right")
    for row in rows:
        each = f"{1000 * row.seconds / row.sequences:.2f}"
        times = (f"{row.seconds:.2f}", f"{row.cpu_seconds:.2f}", each)
        shown.add_row(row.library, f"{row.sequences:,}", *times, f"{row.peak_bytes / 1e6:,.0f}")
    return shown


def _given(hidden: int, vocab: int, count: int) -> tuple[Parameters, Sequences]:
    # no end of text: sequences of equal length, the most work there can be
    tokens = np.random.default_rng(0).integers(1, vocab, (count, LENGTH))
    return random_parameters(hidden, vocab, 0, seed=0), Sequences.of_rows(tokens)


def _ours(hidden: int, vocab: int, count: int) -> PassTime:
    model, given = _given(hidden, vocab, count)
    expected_counts(model, given.take(torch.arange(min(20, count))))  # libraries and memory are warm

    def one_pass() -> float:
        found = expected_counts(model, given)
        found.counts.maximize()
        return found.log_likelihood

    return _timed("normq", count, one_pass)


def _theirs(hidden: int, vocab: int, count: int) -> PassTime:
    model, given = _given(hidden, vocab, count)
    logging.getLogger("hmmlearn").setLevel(logging.ERROR)  # it warns that so few tokens make no good model
    # "scaling" is the faster of its two implementations
    other = CategoricalHMM(hidden, n_features=vocab, n_iter=1, init_params="", implementation="scaling")
    other.startprob_, other.transmat_, other.emissionprob_ = (
        tensor.double().numpy() / tensor.double().numpy().sum(-1, keepdims=True)
        for tensor in (model.gamma, model.alpha, model.beta)
    )
    flat, lengths = given.tokens.numpy().reshape(-1, 1), given.lengths.numpy()

    def one_pass() -> float:
        other.fit(flat, lengths)
        return float(other.monitor_.history[0])

    return _timed("hmmlearn", count, one_pass)


def _timed(library: str, count: int, one_pass: Callable[[], float]) -> PassTime:
    wall, cpu = time.perf_counter(), time.process_time()
    log_likelihood = one_pass()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB
    return PassTime(library, count, wall, cpu, peak, log_likelihood)
