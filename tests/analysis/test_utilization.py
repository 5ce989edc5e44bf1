"""The utilization study without a simulator: its arithmetic, its page, its store, the memories of a build."""

import dataclasses
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from normq.analysis.commands.utilization import utilization
from normq.analysis.utilization.memories import memory_bits
from normq.analysis.utilization.models import first_tokens
from normq.analysis.utilization.page import page
from normq.analysis.utilization.row import Measurement, steady
from normq.analysis.utilization.run import run_points
from normq.analysis.utilization.spec import BUILDS, CONFIG, MAIN, PointSpec, all_points, build_name
from normq.analysis.utilization.store import PointStore
from normq.model.config import AcceleratorConfig, Layout
from normq.model.errors import OptionError
from normq.model.synthetic import synthetic_levels

SPARSE = Measurement(
    build=MAIN,
    lanes=16,
    hidden=1024,
    bits=4,
    layout="sparse",
    operation="scores",
    vocab=1000,
    scored=1000,
    steady_groups=4,
    cycles=1105.0,
    terms={"read": 700.0, "write": 1000.0, "entries": 900.0, "outputs": 0.0, "passes": 512.0},
    bytes_per_group={"read.weights": 7000.0, "read.vectors": 32768.0, "write.scores": 70000.0},
    records=2187,
)
DENSE = dataclasses.replace(
    SPARSE,
    layout="dense",
    scored=100,
    steady_groups=1,
    cycles=25601.0,
    terms={"read": 700.0, "write": 101.0, "entries": 25600.0, "outputs": 0.0, "passes": 512.0},
)


def test_steady_state_is_what_groups_add() -> None:
    """Set-up and drain (30 here) are in both runs and drop out."""
    assert steady({"engine.cycles": 4 * 100 + 30}, {"engine.cycles": 8 * 100 + 30}, 4) == {"engine.cycles": 100}


def test_aims_differ_by_layout() -> None:
    assert (SPARSE.roofline.limit, SPARSE.ratio) == ("write", 1.105)
    assert not SPARSE.meets_aim
    assert dataclasses.replace(SPARSE, cycles=1100.0).meets_aim
    assert not dataclasses.replace(DENSE, cycles=25600 * 1.05).meets_aim
    assert DENSE.meets_aim


def test_only_scores_grow_with_the_vocabulary() -> None:
    assert SPARSE.whole_cycles == 1105
    assert DENSE.whole_cycles == 256_010
    assert dataclasses.replace(DENSE, operation="forward").whole_cycles == 25601


def test_page_tells_what_is_measured_and_what_computed() -> None:
    other = dataclasses.replace(SPARSE, build="P=32", lanes=32, cycles=1000.0)
    memories = {MAIN: {"x": 2048, "y": 1024}, "P=32": {"x": 4096, "y": 2048}}
    lines = page([SPARSE, DENSE, other], memories).splitlines()
    for expected in (
        "| 1024 | sparse | 4 | scores | 1,105 | 700 | 1,000 | 900 | 0 | 512 | write | 1.105 | NO, aim 1.10 |",
        "| 1024 | dense | 4 | scores | *+25,601 | 700 | 101 | 25,600 | 0 | 512 | entries | 1.000 | yes |",
        "1 of 2 are within the aim (1.02 dense, 1.10 sparse). Not: main H=1024 sparse b=4 scores: 1.105.",
        "| 1024 | sparse | 4 | scores | 7,000 | 32,768 | 0 | 0 | 0 | 70,000 | 0 | 109,768 |",
        "| 1024 | 4 | scores | 1,105 | 256,010 (computed) | 232 |",
        "| 1024 | sparse | 4 | scores | 2,187 | 7,000 | 70,000 | 10.0 |",
        "| P=32 | 1024 | sparse | 4 | scores | 1,000 | 700 | 1,000 | 900 | 0 | 512 | write | 1.000 | yes |",
        "| 1024 | main | 8,840 |",
        "| 1024 | P=32 | 4,000 |",
        "| x | 2.0 | 4.0 |",
        "| all | 3.0 | 6.0 |",
    ):
        assert expected in lines


def test_bits_on_chip_by_hand() -> None:
    """P lanes of H codes of 16 bits; z for two groups, emission factors of 12 bits; nothing is left over or twice."""
    small = AcceleratorConfig(4, 2, 4, 512, hidden_capacity=64, local_bytes=4096)
    bits = memory_bits(small)
    assert (bits["x"], bits["second factor"], bits["y"]) == (2 * 64 * 16,) * 3
    assert (bits["z"], bits["emission"]) == (2 * 2 * 64 * 16, 2 * 64 * 12)
    assert bits["results"] == 2 * 2 * 64 * 30
    assert bits["local memory"] == 4096 * 8
    assert bits["fetch buffers"] > 2 * 8192 * 8
    assert 0 < bits["queues"] < 2000
    more = memory_bits(dataclasses.replace(small, lanes=4))
    assert {kind for kind in bits if more[kind] == 2 * bits[kind]} == {
        *("x", "second factor", "emission", "z", "results", "y")
    }


def test_points_are_kept_as_they_are_measured(tmp_path: Path) -> None:
    specs = [PointSpec(CONFIG, 1024, bits, Layout.SPARSE) for bits in (3, 4)]
    store, told = PointStore(tmp_path), list[str]()

    def compute(spec: PointSpec) -> list[Measurement]:
        return [dataclasses.replace(SPARSE, bits=spec.bits)]

    def never(spec: PointSpec) -> list[Measurement]:
        raise AssertionError(spec.name)

    for function in (compute, never):
        executor = ThreadPoolExecutor(1)
        rows = run_points(specs, function, store, executor, lambda spec, rows: told.append(spec.name))
        assert rows == [dataclasses.replace(SPARSE, bits=bits) for bits in (3, 4)]
    assert sorted(told) == ["main: H=1024 b=3 sparse", "main: H=1024 b=4 sparse"]
    assert store.get(PointSpec(BUILDS["P=32"], 1024, 4, Layout.SPARSE)) is None


def test_cut_vocabulary_keeps_the_first_tokens() -> None:
    whole = synthetic_levels(64, 300, 4)
    part = first_tokens(whole, 100)
    np.testing.assert_array_equal(part.beta.levels, whole.beta.levels[:, :100])
    assert (part.eos_token_id, first_tokens(whole, 300).eos_token_id) == (99, 299)


def test_every_build_has_points_and_a_name() -> None:
    assert {build_name(spec.build) for spec in all_points()} == set(BUILDS)
    assert build_name(AcceleratorConfig(1, 2, 4, 64)) == "S=1 P=2 W=4 port=64"


def test_refuses_a_build_that_is_not_there(tmp_path: Path) -> None:
    names = ", ".join(BUILDS)
    with pytest.raises(OptionError, match=rf"^--build: 'P=64' given, expected one of {names}$"):
        utilization(tmp_path / "page.md", build=["P=64"])


def test_what_is_kept_is_found_by_every_process() -> None:
    """The order of a set in its text differs from one process to the next."""
    command = "from normq.analysis.job.store import content_digest; print(content_digest())"
    digests = {
        subprocess.run(
            [sys.executable, "-c", command],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("2", "3")
    }
    assert len(digests) == 1
