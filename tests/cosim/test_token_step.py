"""`normq simulate` at the smallest size: a whole token step in RTL, every bit equal to golden."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from normq.analysis.commands.app import app
from normq.analysis.simulate import compute, run
from normq.analysis.simulate.compute import compute_step
from normq.analysis.simulate.models import packed_model
from normq.analysis.simulate.report import StepReport
from normq.analysis.simulate.scenario import scenario
from normq.analysis.simulate.spec import PRESETS, StepSpec
from normq.model.config import Layout
from normq.model.decoding.step import Numbers
from normq.model.golden.operations import GoldenModel
from normq.model.packing.matrix import PackedModel
from normq.sim.results import SimulationError
from normq.sim.token_step import TokenStep


def silent(words: str) -> None:
    """Say nothing."""


@pytest.mark.parametrize(("layout", "beams"), [(Layout.SPARSE, 10), (Layout.DENSE, 3)])
def test_equals_golden(layout: Layout, beams: int) -> None:
    """With a group that is not full, and every kind of descriptor."""
    report = compute_step(StepSpec("small", 4, layout, beams), silent)
    assert (report.difference, report.is_equal) == ("", True)
    assert report.sampled_tokens is None
    assert report.edge_lanes > PRESETS["small"].config.lanes
    assert [phase.name for phase in report.phases] == ["forward", "denominators", "numerators", "listed scores"]
    assert all(phase.cycles > 0 for phase in report.phases)
    assert 0.2 < report.utilization < 1
    assert sum(phase.cycles for phase in report.phases[:-1]) < report.cycles
    assert (report.without_listed.descriptors, report.without_listed.cycles < report.cycles) == (
        report.phases[0].descriptors + 2 * -(-beams // PRESETS["small"].config.lanes),
        True,
    )


def test_a_group_loads_its_vectors_once() -> None:
    """Forward reads A, denominators A', the others one C for each lane: never A' again. H=64: 128 bytes each."""
    spec = StepSpec("small", 4, Layout.SPARSE, 10)
    golden = GoldenModel(packed_model(spec), spec.sizes.config.code)
    lanes = sum(item.beams.size for item in scenario(golden, spec).items)
    assert compute_step(spec, silent).counters["read.vectors"] == 128 * (3 * spec.beams + lanes)


def test_memory_of_choice_traced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A trace needs a run, and holds what the counters count; a DRAM is slower and says what it did."""
    monkeypatch.setattr(run, "CACHE", tmp_path / "cache")
    plain = ["simulate", "--preset", "small", "--beams", "5", "--output", str(tmp_path / "step.json")]
    trace = tmp_path / "trace.parquet"
    memory = ["--dram", "lpddr5-6400", "--channels", "2", "--engine-mhz", "500"]
    reports: list[StepReport] = []
    for options in ([], memory, [*memory, "--trace-memory", str(trace)]):
        result = CliRunner().invoke(app, [*plain, *options])
        assert result.exit_code == 0, result.output
        reports.append(StepReport.of(json.loads((tmp_path / "step.json").read_text())))
    fixed, dram, traced = reports
    assert (traced.cycles, traced.counters) == (dram.cycles, dram.counters)
    assert dram.memory == "LPDDR5-6400, 2 channels, engine at 500 MHz"
    assert fixed.cycles < dram.cycles
    assert (sum(fixed.dram.values()), dram.dram["row_hits"] > 0) == (0, True)
    table = parquet.read_table(trace)
    kinds = np.array(table["kind"].to_pylist())
    assert table["bytes"].to_numpy()[kinds == "vectors"].sum() == dram.counters["read.vectors"]
    assert set(table["channel"].to_pylist()) == {0, 1}


def test_a_sample_is_scored_and_labelled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def twenty(spec: StepSpec, packed: PackedModel) -> Numbers:
        return np.arange(20)

    monkeypatch.setattr(compute, "affordable_sample", twenty)
    monkeypatch.setattr(run, "CACHE", tmp_path)
    result = CliRunner().invoke(app, ["simulate", "--preset", "small", "--layout", "dense", "--beams", "2"])
    assert result.exit_code == 0, result.output
    assert "SAMPLED: both passes over the vocabulary are restricted to the first 20 of 300 tokens." in result.output
    assert "whole sample" in result.output
    assert "RTL == golden: every bit of every output" in result.output


def test_a_finished_step_is_shown_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "CACHE", tmp_path / "cache")
    arguments = ["simulate", "--preset", "small", "--beams", "2", "--output", str(tmp_path / "step.json")]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    monkeypatch.setattr(run, "compute_step", None)
    assert CliRunner().invoke(app, arguments).output == first.output
    report = StepReport.of(json.loads((tmp_path / "step.json").read_text()))
    assert (report.preset, report.beams, report.is_equal) == ("small", 2, True)


def test_a_difference_is_told_and_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    difference = "forward: code of vector, element 0, 3 is 7, golden has 8 (1 differ)"

    def differs(self: TokenStep, *rest: Any) -> str:
        return difference

    monkeypatch.setattr(TokenStep, "difference", differs)
    monkeypatch.setattr(run, "CACHE", tmp_path)
    result = CliRunner().invoke(app, ["simulate", "--preset", "small", "--beams", "2"])
    assert isinstance(result.exception, SimulationError)
    assert str(result.exception) == f"RTL and golden differ: {difference}"
    assert list(tmp_path.iterdir()) == []
