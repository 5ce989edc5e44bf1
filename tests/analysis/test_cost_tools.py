"""Runs of synthesis tools: what they print, how they fail, the rows that come of it. Only `full` runs a real one."""

import dataclasses
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from normq.analysis.cost import asic, ecp5, kept, synthesis, ultrascale
from normq.analysis.cost.asic import AsicRow, area_of
from normq.analysis.cost.designs import Part, small_build
from normq.analysis.cost.jobs import Job, all_jobs
from normq.analysis.cost.libraries import LIBRARIES, Library
from normq.analysis.cost.slices import ports_of, slice_text
from normq.analysis.cost.timing_analysis import Timing, abc_delay_ns, sta_text, timing_of
from normq.analysis.cost.tools import ToolError, call

LANE = Part(small_build(slots=1, elements=1, port_bits=128), True)
STAT = {
    "design": {
        "area": 79.8,
        "num_cells_by_type": {"DFF_X1": 3, "sky130_fd_sc_hd__dfxtp_1": 2, "NAND2_X1": 5, "LUT4": 7, "CCU2C": 2},
    }
}
OPENSTA = """\
             1.4607   data required time
            -0.0973   data arrival time
-------------------------------------------------------------
             1.3634   slack (MET)

Group                    Internal    Switching      Leakage        Total
                            Power        Power        Power        Power
------------------------------------------------------------------------
Sequential           1.214526e-05 8.948003e-08 1.582246e-07 1.239296e-05  97.9%
Combinational        1.838845e-07 5.848457e-08 1.739336e-08 2.597624e-07   2.1%
Macro                0.000000e+00 0.000000e+00 0.000000e+00 0.000000e+00   0.0%
"""
"""Of two flip-flops and a gate in nangate45 at 1.5 ns."""
VERILOG = """\
module normq_lane(load, clk, sums, y_read);
  input clk;
  wire clk;
  input [2:0] load;
  output [1:0] sums;
  input y_read ;
endmodule
"""


def test_what_opensta_prints_is_period_and_energy_of_a_cycle() -> None:
    timing = timing_of(OPENSTA, 1.5, 1.0)
    assert timing.period_ns == pytest.approx(1.5 - 1.3634)
    # 12.14526 uW in 1.5 ns are 0.01822 pJ; the rest that switches is 0.0895 + 0.1839 + 0.0585 uW
    assert timing.clock_pj == pytest.approx(0.01821789)
    assert timing.logic_pj == pytest.approx(1.5e-3 * (0.08948003 + 0.1838845 + 0.05848457))
    assert timing.leakage_mw == pytest.approx(1e-3 * (0.1582246 + 0.01739336))
    # a library that counts in picoseconds
    assert timing_of(OPENSTA.replace("1.3634 ", "1363.4 "), 1.5, 1000.0).period_ns == pytest.approx(0.1366)


@pytest.mark.parametrize("lost", ["slack", "Sequential", "Combinational"])
def test_a_report_without_slack_or_power_is_an_error(lost: str) -> None:
    with pytest.raises(ValueError, match="OpenSTA reported no slack or no power"):
        timing_of(OPENSTA.replace(lost, "nothing"), 1.5, 1.0)


def test_without_opensta_the_last_delay_of_abc_counts() -> None:
    assert abc_delay_ns("ABC: Delay = 2100.5 ps\nABC: Delay =  1764.25 ps  Area =") == pytest.approx(1.76425)
    with pytest.raises(ValueError, match="ABC printed no delay"):
        abc_delay_ns("ABC: + stime -p")


def test_counts_of_a_mapped_netlist() -> None:
    found = area_of(STAT, LIBRARIES["nangate45"])
    # 79.8 um2 are a hundred NANDs of 0.798
    assert found == {"area_um2": 79.8, "gate_equivalents": pytest.approx(100.0), "flip_flops": 5}
    assert ecp5.counts_of(STAT)["luts"] == 7
    assert ecp5.counts_of(STAT)["carries"] == 2
    cells = {"LUT2": 3, "LUT6": 4, "RAM64M8": 2, "RAMB18E2": 3, "RAMB36E2": 1, "DSP48E2": 5, "CARRY8": 2, "FDRE": 9}
    counted = ultrascale.counts_of({"design": {"num_cells_by_type": cells}})
    assert counted == {
        "luts": 7,
        "lut_rams": 16,
        "flip_flops": 9,
        "carries": 2,
        "dsps": 5,
        "block_rams": 2.5,
        "ultra_rams": 0,
    }


