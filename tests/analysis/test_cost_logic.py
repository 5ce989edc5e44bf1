"""Logic of a build from the shipped tables: rows, fits with their errors, and how a cost must move with a size."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from normq.analysis.commands.app import app
from normq.analysis.cost import fpga, logic, logic_tables, part_tables
from normq.analysis.cost.designs import Part, small_build
from normq.analysis.cost.fit import fit
from normq.analysis.cost.fpga import Memories, blocks_of, fpga_cost, memories_of
from normq.analysis.cost.logic import logic_cost
from normq.analysis.cost.logic_tables import REFERENCE, build_figures, fit_errors, part_figures
from normq.analysis.cost.logic_terms import engine_terms, lane_terms
from normq.analysis.cost.macros import Macro
from normq.analysis.cost.nodes import NODES
from normq.analysis.cost.page import all_tables
from normq.analysis.cost.point import evaluate_cost
from normq.analysis.cost.tables import read_table
from normq.analysis.cost.ultrascale_parts import engine_counts, lane_counts
from normq.analysis.study.page import with_tables
from normq.analysis.sweep.columns import FPGA
from normq.analysis.sweep.fpga import evaluate_point_fpga
from normq.analysis.sweep.point import DesignPoint
from normq.model.config import AcceleratorConfig, Layout
from normq.model.errors import OptionError

AT_45 = NODES["nangate45"]
PAGE = Path(__file__).parents[2] / "docs" / "COST.md"


def test_a_fit_finds_what_rows_are_made_of_and_says_how_far_off_it_is() -> None:
    terms = [(1.0, float(x), float(y)) for x in (1, 2, 4) for y in (1, 3)]
    exact = fit(terms, [5 + 2 * x + 7 * y for _, x, y in terms])
    assert exact.coefficients == pytest.approx((5, 2, 7))
    assert exact.error == pytest.approx(0, abs=1e-9)
    # a row that alone tells a price is not checked by the others, though they pretend to tell it: y hardly differs
    lonely = [*((1.0, float(x), 1 + x % 2 * 1e-3) for x in range(1, 6)), (1.0, 1.0, 9.0)]
    found = fit(lonely, [5 + 2 * x + 7 * y + (x == 3) for _, x, y in lonely])
    assert found.error < 0.2
    assert (exact.alone, found.alone) == (0, 1)
    # a term that would have to be negative is left out, and the error tells
    falling = fit(terms, [30 - 2 * x for _, x, _ in terms])
    assert min(falling.coefficients) >= 0
    assert falling.error > 0.1


def test_a_fit_says_the_same_on_every_machine() -> None:
    """Two libraries of linear algebra differ as two orders of the rows do: in the last bits."""
    terms = [(1.0, float(x), float(y)) for x in (1, 3, 7) for y in (1, 2, 9)]
    values = [5.1 + 2.3 * x + 7.7 * y + 0.1 * math.sin(x * y) for _, x, y in terms]
    told = [
        fit([terms[row] for row in order], [values[row] for row in order]) for order in (range(9), range(8, -1, -1))
    ]
    assert told[0] == told[1]
    assert told[0](terms[4]) == told[1](terms[4])


@pytest.mark.parametrize("is_lane", [True, False])
def test_fits_meet_every_measured_row_within_their_error(is_lane: bool) -> None:
    model = logic_tables.model_of(REFERENCE, is_lane)
    rows = part_tables.table_parts(f"asic-{REFERENCE}", is_lane, ("gate_equivalents", "flip_flops"))
    terms_of = lane_terms if is_lane else engine_terms
    assert len(rows) >= 4
    # every price is told by two rows at least
    assert (model.gate_fit.alone, model.flip_flop_fit.alone) == (0, 0)
    # a price that is left out, or grows with the wrong size, shows: leaks of rows; decoders that grow with S, 16 %
    assert max(model.gate_fit.error, model.flip_flop_fit.error) < 0.05
    for part, row in rows:
        terms = terms_of(part.build)
        assert model.gate_fit(terms) == pytest.approx(row["gate_equivalents"], rel=model.gate_fit.error + 1e-9)
        assert model.flip_flop_fit(terms) == pytest.approx(row["flip_flops"], rel=model.flip_flop_fit.error + 1e-9)


def test_a_build_of_measured_parts_is_measured_and_any_other_is_not() -> None:
    part, row = part_tables.table_parts("asic-nangate45", False, ("gate_equivalents", "period_ns"))[0]
    lane = part_figures(Part(part.build, True), "nangate45")
    found = logic_cost(part.build, AT_45)
    assert (found.kind, found.fmax_kind, found.error) == ("measured", "measured", 0.0)
    assert found.fmax_mhz == pytest.approx(1000 / max(lane.period_ns, row["period_ns"]))
    assert found.gate_equivalents > part.build.lanes * lane.gate_equivalents + row["gate_equivalents"]
    other = logic_cost(dataclasses.replace(part.build, hidden_capacity=8192), AT_45)
    assert (other.kind, other.fmax_kind) == ("fitted", "scaled")
    assert other.error > 0
    scaled = logic_cost(part.build, NODES["28nm"])
    assert (scaled.kind, scaled.fmax_kind) == ("estimated", "scaled")


@pytest.mark.parametrize(
    "change",
    [
        {"slots": 8},
        {"elements": 8},
        {"lanes": 32},
        {"bits": 8},
        {"code": (5, 12)},
        {"port_bits": 512},
        {"layouts": frozenset(Layout)},
        {"row_leaks": True},
    ],
)
@pytest.mark.parametrize("node", ["nangate45", "28nm", "asap7"])
def test_more_of_anything_costs_no_less(change: dict[str, Any], node: str) -> None:
    # of no row of the tables: capacities of 2048 are fitted at both ends
    small: dict[str, Any] = {"slots": 2, "elements": 2, "lanes": 8, "bits": 4, "code": (4, 8), "port_bits": 128}
    builds = [small_build(**sizes, hidden_capacity=2048) for sizes in (small, {**small, **change})]
    less, more = (evaluate_cost(build, {}, "ideal", node) for build in builds)
    if "layouts" in change:  # no row of the tables tells what a second decoder adds
        assert more.area_mm2 >= less.area_mm2
    else:
        assert more.area_mm2 > less.area_mm2
    # of lanes and engine: at b = 8 the codebook is a memory, at b = 4 it is flip-flops and counted as gates
    fewer, gates = (build_figures(build, REFERENCE).gate_equivalents for build in builds)
    assert gates >= fewer
    assert more.fmax_mhz <= less.fmax_mhz


def test_a_smaller_node_is_smaller_and_faster() -> None:
    rows = [evaluate_cost(AcceleratorConfig(), {}, "ideal", name) for name in ("nangate45", "28nm", "22nm", "asap7")]
    areas = [row.area_mm2 for row in rows]
    assert areas == sorted(areas, reverse=True)
    clocks = [row.fmax_mhz for row in rows]
    assert clocks == sorted(clocks)
    for row in rows:
        assert row.area_low_mm2 < row.area_mm2 < row.area_high_mm2


def test_between_nodes_figures_lie_on_the_power_law() -> None:
    config = AcceleratorConfig()
    near, middle, far = (logic_cost(config, NODES[name]) for name in ("nangate45", "28nm", "asap7"))
    share = math.log(45 / 28) / math.log(45 / 7)
    assert middle.fmax_mhz == pytest.approx(near.fmax_mhz ** (1 - share) * far.fmax_mhz**share)
    assert middle.error == pytest.approx(logic.SCALED_FACTOR - 1)


def test_memories_of_an_fpga_follow_the_shapes_of_its_blocks() -> None:
    # 48 bits by 64 words: seven columns of seven bits, eight LUTs each
    assert blocks_of(Macro("a", 48, 64)) == Memories(56, 0, 0)
    # 512 bits by 512 words: eight blocks of 72 by 512
    assert blocks_of(Macro("a", 512, 512)) == Memories(0, 8, 0)
    # 16 bits by 2048 words: one block of 18 by 2048
    assert blocks_of(Macro("a", 16, 2048)) == Memories(0, 1, 0)
    # 512 bits by 16384 words, a local memory of 1 MiB: eight columns of four UltraRAMs
    assert blocks_of(Macro("a", 512, 16384)) == Memories(0, 0, 32)
    with_local = memories_of(AcceleratorConfig(local_bytes=1 << 20))
    assert with_local.ultra_rams == memories_of(AcceleratorConfig()).ultra_rams + 32


def test_a_lane_takes_a_dsp_slice_for_each_product() -> None:
    def dsps(slots: int, elements: int, significand: int) -> float:
        build = small_build(slots=slots, elements=elements, code=(5, significand), hidden_capacity=2048)
        return lane_counts(Part(build, True)).dsps

    # one a slot; two an element, and a third by M bits, which at eight of them is LUTs
    assert dsps(2, 8, 12) == pytest.approx(2 + 3 * 8)
    assert dsps(8, 2, 12) == pytest.approx(8 + 3 * 2)
    assert dsps(2, 2, 8) == pytest.approx(2 + 2 * 2)


@pytest.mark.parametrize(("is_lane", "count"), [(True, 7), (False, 3)])
def test_counts_of_an_fpga_meet_every_row_within_their_error(is_lane: bool, count: int) -> None:
    rows = part_tables.table_parts("ultrascale", is_lane, ("luts", "flip_flops", "dsps"))
    assert len(rows) >= count
    counts_of = lane_counts if is_lane else engine_counts
    for part, row in rows:
        # a build that is no row, and differs by a bit of its addresses
        found = counts_of(dataclasses.replace(part, build=dataclasses.replace(part.build, hidden_capacity=2048)))
        assert not found.is_measured
        assert found.error < 0.15
        for name, figure in row.items():
            assert getattr(found, name) == pytest.approx(figure, rel=found.error)


def test_counts_of_an_fpga_build_grow_with_its_lanes() -> None:
    few, many = (fpga_cost(AcceleratorConfig(lanes=lanes, hidden_capacity=4096)) for lanes in (8, 32))
    assert many.luts > few.luts
    # lanes by their multipliers, and the same engine around them
    more = fpga_cost(AcceleratorConfig(lanes=16, hidden_capacity=4096))
    assert many.dsps - few.dsps == pytest.approx(3 * (more.dsps - few.dsps))
    assert few.dsps > more.dsps - few.dsps > 0
    assert (few.clock_kind, few.clock_mhz) == ("assumed", fpga.ASSUMED_MHZ)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the tables of nangate45 in a folder that may be broken."""
    for name in ("asic-nangate45", "asic-asap7"):
        read_table(name).to_parquet(tmp_path / f"{name}.parquet")
    monkeypatch.setattr(part_tables, "SHIPPED", tmp_path)
    caches = (logic_tables.model_of, logic_tables.rows_of, logic.logic_cost)
    for cached in caches:
        cached.cache_clear()
    yield tmp_path
    for cached in caches:
        cached.cache_clear()


