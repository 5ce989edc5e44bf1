"""Choices by rules, held against what can be told by hand; and the page that ships against its table."""

from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from normq.analysis.answer.designs import at_beams, designs_of, feasible, idle_leakage_uj, ranked, records
from normq.analysis.answer.instead import instead_rows
from normq.analysis.answer.latency import TokenLatency
from normq.analysis.answer.measured import Measured, read_measured, write_measured
from normq.analysis.answer.page import SHIPPED, page_of
from normq.analysis.answer.sections import PARTS
from normq.analysis.answer.sensitivity import neighbors, variants
from normq.analysis.answer.targets import AWAKE_ENERGY, CHIPLETS, EDGE, FPGA, TEXT_ENERGY, UNCOUNTED
from normq.analysis.answer.text import command, number
from normq.analysis.baseline.compare import ROOFLINE, Baseline
from normq.analysis.commands.app import app
from normq.analysis.cost.band import Band
from normq.analysis.design_points import PREDICTED
from normq.analysis.sweep.cost import cost_of, evaluate_point_cost
from normq.analysis.sweep.fpga import evaluate_point_fpga
from normq.analysis.sweep.point import DesignPoint
from normq.analysis.sweep.quality import evaluate_quality
from normq.analysis.sweep.setup import evaluate_setup
from normq.analysis.sweep.setup_cost import evaluate_setup_cost
from normq.analysis.sweep.single import assignments_of, point_of
from normq.analysis.sweep.timing import evaluate_timing
from normq.model.errors import OptionError
from normq.tests.analysis.answer_points import points

DOCS = Path(__file__).resolve().parents[2] / "docs"
MEASURED = Measured({"1": 30.0}, "a processor", "2", {"4": 3.0})


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return points()


def test_a_token_waits_for_the_longer_of_model_and_scores_then_for_the_update() -> None:
    row = {"clock_mhz": 500, "cycles_forward": 1000, "cycles_denominators": 500, "cycles_numerators": 1500}
    spent = TokenLatency.of({**row, "cycles_listed": 2000})
    assert (spent.scores, spent.update, spent.alone) == (0.008, 0.002, 0.01)  # 4000 and 1000 cycles at 500 MHz
    assert spent.beside(27.0) == 27.002
    assert spent.beside(0.004) == 0.01
    assert spent.serial(27.0) == 27.01


def test_the_edge_takes_the_least_energy_that_its_rules_leave(table: pd.DataFrame) -> None:
    """3 bits lack success; energy does not depend on S and P, so the smallest of 4 bits: 2 x 4 / 10 mm2."""
    best = ranked(table, EDGE).iloc[0]
    assert (best["bits"], best["entries_per_cycle"], best["lanes"], best["area_mm2"]) == (4, 2, 4, 0.8)
    assert best["beams"] == 16
    allowed = feasible(designs_of(table, EDGE), EDGE)
    assert set(allowed["bits"]) == {4, 8}
    assert allowed["area_mm2"].max() <= 5  # of 4 x 16 / 10 none


def test_every_limit_binds(table: pd.DataFrame) -> None:
    """Each changed alone leaves nothing: the area, success, the clock's share, the language model's step."""
    for change in (
        {"greatest_area_mm2": 0.7},
        {"least_success": 0.995},
        {"clock_share": 0.3},
        {"lm_ms": 0.001},
        {"slowdown": 1.0},
    ):
        with pytest.raises(OptionError, match=r"^design points: none satisfies the rules of target 'edge'$"):
            ranked(table, replace(EDGE, **change))
    with pytest.raises(OptionError, match=r"^design points: none of target 'edge', expected some with node=3nm$"):
        ranked(table, replace(EDGE, where={"node": "3nm"}))


def test_a_design_counts_only_where_all_its_beams_were_evaluated(table: pd.DataFrame) -> None:
    best = records(ranked(table, EDGE).iloc[:1])[0]
    lost = (table["beams"] == 1) & (table["node"] == "22nm") & (table["bits"] == 4) & (table["lanes"] == 4)
    other = records(ranked(table[~lost], EDGE).iloc[:1])[0]
    assert (best["lanes"], other["lanes"]) == (4, 16)
    assert [row["beams"] for row in at_beams(table, best, EDGE.beams)] == [1, 16]


def test_chiplets_take_latency_times_area_and_the_card_its_share(table: pd.DataFrame) -> None:
    """128 beams: latency goes with 1 / (P * S) and area with P * S, so the smallest; on the card S costs nothing.

    At H = 16384 the smallest is too slow: 32 groups of 16384 * 4 / 2 cycles, a fourth of them the update, at 700 MHz
    are 0.37 ms of 27.
    """
    for target, slots in zip(CHIPLETS, (2, 2, 4), strict=True):
        best = ranked(table, target).iloc[0]
        assert (best["bits"], best["lanes"], best["entries_per_cycle"]) == (4, 4, slots)
        assert best["hidden_states"] == target.where["hidden_states"]
    card = ranked(table, FPGA).iloc[0]
    assert (card["lanes"], card["entries_per_cycle"]) == (4, 4)
    assert card["card_share"] == 40_000 / 1_728_000
    full = table.assign(fpga_dsps=9_000.0)  # of 12,288: over the limit
    with pytest.raises(OptionError, match="none satisfies the rules of target 'fpga'"):
        ranked(full, FPGA)