def test_routed_clock_is_that_of_the_slice() -> None:
    assert ecp5.fmax_mhz({"fmax": {"$glbnet$clk$TRELLIS_IO_IN": {"achieved": 91.5, "constraint": 200}}}) == 91.5
    with pytest.raises(ValueError, match="nextpnr reported 0 clocks, expected 1"):
        ecp5.fmax_mhz({"fmax": {}})


def test_a_slice_shares_inputs_and_shifts_every_output_out() -> None:
    assert [(port.name, port.bits, port.is_input) for port in ports_of(VERILOG, "normq_lane")] == [
        ("load", 3, True),
        ("clk", 1, True),
        ("sums", 2, False),
        ("y_read", 1, True),
    ]
    text = slice_text(VERILOG, "normq_lane", 2)
    assert "reg [3:0] given;" in text
    assert "wire [3:0] results;" in text
    assert "normq_lane lane1(.clk(clk), .load(given[2:0]), .y_read(given[3:3]), .sums(results[3:2]));" in text
    with pytest.raises(ValueError, match="port 'lost' is not declared"):
        ports_of(VERILOG.replace("(load", "(lost, load"), "normq_lane")


def test_a_tool_that_takes_too_long_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    started = time.monotonic()
    with pytest.raises(ToolError, match=r"^mapper: longer than 0\.5 s$"):
        call([sys.executable, "-c", child], tmp_path, 0.5, "mapper")
    assert time.monotonic() - started < 30  # communicate() would have waited for the grandchild's pipe


def test_a_tool_that_fails_says_why(tmp_path: Path) -> None:
    script = "import sys; print('1. Executing\\nERROR: no such module'); print('end'); sys.exit(3)"
    with pytest.raises(ToolError, match=r"^mapper: exit 3: ERROR: no such module$"):
        call([sys.executable, "-c", script], tmp_path, 60, "mapper")
    with pytest.raises(ToolError, match=r"^mapper: No such file or directory$"):
        call([tmp_path / "absent"], tmp_path, 60, "mapper")


def keeping_in(folder: Path) -> Callable[..., kept.Fields]:
    """`kept`, with the folder of a test."""
    return partial(kept.kept, folder=folder)


