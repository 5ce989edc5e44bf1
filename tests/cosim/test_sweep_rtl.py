"""A sweep whose points RTL runs too: every evaluator in one specification, and a timing model that is wrong."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from normq.analysis.commands.app import app
from normq.analysis.sweep import rtl, timing
from normq.analysis.sweep.columns import COST, QUALITY, SETUP, TIMING
from normq.sim.session import MemoryBehavior

SPEC = """
[[space]]
[space.point]
hidden_states = 128  # the build of `normq simulate --preset small`
vocab_size = 300
lanes = 4
beams = [1, 6]
keywords = 2
memory = ["ideal", "hbm2e"]
[rtl]
count = 3
"""


def swept(folder: Path) -> Result:
    (folder / "s.toml").write_text(SPEC)
    arguments = [str(folder / "s.toml"), "--workers", "0", "--parquet", str(folder / "s.parquet")]
    return CliRunner().invoke(app, ["sweep", *arguments])


def test_rtl_counts_what_the_model_counts_beside_every_other_evaluator(tmp_path: Path) -> None:
    result = swept(tmp_path)
    assert result.exit_code == 0, result.output
    assert "4 points, 0 of them known before, 0 impossible, 0 failed" in result.output
    frame = pd.read_parquet(tmp_path / "s.parquet")
    assert frame["source"].value_counts().to_dict() == {"timing model": 4, "RTL": 3}
    assert "RTL ran 3 of 3 asked points, all counters as the timing model's" in result.output
    phases = ["cycles_forward", "cycles_denominators", "cycles_numerators", "cycles_listed"]
    assert frame.loc[frame["source"] == "RTL", phases].isna().all(axis=None)
    assert {"ideal", "hbm2e"} == set(frame.loc[frame["source"] == "RTL", "memory"])
    predicted = frame[frame["source"] == "timing model"]
    assert predicted[[*TIMING, *SETUP, *COST, *QUALITY]].notna().all(axis=None)
    pairs = frame[frame.duplicated(["beams", "memory"], keep=False)].groupby(["beams", "memory"])
    assert (pairs["cycles"].nunique() == 1).all()
    assert "4 points, 4 of them known before" in swept(tmp_path).output


def test_another_count_is_told_at_once_and_a_second_run_tries_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(counters: Mapping[str, int], dram: Mapping[str, int], behavior: MemoryBehavior) -> dict[str, int]:
        found = timing.all_counters(counters, dram, behavior)
        return {**found, "gather.entries": found["gather.entries"] + 1}

    monkeypatch.setattr(rtl, "all_counters", wrong)
    result = swept(tmp_path)
    assert result.exit_code == 1
    told = [line for line in result.output.splitlines() if line.startswith("RTL and timing model: point ")]
    assert len(told) == 3
    assert all("CountersDifferError: gather.entries: RTL" in line for line in told)
    assert "0 impossible, 3 failed" in result.output
    assert "RTL ran 0 of 3 asked points; 3 failed" in result.output
    monkeypatch.undo()
    result = swept(tmp_path)
    assert (result.exit_code, "1 of them known before, 0 impossible, 0 failed" in result.output) == (0, True)