def broken(path: Path, how: str) -> None:
    table = pd.read_parquet(path)
    if how == "absent":
        path.unlink()
        return
    changed = {
        "column": table.drop(columns="flip_flops"),
        "engines": table[table["is_lane"]],
        "size": table.assign(port_bits=100),
        "figure": table.assign(gate_equivalents=0.0),
        "failed": table.assign(error="yosys: exit 1"),
    }
    changed[how].to_parquet(path)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("absent", "no such file, expected results of the tools (normq cost --synthesize)"),
        ("column", "lacks the column 'flip_flops'"),
        ("engines", "no row of an engine, expected at least one"),
        ("size", "port_bits must be 64, 128, 256 or 512, got 100"),
        ("figure", "gate_equivalents is 0.0, expected more than 0"),
        ("failed", "no row of a lane, expected at least one"),
    ],
)
def test_a_broken_table_is_named(shipped: Path, how: str, message: str) -> None:
    logic_cost(AcceleratorConfig(), AT_45)
    logic_tables.model_of.cache_clear()
    logic_tables.rows_of.cache_clear()
    logic.logic_cost.cache_clear()
    path = shipped / "asic-nangate45.parquet"
    broken(path, how)
    with pytest.raises(OptionError) as error:
        logic_cost(AcceleratorConfig(), AT_45)
    assert str(error.value).startswith(f"{path}: ")
    assert str(error.value).endswith(message)


