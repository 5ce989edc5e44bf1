"""What a part of a build takes of an UltraScale+ chip: Yosys' counts after mapping. There is no open place and route.

Parts are those of a build at its real hidden capacity: its memories become block RAM, UltraRAM or LUT RAM here.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .designs import Part, sources_digest
from .kept import kept
from .tools import YOSYS, ToolError, yosys

SYNTHESIS = """\
read_verilog own.v
{lanes}synth_xilinx -family xcup -noiopad -noclkbuf -top {top} -run :map_luts
splitnets
synth_xilinx -family xcup -noiopad -noclkbuf -top {top} -run map_luts:
tee -o stat.json stat -json
"""
"""Nets are split before ABC: it rejects a net called `a[0]` beside a bus `a` (Yosys issue 4349)."""
COUNTED: dict[str, dict[str, float]] = {
    "luts": {**{f"LUT{inputs}": 1.0 for inputs in range(1, 7)}, "LUT6_2": 1},
    "lut_rams": {"RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "RAM64X8SW": 8, "SRL16E": 1, "SRLC32E": 1},
    "flip_flops": {"FDRE": 1, "FDSE": 1, "FDCE": 1, "FDPE": 1},
    "carries": {"CARRY8": 1, "CARRY4": 0.5},
    "dsps": {"DSP48E2": 1},
    "block_rams": {"RAMB36E2": 1, "RAMB18E2": 0.5},
    "ultra_rams": {"URAM288": 1},
}
"""By column, cells with how much of one each takes: LUTs of a LUT RAM, blocks of 36 kbit, carries of eight bits."""


@dataclass(frozen=True)
class UltraScaleRow:
    """One part; `error` is "" where everything ran."""

    part: str
    is_lane: bool
    entries_per_cycle: int
    elements_per_cycle: int
    lanes: int
    port_bits: int
    index_bits: int
    least_index_bits: int
    layouts: int
    local_bytes: int
    row_leaks: int
    exponent_bits: int
    significand_bits: int
    hidden_capacity: int
    luts: float
    lut_rams: float
    flip_flops: float
    carries: float
    dsps: float
    block_rams: float
    """Of 36 kbit; one of 18 is half."""
    ultra_rams: float
    tools: str
    sources: str
    """Digest of the sources of the Verilog."""
    error: str = ""


def count(part: Part, seconds: float) -> UltraScaleRow:
    """Return the row of one part, given `seconds`; a failure is a row with its error.

    What an earlier run of the same content found is taken from disk.
    """
    own, ports = part.verilog
    script = SYNTHESIS.format(top=part.top, lanes="read_verilog -lib lane.v\n" if ports else "")
    fields = kept({"verilog": [own, ports], "told": script, "tools": YOSYS}, lambda: _run(own, ports, script, seconds))
    return UltraScaleRow(part.name, part.is_lane, **part.sizes, tools=YOSYS, sources=sources_digest(), **fields)


def _run(own: str, ports: str, script: str, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "own.v").write_text(own)
        (place / "lane.v").write_text(ports)
        try:
            yosys(script, place, seconds)
            counts = counts_of(json.loads((place / "stat.json").read_text()))
        except (ToolError, ValueError, KeyError, OSError) as error:
            return {**dict.fromkeys(COUNTED, float("nan")), "error": f"{type(error).__name__}: {error}"}
    return {**counts, "error": ""}


def counts_of(statistics: dict[str, Any]) -> dict[str, float]:
    """Return the counts of what `stat -json` says of a mapped part."""
    cells: dict[str, int] = statistics["design"]["num_cells_by_type"]
    return {
        column: float(sum(cells.get(cell, 0) * each for cell, each in kinds.items()))
        for column, kinds in COUNTED.items()
    }