def liberties_of_none(library: Library) -> list[Path]:
    return []


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Let Yosys and OpenSTA answer from recordings, or fail with a line; results are kept in a folder of the test."""
    monkeypatch.setattr(Part, "verilog", property(lambda part: ("module lane; endmodule", "")))
    for module in (asic, ecp5, ultrascale):
        monkeypatch.setattr(module, "kept", keeping_in(tmp_path / "runs"))
    monkeypatch.setattr(asic, "liberty_files", liberties_of_none)
    monkeypatch.setattr(asic, "has_sta", lambda: True)

    def answer(failure: str) -> None:
        def run(script: str, place: Path, seconds: float) -> str:
            if failure:
                raise ToolError(failure)
            (place / "nangate45.json").write_text(str(STAT).replace("'", '"'))
            return "mapped"

        monkeypatch.setattr(asic, "yosys", run)

        def analyze(place: Path, top: str, library: Library, mapped: str) -> Timing:
            return timing_of(OPENSTA, 1.5, 1.0)

        monkeypatch.setattr(asic, "analyze", analyze)

    return answer


def test_a_failed_run_is_a_row_with_its_error_and_is_tried_again(fake: Callable[[str], None]) -> None:
    fake("yosys: longer than 5 s")
    failed = asic.synthesize(LANE, "nangate45", 5)
    assert failed.error == "yosys: longer than 5 s"
    assert (failed.part, failed.entries_per_cycle, failed.port_bits) == (LANE.name, 1, 128)
    assert failed.area_um2 != failed.area_um2  # no number
    fake("")
    row = asic.synthesize(LANE, "nangate45", 5)
    assert (row.error, row.flip_flops, row.gate_equivalents) == ("", 5, pytest.approx(100.0))
    fake("yosys: exit 1")
    assert asic.synthesize(LANE, "nangate45", 5) == row  # kept: the tool is not asked
    assert asic.synthesize(Part(small_build(), False), "asap7", 5).error == "yosys: exit 1"


def no_slice(text: str, module: str, count: int) -> str:
    return f"module {module}_{count}; endmodule"


def test_a_slice_that_is_not_routed_keeps_its_counts(
    fake: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake("")

    def mapped(script: str, place: Path, seconds: float) -> str:
        (place / "stat.json").write_text(json.dumps(STAT))
        return "mapped"

    def unrouted(command: Sequence[str | Path], place: Path, seconds: float, name: str) -> str:
        raise ToolError(f"{name}: longer than {seconds:g} s")

    monkeypatch.setattr(ecp5, "yosys", mapped)
    monkeypatch.setattr(ecp5, "call", unrouted)
    monkeypatch.setattr(ecp5, "programs", lambda: tmp_path)
    monkeypatch.setattr(ecp5, "slice_text", no_slice)
    row = ecp5.route(LANE, 5)
    assert (row.luts, row.carries, row.error) == (7, 2, "ToolError: nextpnr-ecp5: longer than 5 s")
    assert math.isnan(row.fmax_mhz)

    def routed(command: Sequence[str | Path], place: Path, seconds: float, name: str) -> str:
        (place / "report.json").write_text(json.dumps({"fmax": {"clk": {"achieved": 61.5}}}))
        return ""

    monkeypatch.setattr(ecp5, "call", routed)  # tried again: the failure was not kept
    assert (ecp5.route(LANE, 5).fmax_mhz, ecp5.route(LANE, 5).error) == (61.5, "")


def test_what_a_tool_is_told_decides_whether_a_run_is_known(
    fake: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake("")
    row = asic.synthesize(LANE, "nangate45", 5)
    fake("yosys: exit 1")
    monkeypatch.setitem(LIBRARIES, "nangate45", dataclasses.replace(LIBRARIES["nangate45"], memory_ns=0.5))
    assert row.error == ""
    assert asic.synthesize(LANE, "nangate45", 5).error == "yosys: exit 1"
    assert "0.5" in sta_text(LANE.top, LIBRARIES["nangate45"])


def test_jobs_run_beside_each_other_and_come_back_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(synthesis, "programs", lambda: tmp_path)
    fields: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(AsicRow)}

    def job(name: str, seconds: float, error: str = "") -> Job:
        def run(limit: float) -> AsicRow:
            time.sleep(seconds)
            told: dict[str, Any] = {**fields, "part": name, "tools": f"limit {limit}", "error": error}
            return AsicRow(**told)

        return Job(name, run)

    monkeypatch.setattr(synthesis, "all_jobs", lambda: {"asic-x": [job("slow", 0.2), job("bad", 0, "broken")]})
    heard: list[tuple[str, str]] = []

    def report(name: str, error: str) -> None:
        heard.append((name, error))

    path = synthesis.compute("asic-x", 2, 7.0, tmp_path / "results", report)
    assert heard == [("bad", "broken"), ("slow", "")]
    table = pd.read_parquet(path)
    assert list(table["part"]) == ["slow", "bad"]
    assert list(table["error"]) == ["", "broken"]
    assert set(table["tools"]) == {"limit 7.0"}


def test_every_job_of_a_table_has_a_name_of_its_own() -> None:
    for jobs in all_jobs().values():
        assert len({job.name for job in jobs}) == len(jobs)


@pytest.mark.full
def test_tools_map_place_and_route_a_lane(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The real ones, installed into the cache at the first call; minutes."""
    for module in (asic, ecp5):
        monkeypatch.setattr(module, "kept", keeping_in(tmp_path))
    mapped = asic.synthesize(LANE, "nangate45", 1800)
    assert mapped.error == ""
    assert 10_000 < mapped.gate_equivalents < 100_000
    routed = ecp5.route(Part(small_build(slots=1, elements=1, lanes=1, port_bits=128), True), 1800)
    assert routed.error == ""
    assert 20 < routed.fmax_mhz < 250
