"""One module mapped to standard cells: area, flip-flops, delay and power, memories taken out and counted apart."""

import json
import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .designs import Part, sources_digest
from .kept import kept
from .libraries import LIBRARIES, WHEEL, Library, liberty_files
from .timing_analysis import analyze, sta_text
from .tools import YOSYS, ToolError, has_sta, yosys

FLIP_FLOP = re.compile(r"DFF|__df|SDFF")
ABC_SCRIPT = """\
strash
ifraig
&get -n
&nf {D}
&put
buffer -c
topo
upsize {D}
dnsize {D}
stime -p
"""
"""Without dc2 and dretime of Yosys' own script: they turn prefix adders into chains (3.1 ns became 1.7 for a lane)."""
ELABORATE = """\
hierarchy -check -top {top}
proc -norom
flatten
opt_expr
opt_clean
opt
wreduce
peepopt
opt_clean
alumacc
share
opt
memory -nomap
opt_clean
expose -evert t:$mem_v2 t:normq_lane
delete -port {top}/w:*.WR_EN {top}/w:*_CLK {top}/w:*.RD_ARST {top}/w:*.RD_SRST
opt -full
techmap
opt -fast
opt_clean -purge
design -save gates
"""
"""Memories and lanes leave: their ports become the module's. What drives write enables and clocks of a memory is
dropped: Amaranth gives an enable for every bit, a macro has a few."""
MAP = """\
design -load gates
dfflibmap {liberties}
opt -fast
abc {liberties} -D {period} -constr {name}.constr -script {name}.abc
setundef -zero
hilomap -hicell {high} -locell {low} -singleton
splitnets -ports
opt_clean -purge
tee -o {name}.json stat {liberties} -json
write_verilog -noattr -noexpr -nohex -nodec -simple-lhs {name}.v
"""


@dataclass(frozen=True)
class AsicRow:
    """One module in one library; `error` is "" where everything ran."""

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
    node: str
    area_um2: float
    gate_equivalents: float
    flip_flops: int
    period_ns: float
    period_kind: str
    """"static timing" by OpenSTA; "ABC" where there is none."""
    clock_pj: float
    """Inside flip-flops in a cycle, their outputs aside: clock pins above all."""
    logic_pj: float
    """Everything else that switches in a cycle, at a tenth of a toggle for each net."""
    leakage_mw: float
    tools: str
    sources: str
    """Digest of the sources of the Verilog."""
    error: str = ""


def synthesize(part: Part, node: str, seconds: float) -> AsicRow:
    """Return the row of one module, each tool given `seconds`; a failure is a row with its error.

    What an earlier run of the same content found is taken from disk.
    """
    library = LIBRARIES[node]
    own, ports = part.verilog
    script = script_text(part.top, bool(ports), library)
    told = [script, ABC_SCRIPT, constraints_text(library), sta_text(part.top, library)]
    parts = {"verilog": [own, ports], "told": told, "tools": tools_used(), "node": node}
    fields = kept(parts, lambda: _run(part.top, own, ports, script, library, seconds))
    return row_of(part, node, fields)


def tools_used() -> str:
    """Return the tools whose versions decide a row."""
    return ", ".join((YOSYS, WHEEL, "opensta" if has_sta() else "no opensta"))


def script_text(top: str, has_lanes: bool, library: Library) -> str:
    """Return what Yosys is told."""
    read = "read_verilog own.v\n" + ("read_verilog -lib lane.v\n" if has_lanes else "")
    liberties = " ".join(f"-liberty {number}.lib" for number in range(len(library.files)))
    mapped = MAP.format(
        liberties=liberties, period=library.period_ps, name=library.name, high=library.high, low=library.low
    )
    return read + ELABORATE.format(top=top) + mapped


def constraints_text(library: Library) -> str:
    """Return what ABC is told of the ports."""
    return f"set_driving_cell {library.driver}\nset_load {library.load_ff}\n"


def row_of(part: Part, node: str, fields: dict[str, Any]) -> AsicRow:
    """Return the row of what a run found."""
    return AsicRow(
        part.name, part.is_lane, **part.sizes, node=node, tools=tools_used(), sources=sources_digest(), **fields
    )


FAILED: dict[str, Any] = {
    **dict.fromkeys(("area_um2", "gate_equivalents", "period_ns", "clock_pj", "logic_pj", "leakage_mw"), float("nan")),
    "flip_flops": 0,
    "period_kind": "",
}


def _run(top: str, own: str, ports: str, script: str, library: Library, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "own.v").write_text(own)
        (place / "lane.v").write_text(ports)
        for number, file in enumerate(liberty_files(library)):
            (place / f"{number}.lib").write_bytes(file.read_bytes())
        (place / f"{library.name}.abc").write_text(ABC_SCRIPT)
        (place / f"{library.name}.constr").write_text(constraints_text(library))
        try:
            told = yosys(script, place, seconds)
            found = area_of(json.loads((place / f"{library.name}.json").read_text()), library)
            timing = analyze(place, top, library, told)
        except (ToolError, ValueError, KeyError) as error:
            return {**FAILED, "error": str(error)}
    return {**found, **asdict(timing), "error": ""}


def area_of(statistics: dict[str, Any], library: Library) -> dict[str, Any]:
    """Return area, gate equivalents and flip-flops of what `stat -json` says of a netlist."""
    design = statistics["design"]
    cells: dict[str, int] = design["num_cells_by_type"]
    return {
        "area_um2": float(design["area"]),
        "gate_equivalents": float(design["area"]) / library.nand2_um2,
        "flip_flops": sum(count for cell, count in cells.items() if FLIP_FLOP.search(cell)),
    }
