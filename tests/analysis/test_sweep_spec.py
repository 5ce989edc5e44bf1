"""Specifications of sweeps: whatever is wrong is told before anything runs, and choices become the points meant."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from normq.analysis.sweep.point import DesignPoint
from normq.analysis.sweep.single import point_of
from normq.analysis.sweep.space import as_rtl_sees, points_of, rtl_order
from normq.analysis.sweep.spec import NAMES, OBJECTIVES, LogRange, RtlCheck, Space, SweepSpec, read_spec
from normq.model.errors import OptionError
from normq.sim.memory.dram import PRESETS

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "analysis" / "sweep" / "specs"
PAGE = ROOT / "docs" / "SWEEPS.md"
FIELDS = ", ".join(NAMES)
GRID = "[[space]]\n[space.point]\nlanes = 4"


def faulty(tmp_path: Path, text: str) -> str:
    """The message that a specification is refused with, after the file's name."""
    path = tmp_path / "spec.toml"
    path.write_text(text)
    with pytest.raises(OptionError) as refused:
        read_spec(path)
    return str(refused.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("space = 3", "space: 3 given, expected a valid tuple"),
        ("", "space: missing, expected it"),
        ("space = []", "space: [] given, Tuple should have at least 1 item after validation, not 0"),
        ("[[space]]", "space.0.point: missing, expected it"),
        ("[[space]]\n[space.point]\nlane = 4", f"space.0.point: lane: unknown, expected some of {FIELDS}"),
        ("[[space]]\n[space.point]\nlanes = 4.5", "space.0.point: lanes: 4.5 given, expected an integer"),
        (
            "[[space]]\n[space.point]\nlanes = []",
            "space.0.point: lanes: an empty list given, expected at least one value",
        ),
        (
            '[[space]]\n[space.point]\nmemory = ["ideal", "ddr9"]',
            "space.0.point: memory: 'ddr9' given, expected 'ideal', 'ddr4-3200', 'lpddr5-6400' or 'hbm2e'",
        ),
        (
            '[[space]]\n[space.point]\nnode = "3nm"',
            "space.0.point: node: '3nm' given, expected one of sky130hd, nangate45, 28nm, 22nm, asap7",
        ),
        (
            "[[space]]\n[space.point]\nlatency = {start = 9, stop = 3, count = 2}",
            "space.0.point: latency: start 9 is above stop 3",
        ),
        (
            "[[space]]\n[space.point]\nlatency = {start = 9, stop = 30}",
            "space.0.point: latency: expected one of factor and count",
        ),
        ("[[space]]\n[space.point]\nseed = [-1, 0]", "space.0.point: seed: -1 given, expected 0..4294967295"),
        (
            "[[space]]\n[space.point]\nseed = 4294967296",
            "space.0.point: seed: 4294967296 given, expected 0..4294967295",
        ),
        ('[[space]]\nsearch = "random"\n[space.point]\nlanes = 4', "space.0: count None given, expected a number"),
        ("[[space]]\ncount = 4\n[space.point]\nlanes = 4", "space.0: count 4 given, expected none"),
        (
            '[[space]]\nsearch = "nsga2"\ncount = 4\n[space.point]\nlanes = 4',
            "space.0: objectives: 0 given, expected some where search is nsga2",
        ),
        (
            '[[space]]\nsearch = "nsga2"\ncount = 4\nobjectives = {speed = "max"}\n[space.point]\nlanes = 4',
            f"space.0: objectives: 'speed' given, expected some of {', '.join(OBJECTIVES)}",
        ),
        (
            'evaluators = ["guess"]\n[[space]]\n[space.point]\nlanes = 4',
            "evaluators: 'guess' given, expected some of timing, setup, cost, setup_cost, fpga, quality",
        ),
        (
            f"evaluators = []\n{GRID}",
            "evaluators: [] given, expected some of timing, setup, cost, setup_cost, fpga, quality",
        ),
        (
            f'evaluators = ["timing"]\n{GRID}\n[[space]]\nsearch = "nsga2"\ncount = 4\n'
            'objectives = {cycles = "min", area_mm2 = "min"}\n[space.point]\nlanes = 4',
            "space.1.objectives: 'area_mm2' given, a column of evaluator 'cost', expected 'cost' among the evaluators "
            "(timing)",
        ),
        (
            '[[space]]\nsearch = "nsga2"\ncount = 4\nobjectives = {area_kind = "min"}\n[space.point]\nlanes = 4',
            f"space.0: objectives: 'area_kind' given, expected some of {', '.join(OBJECTIVES)}",
        ),
        (
            '[[space]]\nsearch = "random"\ncount = 5\n[space.point]\nlanes = [2, 4]\nbeams = [1, 16]',
            "space.0: count: 5 given, expected at most 4, the combinations of the choices (search = 'grid' takes all "
            "of them)",
        ),
        *(
            (
                f'[[space]]\nsearch = "{search}"\ncount = 1000000000\n[space.point]\nlanes = 4',
                "space.0.count: 1000000000 given, expected less than or equal to 1000000",
            )
            for search in ("random", "nsga2")
        ),
        (
            "[[space]]\n[space.point]\nlatency = {start = 1, stop = 4000000000, factor = 1.00000001}",
            "space.0.point: latency: factor 1.00000001 makes more than 1000000 numbers, expected a greater one",
        ),
        ("rate = 1\n[[space]]\n[space.point]\nlanes = 4", "rate: unknown, expected no such field"),
        ("space = ", "Invalid value (at end of document), expected TOML"),
    ],
)
def test_a_fault_is_told_with_its_place_and_what_was_expected(tmp_path: Path, text: str, message: str) -> None:
    assert faulty(tmp_path, text) == message


