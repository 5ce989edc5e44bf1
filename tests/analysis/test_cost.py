"""Energy and memories of a design point, against arithmetic by hand."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from normq.analysis.cost import events
from normq.analysis.cost.cacti import SramQuery, answer_of, configuration_text
from normq.analysis.cost.kept import kept
from normq.analysis.cost.nodes import NODES
from normq.analysis.cost.point import evaluate_cost
from normq.analysis.cost.sram import macro_cost
from normq.analysis.cost.tables import read_table
from normq.model.config import AcceleratorConfig
from normq.model.errors import OptionError

AT_45 = NODES["nangate45"]
CONFIG = AcceleratorConfig(hidden_capacity=1024)


def test_published_widths_and_nodes_are_met_exactly() -> None:
    assert events.add(8, AT_45).typical == pytest.approx(0.03)
    assert events.multiply(32, 32, AT_45).typical == pytest.approx(3.1)
    assert events.multiply(8, 8, NODES["asap7"]).typical == pytest.approx(0.07)
    band = events.add(32, AT_45)
    assert (band.low, band.high) == pytest.approx((0.05, 0.2))


def test_widths_between_follow_the_power_law() -> None:
    # 16 bits lie halfway between 8 and 32 in logarithms: the geometric mean of 0.2 and 3.1 pJ
    assert events.multiply(16, 16, AT_45).typical == pytest.approx(math.sqrt(0.2 * 3.1))
    # a product of 8 by 32 bits has the area of one of 16 by 16
    assert events.multiply(8, 32, AT_45).typical == pytest.approx(math.sqrt(0.2 * 3.1))
    # six rows of multiplexers, each a third of an adder: twice an adder
    assert events.shift(32, 6, AT_45).typical == pytest.approx(2 * 0.1)


def test_above_45_nm_energy_grows_as_c_v_squared() -> None:
    # 130 nm at 1.8 V: 130/45 of the capacitance, four times the voltage squared
    assert events.add(32, NODES["sky130hd"]).typical == pytest.approx(0.1 * 130 / 45 * 4)


def test_energy_of_dram_is_bits_times_energy() -> None:
    counters = {"read.weights": 1_000_000, "write.scores": 250_000, "local.written": 64}
    row = evaluate_cost(CONFIG, counters, "ddr4-3200", "nangate45", 500.0)
    # 1.25 MB are 10 Mbit at 28 pJ: 280 uJ; the local memory is not on the port
    assert row.energy_dram_uj == pytest.approx(280.0)
    # of a row of 8 KiB every byte once: 1.25e6 / 8192 activations of 2.95 nJ
    assert row.energy_activation_uj == pytest.approx(1.25e6 / 8192 * 2.95e-3)
    counted = evaluate_cost(CONFIG, {**counters, "dram.row_misses": 40, "dram.row_conflicts": 60}, "ddr4-3200", "28nm")
    assert counted.energy_activation_uj == pytest.approx(0.295)


def test_energy_of_time_is_power_times_cycles_over_clock() -> None:
    counters = {"engine.cycles": 500_000}
    idle = evaluate_cost(CONFIG, counters, "lpddr5-6400", "nangate45", 500.0)
    # 500,000 cycles at 500 MHz are 1 ms: four channels of 25 mW are 100 uJ, 1 mW of leakage is 1 uJ
    assert idle.energy_background_uj == pytest.approx(100.0)
    assert idle.energy_leakage_uj == pytest.approx(idle.leakage_mw)
    one = evaluate_cost(CONFIG, counters, "lpddr5-6400", "nangate45", 500.0, channels=1)
    assert one.energy_background_uj == pytest.approx(25.0)
    assert one.energy_dram_uj == one.energy_arithmetic_uj == one.energy_sram_uj == 0
    assert one.energy_low_uj < one.energy_uj < one.energy_high_uj


def test_energy_of_a_term_is_product_shift_and_two_sums() -> None:
    row = evaluate_cost(CONFIG, {"gather.multiply_accumulates": 1_000_000}, "ideal", "nangate45", 500.0)
    exponent_multiply, exponent_add = math.log(3.1 / 0.2, 4), math.log(0.1 / 0.03, 4)
    product = 0.2 * (12 / 8) ** exponent_multiply
    shape_bits = CONFIG.code.fix_bits + 12
    shift = 0.03 * (shape_bits / 8) ** exponent_add * 5 / 3
    sums = 2 * 0.03 * (63 / 8) ** exponent_add
    assert row.energy_arithmetic_uj == pytest.approx(product + shift + sums)
    assert row.energy_uj == pytest.approx(row.energy_arithmetic_uj)


def test_a_memory_of_the_table_costs_what_the_table_says() -> None:
    slow, fast = (_told(profile, 128, 32768) for profile in ("itrs-lstp", "itrs-hp"))
    relaxed = macro_cost(128, 2048, AT_45, slow["cycle_ns"] + 0.01)
    assert relaxed.profile == "itrs-lstp"
    assert relaxed.area_um2.typical == pytest.approx(slow["area_um2"])
    assert relaxed.write_pj.typical == pytest.approx(slow["write_pj"])
    assert (relaxed.leakage_mw.low, relaxed.leakage_mw.high) == pytest.approx((slow["leakage_mw"], fast["leakage_mw"]))
    hurried = macro_cost(128, 2048, AT_45, slow["cycle_ns"] - 0.01)
    assert (hurried.profile, hurried.leakage_mw.typical) == ("itrs-hp", pytest.approx(fast["leakage_mw"]))


def test_memories_between_points_follow_power_laws() -> None:
    # 4 KiB and 32 KiB are a factor of 8 apart, 128 and 512 bits one of 4; the middle of both is 256 bits at 11,585 B
    corners = [_told("itrs-lstp", width, size)["read_pj"] for width in (128, 512) for size in (4096, 32768)]
    width, depth = 256, 362
    along = math.log(width * depth / 8 / 4096) / math.log(8)
    expected = math.prod(value ** (0.5 * share) for value, share in zip(corners, (1 - along, along) * 2, strict=True))
    assert macro_cost(width, depth, AT_45, 10.0).read_pj.typical == pytest.approx(expected)


def _told(profile: str, width: int, size: int) -> dict[str, Any]:
    """What CACTI said at 45 nm."""
    (row,) = (
        row
        for row in read_table("sram").to_dict("records")
        if (row["nanometers"], row["profile"], row["width"], row["size"]) == (45, profile, width, size)
    )
    return {str(name): value for name, value in row.items()}


@pytest.mark.parametrize(
    ("memory", "node", "message"),
    [
        ("ddr5", "28nm", "memory: 'ddr5' given, expected one of ideal, ddr4-3200, lpddr5-6400, hbm2e"),
        ("ideal", "28", "node: '28' given, expected one of sky130hd, nangate45, 28nm, 22nm, asap7"),
    ],
)
def test_unknown_names_are_refused(memory: str, node: str, message: str) -> None:
    with pytest.raises(OptionError) as error:
        evaluate_cost(CONFIG, {}, memory, node)
    assert str(error.value) == message


def test_runs_are_kept_by_content_and_failures_are_not(tmp_path: Path) -> None:
    runs: list[str] = []

    def run(result: dict[str, Any]) -> dict[str, Any]:
        runs.append("run")
        return result

    assert kept({"text": "a"}, lambda: run({"area": 1, "error": "broken"}), tmp_path)["error"] == "broken"
    assert kept({"text": "a"}, lambda: run({"area": 2, "error": ""}), tmp_path)["area"] == 2
    assert kept({"text": "a"}, lambda: run({"area": 3, "error": ""}), tmp_path)["area"] == 2
    assert kept({"text": "b"}, lambda: run({"area": 4, "error": ""}), tmp_path)["area"] == 4
    assert len(runs) == 3


def test_an_answer_of_cacti_is_read_and_a_broken_one_is_a_row_with_its_error() -> None:
    query = SramQuery(45, "itrs-lstp", 512, 65536)
    assert "-size (bytes) 65536\n-block size (bytes) 64\n" in configuration_text(query)
    head = "Tech node (nm), Access time (ns), Random cycle time (ns), Dynamic read energy (nJ), "
    head += "Dynamic write energy (nJ), Standby leakage per bank(mW), Area (mm2), "
    answer = answer_of(query, f"{head}\n45, 1.86, 2.28, 0.105, 0.168, 0.0137, 0.4827, \n")
    assert dataclasses.astuple(answer)[4:] == pytest.approx((482700, 105, 168, 0.0137, 1.86, 2.28, ""))
    assert answer_of(query, "").error == "0 lines in its answer, expected 2"
    assert answer_of(query, f"{head}\n45, x, 2.28, 0.1, 0.1, 0.1, 0.1, \n").error.startswith("no number for")