def test_engine_around_the_lanes_draws_power_in_every_cycle() -> None:
    row = evaluate_cost(AcceleratorConfig(), {"engine.cycles": 1000}, "ideal", "nangate45", 400.0)
    found = logic_cost(AcceleratorConfig(), AT_45)
    assert row.energy_control_uj == pytest.approx(1000 * found.control_pj.typical * 1e-6)
    assert row.energy_clock_uj == pytest.approx(1000 * found.clock_pj.typical * 1e-6)


def test_the_page_shows_the_tables() -> None:
    text = PAGE.read_text(encoding="utf-8")
    tables = all_tables()
    assert with_tables(text, tables) == text
    for name in tables:
        assert f"<!-- table: {name} -->" in text


def test_a_build_is_shown_with_the_label_of_every_figure() -> None:
    result = CliRunner().invoke(app, ["cost", "--lanes", "8", "--hidden-capacity", "2048", "--node", "22nm"])
    assert result.exit_code == 0, result.output
    assert "S=4 P=8 W=4 port 512 bits, b=2..8, dense and sparse, H=2048, 22nm" in result.output
    for line in ("estimated, 50%", "scaled, before placement", "estimated, CACTI 7", "UltraScale+", "assumed"):
        assert line in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--node", "3nm"], "node: '3nm' given, expected one of sky130hd, nangate45, 28nm, 22nm, asap7"),
        (["--only", "ecp5"], "--only: needs --synthesize, which computes tables"),
        (["--lanes", "3"], "--lanes: must be a power of two up to 64, got 3"),
        (["--page", "absent.md"], "absent.md: no such file, expected the page with places for tables"),
    ],
)
def test_wrong_options_are_refused(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["cost", *arguments])
    assert isinstance(result.exception, OptionError)
    assert str(result.exception) == message


def test_errors_are_told_for_every_library() -> None:
    found = fit_errors(("nangate45", "asap7"))
    assert [row[:2] for row in found] == [
        ("nangate45", "lane"),
        ("nangate45", "engine"),
        ("asap7", "lane"),
        ("asap7", "engine"),
    ]
    assert all(0 <= error < 0.5 for row in found for error in row[4:])


def test_a_design_point_has_the_counts_as_columns() -> None:
    point = DesignPoint(lanes=8, hidden_states=1024)
    fields, found = evaluate_point_fpga(point), fpga_cost(point.config())
    assert list(fields) == list(FPGA)
    assert fields["fpga_luts"] == found.luts + found.lut_rams
    assert fields["fpga_block_rams"] == found.block_rams