def test_a_card_without_counts_takes_area_at_45_nm_for_its_share(table: pd.DataFrame) -> None:
    """All have the same latency times area, so the smallest that is fast enough: S = 2 takes 0.33 ms for its update."""
    bare = table.drop(columns="fpga_luts")
    card = ranked(bare, UNCOUNTED).iloc[0]
    assert (card["lanes"], card["entries_per_cycle"]) == (4, 4)
    page = page_of(bare, MEASURED)
    assert "LUTs and DSP slices were not counted" in page
    assert f"the card has {(2688 * 36 + 1280 * 288) * 1024 / 1e6:.0f} Mbit" in page


def test_neighbors_differ_in_one_thing(table: pd.DataFrame) -> None:
    chosen = records(ranked(table, EDGE).iloc[:1])[0]
    told = [change for change, _ in neighbors(table, chosen)]
    assert told == ["bits = 3", "bits = 8", "lanes = 16", "entries_per_cycle = 4"]


def test_other_rules_lead_elsewhere_or_nowhere(table: pd.DataFrame) -> None:
    found = {variant.change: variant for variant in variants(table, EDGE)}
    better, any_width, nowhere = (
        found[name] for name in ("success of at least 98.5%", "any index width", "node nangate45, nothing on chip")
    )
    assert better.chosen is not None
    assert better.chosen["bits"] == 8
    assert any_width.chosen is not None
    assert any_width.chosen["bits"] == 3
    assert (nowhere.chosen, nowhere.designs) == (None, 0)


def test_a_text_pays_for_its_set_up_and_an_engine_that_stays_on_for_its_leakage(table: pd.DataFrame) -> None:
    """By hand: leakage is 0.1 mW a lane and entry, so 27 ms of it are little beside 65 uJ; those of 10 W are not."""
    chosen = records(ranked(table, EDGE).iloc[:1])[0]
    spent = TokenLatency.of(chosen)
    assert idle_leakage_uj(chosen, 27.0) == pytest.approx(0.8 * (27 + spent.update - spent.alone))
    # set-up that grows with S turns the choice by a whole text, and not the one by a token
    dear = table.assign(energy_setup_uj=1e5 * (5 - table["entries_per_cycle"]))
    by_text = ranked(dear, replace(EDGE, least=TEXT_ENERGY)).iloc[0]
    assert (by_text["entries_per_cycle"], ranked(dear, EDGE).iloc[0]["entries_per_cycle"]) == (4, 2)
    assert by_text["objective"] == 1e5 + 32 * by_text["energy_uj"]
    leaking = table.assign(leakage_mw=1e4 / table["lanes"])
    awake = ranked(leaking, replace(EDGE, least=AWAKE_ENERGY)).iloc[0]
    assert (awake["lanes"], ranked(leaking, EDGE).iloc[0]["lanes"]) == (16, 4)


def test_energy_is_the_sum_of_the_parts_that_the_page_names() -> None:
    frame = pd.read_parquet(SHIPPED)
    rows = frame[(frame["status"] == "ok") & (frame["source"] == PREDICTED)]
    assert len(rows) > 3000
    parts = rows[["energy_dram_uj", *PARTS]].sum(axis=1)
    assert (parts / rows["energy_uj"] - 1).abs().max() < 1e-9
    memory = rows[["energy_dram_uj", "energy_background_uj", "energy_refresh_uj"]].sum(axis=1)
    assert (memory / rows["energy_memory_uj"].where(rows["memory"] != "ideal") - 1).abs().max() < 1e-9


def test_baselines_of_the_same_work_stand_beside_the_choice(table: pd.DataFrame) -> None:
    chosen = records(ranked(table, EDGE).iloc[:1])[0]
    energy = Band(2.0, 4.0, 8.0)
    found = [
        Baseline("a GPU", "float16", 4096, 16, 0.01, energy, ROOFLINE, 1),
        Baseline("a core", "golden b=4 sparse", 4096, 16, 0.02, None, "measured", 0),
        Baseline("a core", "golden b=8 sparse", 4096, 16, 0.02, energy, "measured", 0),
        Baseline("a GPU", "float16", 4096, 1, 0.01, energy, ROOFLINE, 1),
        Baseline("a GPU", "float16", 8192, 16, 0.01, energy, ROOFLINE, 1),
    ]
    # the design takes 4 groups of 4096 * 4 / 2 cycles at 400 MHz, 81.92 us, and 262 uJ, 131 to 524
    assert list(instead_rows(found, chosen, EDGE)) == [
        ["a GPU", "float16", "roofline", "10", "122x", "15.3x (3.81..61)"],
        ["a core", "golden b=4 sparse", "measured", "20", "244x", "-"],
    ]