def test_a_missing_specification_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(OptionError, match=f"^{re.escape(str(path))}: cannot be read .No such file or directory., exp"):
        read_spec(path)


def test_a_single_point_is_checked_as_a_specification_is() -> None:
    with pytest.raises(OptionError, match=r"^point: seed: -1 given, expected 0..4294967295$"):
        point_of(["seed=-1", "keywords=2"])


def test_log_ranges() -> None:
    assert LogRange(start=1, stop=64, factor=4).values() == (1, 4, 16, 64)
    assert LogRange(start=10, stop=1000, count=3).values() == (10, 100, 1000)
    assert LogRange(start=1, stop=3, count=9).values() == (1, 2, 3)  # each whole number once


def test_a_grid_is_every_combination_of_what_is_named() -> None:
    space = Space(point={"lanes": [4, 8], "latency": {"start": 20, "stop": 80, "factor": 2}, "bits": 3})
    found = {(point.lanes, point.latency, point.bits, point.beams) for point in points_of(space)}
    assert found == {(lanes, latency, 3, DesignPoint().beams) for lanes in (4, 8) for latency in (20, 40, 80)}


def test_random_points_repeat_with_their_seed_and_differ_from_each_other() -> None:
    axes = {"lanes": [1, 2, 4, 8], "latency": list(range(1, 100))}
    first, again, other = (points_of(Space(search="random", count=20, seed=seed, point=axes)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(set(first)) == 20


@pytest.mark.parametrize("count", [1, 3, 4, 11, 12])
def test_as_many_random_points_as_combinations(count: int) -> None:
    found = points_of(Space(search="random", count=count, point={"lanes": [1, 2, 4], "bits": [3, 4], "beams": [1, 16]}))
    assert len(set(found)) == len(found) == count


def test_random_points_whose_clocks_are_the_same_are_fewer_and_all_there_are() -> None:
    (greatest,) = {point.clock_mhz for point in points_of(Space(point={"clock_mhz": 0}))}
    axes = {"clock_mhz": [0, greatest], "bits": [3, 4], "beams": [1, 16]}
    for count in (1, 2, 4):
        assert len(points_of(Space(search="random", count=count, point=axes))) == count
    assert len(points_of(Space(search="random", count=8, point=axes))) == 4


def test_a_random_draw_of_nothing_but_defaults_is_one_point() -> None:
    assert points_of(Space(search="random", count=1, point={})) == [DesignPoint()]


def test_the_greatest_clock_is_put_in_when_points_are_made() -> None:
    point, impossible = points_of(Space(point={"clock_mhz": 0, "lanes": [16, 3]}))
    assert point.clock_mhz > 100
    assert impossible.clock_mhz == 0
    (drawn,) = points_of(Space(search="random", count=1, point={"clock_mhz": 0, "lanes": 16}))
    assert drawn == point


def test_rtl_takes_points_that_it_can_afford_whatever_their_order() -> None:
    points = [DesignPoint(hidden_states=hidden, lanes=lanes) for hidden in (64, 128, 4096) for lanes in (2, 4, 32)]
    check = RtlCheck(count=2, seed=5)
    order = rtl_order(points, check)
    assert order == rtl_order(points[::-1], check)
    assert order != rtl_order(points, RtlCheck(count=2, seed=6))
    assert {(point.hidden_states, point.lanes) for point in order} == {(64, 2), (64, 4), (128, 2), (128, 4)}


def test_rtl_takes_each_run_once_before_any_again() -> None:
    axes = {"latency": [10, 20, 30], "node": ["nangate45", "asap7"], "clock_mhz": [200, 400, 600], "hidden_states": 64}
    order = rtl_order(points_of(Space(point=axes)), RtlCheck())
    assert len(order) == len(set(order)) == 18
    assert all({point.latency for point in order[start : start + 3]} == {10, 20, 30} for start in range(0, 18, 3))


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"node": "asap7"}, True),
        ({"method": "norm-q-aware-em"}, True),
        ({"clock_mhz": 200}, True),
        ({"seed": 1}, False),
        ({"local_bytes": 4096}, False),
        ({"memory": "hbm2e"}, False),
    ],
)
def test_points_are_one_run_of_rtl_where_the_engine_cannot_tell_them(change: dict[str, Any], is_same: bool) -> None:
    assert (as_rtl_sees(replace(DesignPoint(), **change)) == as_rtl_sees(DesignPoint())) == is_same


