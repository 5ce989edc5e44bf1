"""The golden and training benches at a tiny size: every row is there, and the tables show it."""

import io

import pytest
import torch
from rich.console import Console

from normq.analysis.bench import training
from normq.analysis.bench.golden import GoldenRow, measure, table
from normq.model.config import Layout


def test_measures_every_row() -> None:
    said: list[str] = []
    threads = torch.get_num_threads()
    rows = measure(said.append, hidden=64, vocab=100)
    assert said == ["torch float32", "golden sparse b=3", "golden sparse b=8", "golden dense b=4"]
    assert torch.get_num_threads() == threads
    keys = [(row.layout.value, row.bits, row.operation, row.batch) for row in rows]
    assert len(set(keys)) == len(keys) == 12
    assert all(row.golden_ms > 0 and row.torch_ms > 0 for row in rows)


def test_table_shows_the_ratio() -> None:
    row = GoldenRow("scores", Layout.SPARSE, 3, 32, golden_ms=0.5, torch_ms=6.25)
    text = io.StringIO()
    Console(file=text, width=100).print(table([row]))
    cells = [cell.strip() for cell in text.getvalue().splitlines()[-2].strip("│").split("│")]
    assert cells == ["scores", "sparse", "3", "32", "6.25", "0.50", "12.50"]


def test_em_is_timed_beside_hmmlearn() -> None:
    """They agree on what they measured."""
    said: list[str] = []
    rows = training.measure(said.append, hidden=8, vocab=20, sequences=30, compared=4)
    assert [(row.library, row.sequences) for row in rows] == [("normq", 30), ("normq", 4), ("hmmlearn", 4)]
    assert all(row.seconds > 0 and row.peak_bytes > 1e7 for row in rows)
    assert rows[1].log_likelihood == pytest.approx(rows[2].log_likelihood, rel=1e-5)
    text = io.StringIO()
    Console(file=text, width=100).print(training.table(rows, 8, 20))
    assert "hmmlearn" in text.getvalue()
