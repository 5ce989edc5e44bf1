"""Lanes on an ECP5: routed slices, what is scaled from them, and how far that is off."""

from dataclasses import replace

import pytest

from normq.analysis.cost.designs import Part, small_build
from normq.analysis.cost.ecp5_cost import CHIP, LUTS_OF_CELL, TABLE, ecp5_cost, luts_of, trend_of
from normq.analysis.cost.ecp5_memories import lane_memories
from normq.analysis.cost.fit import UNCHECKED
from normq.analysis.cost.jobs import SLICES
from normq.analysis.cost.part_tables import table_parts
from normq.analysis.cost.tables import read_table

COLUMNS = ("luts", "carries", "distributed_rams", "block_rams", "multipliers", "fmax_mhz")


def routed() -> list[tuple[Part, dict[str, float]]]:
    return list(table_parts(TABLE, True, COLUMNS))


def test_the_shipped_slices_were_all_routed() -> None:
    table = read_table(TABLE)
    assert list(table["part"]) == [f"{build.lanes} x {Part(build, True).name}" for build in SLICES]
    assert list(table["error"]) == [""] * len(SLICES)
    assert table["fmax_mhz"].between(30, 200).all()
    # S and W apart, and several numbers of lanes: else neither fit nor trend is determined
    assert {(1, 1), (2, 2), (1, 4), (4, 1), (4, 4)} <= set(
        zip(table["entries_per_cycle"], table["elements_per_cycle"], strict=True)
    )
    assert {4, 8, 16} <= set(table["lanes"])


def test_lanes_multiply_once_a_slot_and_four_times_an_element() -> None:
    """In 18 bits: one of an element's three products takes two multipliers."""
    found = ecp5_cost(small_build(slots=8, elements=2, lanes=4, hidden_capacity=512))
    assert found.multipliers == pytest.approx(4 * (8 + 4 * 2))


def test_memories_by_rule_are_those_of_every_mapped_slice() -> None:
    for part, row in routed():
        found = lane_memories(part.build)
        assert (found.distributed_rams, found.block_rams) == (row["distributed_rams"], row["block_rams"])


def test_carries_and_lut_rams_count_as_the_chip_has_them() -> None:
    # nextpnr of the slice of 16 lanes S=1 W=1: "Total LUT4s: 69184/83640", logic 42,334, carry 8,418, RAM 18,432
    row = {"luts": 42_334, "carries": 4_209, "distributed_rams": 3_072}
    assert luts_of(row) == 69_184


def test_a_routed_slice_is_measured_and_other_lanes_are_scaled() -> None:
    trend, _ = trend_of([luts_of(row) for _, row in routed()], [row["fmax_mhz"] for _, row in routed()])
    for part, row in routed():
        found = ecp5_cost(part.build)
        assert (found.kind, found.fmax_mhz, found.luts) == ("measured", row["fmax_mhz"], luts_of(row))
        assert (found.luts_error, found.fmax_error) == (0, 0)
        assert found.fullest[1] <= 1
        # the same lanes with a capacity that no slice has
        build = replace(part.build, hidden_capacity=512)
        other = ecp5_cost(build)
        assert other.kind == "scaled"
        logic, other_logic = (
            luts - LUTS_OF_CELL["distributed_rams"] * lane_memories(lanes).distributed_rams
            for luts, lanes in ((found.luts, part.build), (other.luts, build))
        )
        assert other_logic == pytest.approx(logic, rel=other.luts_error)
        assert other.fmax_mhz == pytest.approx(trend(other.luts))
        assert trend(found.luts) == pytest.approx(row["fmax_mhz"], rel=other.fmax_error)
        assert other.multipliers == pytest.approx(row["multipliers"], rel=0.01)


def test_what_does_not_fit_says_of_what() -> None:
    few, many = (ecp5_cost(small_build(slots=4, elements=4, lanes=lanes, hidden_capacity=512)) for lanes in (2, 64))
    assert few.fullest[1] < 1 < many.fullest[1]
    assert many.luts == pytest.approx(32 * few.luts)
    assert many.fmax_mhz < few.fmax_mhz
    name, share = ecp5_cost(small_build(slots=1, elements=1, lanes=8, hidden_capacity=4096)).fullest
    assert (name, share > 1) == ("18 kbit RAM", True)
    assert set(CHIP) == {"LUT4", "18 kbit RAM", "18x18"}


def test_a_trend_says_how_far_it_is_off() -> None:
    sizes = [1e4, 2e4, 4e4, 8e4]
    exact, error = trend_of(sizes, [60 * (size / 1e4) ** -0.1 for size in sizes])
    assert exact(16e4) == pytest.approx(60 * 16**-0.1)
    assert error == pytest.approx(0, abs=1e-9)
    # the last one is far below what the others say of it
    _, error = trend_of(sizes, [60, 59, 58, 30])
    assert error > 0.8
    # never faster for being larger, and two slices check nothing
    rising, error = trend_of([1e4, 2e4], [50, 60])
    assert rising(1e4) == rising(1e6)
    assert error == UNCHECKED