def test_a_point_is_named_by_what_is_not_default() -> None:
    point = DesignPoint(lanes=4, memory="hbm2e", beams=1)
    assert point_of(assignments_of(point)) == point
    assert assignments_of(point) == ["beams=1", "lanes=4", "memory=hbm2e"]
    assert command(records(points())[0]).startswith("normq point bits=3 beams=1 keywords=3 entries_per_cycle=2")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (1234.5, "1,230"), (123456, "123,000"), (0.012345, "0.0123"), (float("nan"), "-"), (None, "-")],
)
def test_numbers_have_three_digits(value: object, shown: str) -> None:
    assert number(value) == shown


def test_the_page_says_what_it_is_of(table: pd.DataFrame) -> None:
    page = page_of(table, MEASURED)
    assert "181 design points, 180 of them\nevaluated, 1 impossible" in page
    assert "| [Edge device](#edge) | b=4 sparse, S=2 P=4 W=4, port 128, lpddr5-6400 x1, 400 MHz | 16 |" in page
    assert "    normq point keywords=3 entries_per_cycle=2 lanes=4 port_bits=128 memory=lpddr5-6400" in page
    assert "30.0 ms at 1 beam;" in page
    assert "$" not in page


def test_what_was_measured_is_kept(tmp_path: Path) -> None:
    write_measured(MEASURED, tmp_path / "m.json")
    assert read_measured(tmp_path / "m.json") == MEASURED
    with pytest.raises(OptionError, match=r"no such file, expected what `normq design-space --measure` writes$"):
        read_measured(tmp_path / "none.json")
    assert MEASURED.lm_step(16) is None


def test_the_page_that_ships_is_written_from_the_table_that_ships(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["design-space", "-o", str(tmp_path / "page.md")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "page.md").read_text() == (DOCS / "DESIGN-SPACE.md").read_text()


def test_the_table_that_ships_is_what_the_evaluators_say_today() -> None:
    """A point of the smallest model, one that is behind the edge's answer but for H."""
    frame = pd.read_parquet(SHIPPED)
    rows = frame[(frame["hidden_states"] == 1024) & (frame["status"] == "ok") & (frame["bits"] == 4)]
    for row in records(rows.iloc[[0, -1]]):
        point = point_of(command(row).split()[2:])
        timing = evaluate_timing(point)
        setup = evaluate_setup(point)
        found = {**timing, **setup, **evaluate_point_cost(point, timing), **evaluate_setup_cost(point, setup)}
        for name in ("cycles", "bytes_total", "cycles_setup", "table_bytes"):
            assert found[name] == row[name], name
        for name in ("area_mm2", "energy_low_uj", "energy_uj", "energy_high_uj", "energy_setup_uj", "fmax_mhz"):
            assert found[name] == pytest.approx(row[name], rel=1e-9), name


def test_columns_that_need_no_counter_are_today_s_in_the_table_that_ships() -> None:
    """Of every 20th row, of all targets: areas, clocks, leakage, what an FPGA takes, and quality."""
    frame = pd.read_parquet(SHIPPED)
    rows = frame[(frame["status"] == "ok") & (frame["source"] == PREDICTED)].iloc[::20]
    assert set(rows["memory"]) >= {"lpddr5-6400", "ddr4-3200", "hbm2e"}
    own = ["area_low_mm2", "area_mm2", "area_high_mm2", "area_kind", "gate_equivalents", "fmax_mhz", "leakage_mw"]
    for row in records(rows):
        point = point_of(command(row).split()[2:])
        cost = asdict(cost_of(point, {}))
        found = {**{name: cost[name] for name in own}, **evaluate_point_fpga(point), **evaluate_quality(point)}
        for name, value in found.items():
            if value is None:
                assert pd.isna(row[name]), name
            else:
                wanted = value if isinstance(value, str) else pytest.approx(value, rel=1e-9)
                assert row[name] == wanted, (name, command(row))


def test_one_point_is_printed_or_its_fault_told() -> None:
    arguments = ["point", "hidden_states=64", "vocab_size=300", "lanes=4", "keywords=2"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    cycles = evaluate_timing(DesignPoint(hidden_states=64, vocab_size=300, lanes=4, keywords=2))["cycles"]
    assert f" {cycles:,} " in result.output
    for text, message in (
        ("lanes", "FIELD=VALUE: 'lanes' given, expected a field, = and its value, as in lanes=8"),
        ("lanes=x", "point: lanes: 'x' given, expected an integer"),
        ("lanes=3", "timing: impossible: lanes must be a power of two up to 64, got 3"),
    ):
        fault = CliRunner().invoke(app, ["point", text]).exception
        assert isinstance(fault, OptionError)
        assert str(fault) == message