def test_a_dram_keeps_its_own_time_and_has_its_channels_unless_told() -> None:
    point = DesignPoint(memory="hbm2e")
    assert as_rtl_sees(replace(point, clock_mhz=200)) != as_rtl_sees(point)
    assert as_rtl_sees(replace(point, channels=PRESETS["hbm2e"].channels)) == as_rtl_sees(point)
    assert as_rtl_sees(replace(point, channels=1)) != as_rtl_sees(point)


def test_the_example_of_the_page_of_sweeps_can_be_read(tmp_path: Path) -> None:
    lines = PAGE.read_text().partition("## The specification\n")[2].partition("Fields of a point")[0].splitlines()
    path = tmp_path / "example.toml"
    path.write_text("\n".join(line.removeprefix("    ") for line in lines))
    spec = read_spec(path)
    assert [space.search for space in spec.space] == ["grid", "random", "nsga2"]
    assert len(points_of(spec.space[1])) == spec.space[1].count


def test_the_page_of_sweeps_states_the_defaults_that_a_point_has() -> None:
    stated: dict[str, str] = {}
    for line in PAGE.read_text().splitlines():
        names, values = (*line.strip("| ").split(" | "), "")[:2]
        if re.fullmatch(r"(`\w+`(, )?)+", names):
            stated |= dict(zip(names.replace("`", "").split(", "), values.split(", "), strict=True))
    assert stated == {field.name: str(field.default) for field in fields(DesignPoint)}


def test_evaluators_bring_what_they_need() -> None:
    spec = SweepSpec.model_validate({"evaluators": ["cost"], "space": [{"point": {"lanes": 4}}]})
    assert spec.evaluators == ("timing", "cost")


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.toml")), ids=lambda path: path.stem)
def test_specifications_that_ship_can_be_read(path: Path) -> None:
    spec = read_spec(path)
    assert all(points_of(space) or space.search == "nsga2" for space in spec.space)
