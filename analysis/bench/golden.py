"""Time of golden operations beside torch float32 on the same machine, in the same run, with as many threads.

A golden operation is timed whole, from vectors to encoded results; torch's is the bare product of a matrix. The models
are synthetic: labelled, with the statistics published for Ctrl-G.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from rich.table import Table

from ...model.config import Layout
from ...model.golden.operations import GoldenModel
from ...model.packing.model import pack_model
from ...model.parallel import workers
from ...model.synthetic import synthetic_levels

HIDDEN, VOCAB = 4096, 50257
BATCHES = (1, 32)
CONFIGURATIONS = ((Layout.SPARSE, 3), (Layout.SPARSE, 8), (Layout.DENSE, 4))

REPETITIONS = 15
LONGEST_S = 5.0
"""Repetitions end after this time, but at least three are made."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class GoldenRow:
    """Medians of one operation in one configuration."""

    operation: str
    """forward (alpha, H x H) or scores (beta, H x V)."""
    layout: Layout
    bits: int
    batch: int
    golden_ms: float
    torch_ms: float

    @property
    def speedup(self) -> float:
        """How many times faster golden is."""
        return self.torch_ms / self.golden_ms


def measure(progress: Progress, hidden: int = HIDDEN, vocab: int = VOCAB) -> list[GoldenRow]:
    """Return the rows of all configurations, both batches and both operations."""
    progress("torch float32")
    reference = _torch_times(hidden, vocab)
    rows: list[GoldenRow] = []
    for layout, bits in CONFIGURATIONS:
        progress(f"golden {layout.value} b={bits}")
        golden = GoldenModel(pack_model(synthetic_levels(hidden, vocab, bits), layout, {}))
        for (operation, batch), golden_ms in _golden_times(golden).items():
            rows.append(GoldenRow(operation, layout, bits, batch, golden_ms, reference[operation, batch]))
    return rows


def table(rows: list[GoldenRow]) -> Table:
    """Return the rows as a table, torch beside golden."""
    title = f"golden against torch float32, {workers()} threads, median ms, synthetic model"
    shown = Table(title=title, title_justify="left")
    for heading in ("operation", "layout"):
        shown.add_column(heading)
    for heading in ("b", "B", "torch", "golden", "torch / golden"):
        shown.add_column(heading, justify="right")
    for row in rows:
        cells = (row.bits, row.batch, f"{row.torch_ms:.2f}", f"{row.golden_ms:.2f}", f"{row.speedup:.2f}")
        shown.add_row(row.operation, row.layout.value, *map(str, cells))
    return shown


def _torch_times(hidden: int, vocab: int) -> dict[tuple[str, int], float]:
    generator = torch.Generator().manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(workers())
    times: dict[tuple[str, int], float] = {}
    try:
        for operation, columns in (("forward", hidden), ("scores", vocab)):
            weights = torch.rand((hidden, columns), generator=generator)
            for batch in BATCHES:
                x = torch.rand((batch, hidden), generator=generator)
                times[operation, batch] = _median_ms(lambda x=x, weights=weights: x @ weights)
    finally:
        torch.set_num_threads(threads)
    return times


def _golden_times(golden: GoldenModel) -> dict[tuple[str, int], float]:
    times: dict[tuple[str, int], float] = {}
    rng = np.random.default_rng(0)
    for batch in BATCHES:
        tokens = rng.integers(0, golden.packed.vocab_size, batch)
        vectors = golden.forward(golden.initial(batch), tokens)
        times["forward", batch] = _median_ms(lambda v=vectors, t=tokens: golden.forward(v, t))
        times["scores", batch] = _median_ms(lambda v=vectors: golden.scores(v))
    return times


def _median_ms(operation: Callable[[], object]) -> float:
    operation()  # compiled and in the caches
    times: list[float] = []
    end = time.perf_counter() + LONGEST_S
    while len(times) < 3 or (len(times) < REPETITIONS and time.perf_counter() < end):
        start = time.perf_counter()
        operation()
        times.append(1000 * (time.perf_counter() - start))
    return median(times)
