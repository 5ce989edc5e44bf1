"""Baselines: rooflines by hand, kernels against what they stand for, ratios, and the shipped page."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from normq.analysis.baseline import command, measure
from normq.analysis.baseline.compare import PUBLISHED_MS, Baseline, Ratio, baselines
from normq.analysis.baseline.engine import ENGINES, Counted, count, engine_points, engine_step
from normq.analysis.baseline.machine import load
from normq.analysis.baseline.measure import Measured, Plan, dense_step, gpu_plans, measure_dense, measure_packed
from normq.analysis.baseline.platforms import PLATFORMS, core_millijoules
from normq.analysis.baseline.tables import COUNTED, MEASURED, SHIPPED, read_rows, write_rows
from normq.analysis.baseline.work import BEAMS, HIDDEN, VOCAB, DenseStep
from normq.analysis.commands.app import app
from normq.analysis.cost.band import Band
from normq.analysis.sweep.point import DesignPoint
from normq.model.errors import OptionError
from normq.model.hmm import HMM
from normq.model.parallel import limited, workers
from normq.model.reference import ReferenceModel
from normq.model.synthetic import synthetic_hmm

ROOT = Path(__file__).resolve().parents[2]
SMALL = DesignPoint(hidden_states=64, vocab_size=300)


def _silent(_: str) -> None:
    pass


def test_dense_bytes_and_operations_by_hand() -> None:
    step = DenseStep(4096, 50257, 16, "float32")
    assert step.weight_bytes == 4 * (4096 * 4096 + 4096 * 50257)
    # a column of beta, A, C and A' of each beam, and two rows of scores
    assert step.moved - step.weight_bytes == 4 * 16 * (4 * 4096 + 2 * 50257)
    # forward: B x H x H; denominators and numerators: 2B x H x V; a multiply and an add each
    assert step.operations == 2 * (16 * 4096 * 4096 + 32 * 4096 * 50257)


def test_roofline_is_the_longer_of_two_times() -> None:
    a100 = PLATFORMS[0]
    one, many = (DenseStep(4096, 50257, beams, "float32") for beams in (1, 128))
    # 0.89 GB at 2039 GB/s against 0.86 GFLOP at 19.5 TFLOPS; of 128 beams 109 GFLOP take 5.6 ms
    assert a100.seconds(one.moved, one.operations, "float32") == pytest.approx(one.moved / 2039e9)
    assert a100.seconds(many.moved, many.operations, "float32") == pytest.approx(109.7e9 / 19.5e12, rel=0.01)


def test_energy_is_power_times_time_and_memory_where_it_stands_apart() -> None:
    orin, epyc = PLATFORMS[2], PLATFORMS[3]
    # 60 W, of which a GPU bound by memory was measured to draw 0.2 to 0.43: 12, 26 and 60 W over a second
    found = orin.millijoules(1.0, 1e9)
    assert (found.low, found.typical, found.high) == pytest.approx((11743, 25714, 60000), rel=1e-4)
    # DDR4's full path, 20 / 28 / 40 pJ a bit, of 8e9 bits: 160, 224, 320 mJ
    added = epyc.millijoules(1.0, 1e9)
    assert added.low - epyc.watts.low * 1000 == pytest.approx(160)
    assert core_millijoules(0.0, 1e9).high == pytest.approx(320)


def test_dense_kernel_is_the_float_reference() -> None:
    hmm: HMM = synthetic_hmm(24, 50, seed=3)
    exact = ReferenceModel.of(hmm)
    rng = np.random.default_rng(5)
    x, c = (torch.from_numpy(rng.random((3, 24))) for _ in range(2))
    tokens = torch.tensor([4, 0, 49])
    after, denominators, numerators = dense_step(exact.alpha, exact.beta, x, c, tokens)
    wanted = exact.forward_step(x, tokens)
    wanted = wanted / wanted.sum(1, keepdim=True)
    torch.testing.assert_close(after, wanted, rtol=1e-12, atol=0)
    torch.testing.assert_close(denominators, exact.scores(wanted), rtol=1e-12, atol=0)
    torch.testing.assert_close(numerators, exact.scores(wanted * c), rtol=1e-12, atol=0)


def test_sizes_that_do_not_fit_are_scaled_by_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "LONGEST_S", 0.01)
    plans = [Plan("float32", 64, 100, 64, 100), Plan("float32", 128, 100, 64, 100)]
    told: list[str] = []
    whole, scaled = measure_dense(plans, "cpu", (2,), "somewhere", told.append)
    assert len(told) == 1, "sizes that share what ran share one measurement"
    assert whole.measured_at == ""
    assert scaled.measured_at == "H=64 V=100"
    # 128 * (128 + 200) over 64 * (64 + 200) operations a beam
    assert scaled.milliseconds / whole.milliseconds == pytest.approx(128 * 328 / (64 * 264))
    assert 0 < whole.least_ms <= whole.milliseconds <= whole.greatest_ms
    assert (whole.threads, whole.clock, whole.machine) == (1, "processor", "somewhere")


def test_packed_step_runs_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "LONGEST_S", 0.01)
    seen: list[int] = []
    real = measure.step_scores

    def spied(*arguments: object) -> object:
        seen.append(workers())
        return real(*arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(measure, "step_scores", spied)
    rows = measure_packed([SMALL], (1, 16), "somewhere", _silent)
    assert [(row.what, row.variant, row.beams, row.moved) for row in rows] == [
        ("packed", "b=4 sparse", 1, 0),
        ("packed", "b=4 sparse", 16, 0),
    ]
    assert set(seen) == {1}


def test_gpu_runs_what_fits_its_memory() -> None:
    # at H=8192, float16 weights take 0.96 GB, float32 1.9 GB; at H=16384 2.2 and 4.4 GB
    sizes = [(plan.float_type, plan.hidden) for plan in gpu_plans(1_500_000_000)]
    assert sizes == [("float32", 4096), ("float16", 4096), ("float16", 8192)]
    assert all(plan.measured_at == "" for plan in gpu_plans(1 << 40))
    assert len(gpu_plans(1 << 40)) == 2 * len(HIDDEN)


def test_limit_of_threads_ends_with_its_block() -> None:
    before = workers()
    with limited(1):
        assert workers() == 1
    assert workers() == before


def test_ratio_of_bands_by_hand() -> None:
    (row,) = count([("edge", SMALL)], _silent)
    step = engine_step(row)
    baseline = Baseline("other", "float32", 64, 16, 3 * step.seconds, step.millijoules * 10, "measured", 0)
    ratio = Ratio(baseline, step)
    assert ratio.speedup == pytest.approx(3)
    energy, ours = ratio.energy, step.millijoules
    assert energy is not None
    assert energy.typical == pytest.approx(10)
    assert energy.low == pytest.approx(10 * ours.low / ours.high)
    assert energy.high == pytest.approx(10 * ours.high / ours.low)
    assert step.seconds == pytest.approx(step.cycles / 400e6)
    assert step.watts == pytest.approx(step.cost.energy_uj * 1e-6 / step.seconds)


def test_gpu_of_a_known_name_has_its_power() -> None:
    row = _shipped()[0]
    gpu = replace(row, device="cuda", machine="16 cores, NVIDIA H100 80GB HBM3", milliseconds=1000.0)
    other = replace(gpu, machine="16 cores, GeForce")
    energies = [one.millijoules for one in baselines([gpu, other]) if one.name == "this GPU"]
    assert energies[0] == Band(137_000, 300_000, 700_000)
    assert energies[1] is None


def test_load_tells_busy_from_idle() -> None:
    assert load(0.2, 2) == "idle otherwise (load 0.2)"
    assert load(3.4, 2) == "busy with other work (load 3.4)"


def _shipped() -> Sequence[Measured]:
    return read_rows(Measured, SHIPPED / MEASURED)


def test_shipped_rows_cover_every_size() -> None:
    rows = _shipped()
    sizes = {(hidden, beams) for hidden in HIDDEN for beams in BEAMS}
    for variant in ("float32", "float16", "bfloat16", "b=4 sparse"):
        found = {(row.hidden, row.beams) for row in rows if row.variant == variant and row.device == "cpu"}
        assert found == sizes, variant
    assert all(row.vocab == VOCAB for row in rows)
    counted = read_rows(Counted, SHIPPED / COUNTED)
    assert [(row.engine, row.hidden, row.beams) for row in counted] == [
        (name, point.hidden_states, point.beams) for name, point in engine_points()
    ]
    assert [engine_step(row).point for row in counted] == [point for _, point in engine_points()]


def test_clocks_are_reached_at_their_nodes() -> None:
    for row in read_rows(Counted, SHIPPED / COUNTED):
        cost = engine_step(row).cost
        assert ENGINES[row.engine].clock_mhz <= cost.fmax_mhz, row.engine


def test_published_milliseconds_are_those_of_the_source() -> None:
    assert PUBLISHED_MS == {4096: 50, 8192: 86, 16384: 180}


def test_page_is_what_the_command_writes(tmp_path: Path) -> None:
    """A changed cost model or sentence changes docs/BASELINES.md: normq baseline -o docs/BASELINES.md."""
    page, csv = tmp_path / "page.md", tmp_path / "ratios.csv"
    result = CliRunner().invoke(app, ["baseline", "--output", str(page), "--csv", str(csv)])
    assert result.exit_code == 0, result.output
    assert page.read_text() == (ROOT / "docs" / "BASELINES.md").read_text()
    assert "REASON (published) | 28 nm | 6 | 2.12 | 12-50x | 310-681x" in result.output
    lines = csv.read_text().splitlines()
    # rooflines of 4 platforms in 2 types and 4 rows of this CPU at 9 sizes, published at 3; each beside 2 engines
    assert len(lines) == 1 + 2 * (9 * (4 * 2 + 4) + 3)
    assert "golden b=8 sparse | measured" in page.read_text()


def test_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"measured\.parquet is no file, expected what `normq baseline --measure`"):
        command.comparison(tmp_path)
    write_rows(tmp_path / MEASURED, _shipped())
    write_rows(tmp_path / COUNTED, _shipped())
    with pytest.raises(OptionError, match=r"counted\.parquet has the columns .*, expected \['engine', "):
        command.comparison(tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("engine", ENGINES)
def test_counted_rows_are_still_what_the_timing_model_counts(engine: str) -> None:
    shipped = {(row.engine, row.hidden, row.beams): row for row in read_rows(Counted, SHIPPED / COUNTED)}
    points = [(name, point) for name, point in engine_points() if name == engine and point.hidden_states == HIDDEN[0]]
    for row in count(points, _silent):
        assert row == shipped[row.engine, row.hidden, row.beams]
