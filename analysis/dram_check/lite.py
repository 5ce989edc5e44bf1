"""LiteDRAM's core simulated: accesses in, cycles out."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...model.cache import cache_folder
from ...sim.build import COMPILE_ARGS, digest, tool_environment, tools
from ...sim.memory.dram import DramTimings
from ...sim.once import unfinished
from ...sim.results import SimulationError, tail
from ..own_environment import own_python

REQUIREMENTS = ("litedram==2024.12",)
"""Brings migen and litex of the same release."""
PORTS = 4
ROWS = 256
"""Of a bank: contents are simulated too, so they are few."""
CACHE = cache_folder("dram-check")
FOLDER = Path(__file__).resolve().parent
GENERATOR, HARNESS = FOLDER / "litedram_core.py", FOLDER / "harness.cpp"
TOLD = ("cl", "cwl", "rcd", "rp", "ras", "wr", "ccd_s", "rrd_s", "faw", "wtr_l", "refi", "rfc")
"""Timings that LiteDRAM knows; it has no bank groups, and no tRTP of its own."""
MIGEN_ARGS = ("-Wno-COMBDLY", "-Wno-INITIALDLY")
"""Migen writes <= in combinational and initial processes, too."""
WRITE = np.uint64(1 << 63)


@dataclass(frozen=True)
class LiteDram:
    """A compiled core."""

    folder: Path

    @property
    def timings(self) -> dict[str, int]:
        """LiteDRAM's timings in cycles of its controller."""
        return json.loads((self.folder / "timings.json").read_text())

    def cycles(self, words: npt.NDArray[np.int64], writes: npt.NDArray[np.bool_], ports: int, outstanding: int) -> int:
        """Return cycles from the first access taken to the last datum, access i on port i % ports.

        words: [accesses] numbers of 64-byte words; writes: [accesses]; a port has so many accesses under way at most.
        Raises SimulationError when the core hangs or a read's datum is not what was written there.
        """
        accesses = self.folder / "accesses"
        np.where(writes, words.astype(np.uint64) | WRITE, words.astype(np.uint64)).astype("<u8").tofile(accesses)
        command = [str(self.folder / "core"), str(accesses), str(ports), str(outstanding)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise SimulationError(f"LiteDRAM's core ended with {result.returncode}\n{result.stdout}{result.stderr}")
        cycles, wrong = map(int, result.stdout.split())
        if wrong:
            raise SimulationError(f"LiteDRAM's core: {wrong} of {len(words)} accesses read something else than written")
        return cycles


def build_core(timings: DramTimings) -> LiteDram:
    """Return the core for a DRAM, compiled once: a minute, after LiteDRAM was installed.

    Raises EnvironmentSetupError, and SimulationError with the end of the build's log.
    """
    told = json.dumps(
        {
            **{name: getattr(timings, name) for name in ("clock_mhz", "banks", "groups")},
            "columns": timings.row_bytes // (timings.column_bytes // 8),
            "rows": ROWS,
            "ports": PORTS,
            "timings": {name: getattr(timings, name) for name in TOLD},
        }
    )
    sources = [GENERATOR.read_text(), HARNESS.read_text(), _ports_header()]
    kept = CACHE / f"core-{digest([*sources, told, *REQUIREMENTS, *COMPILE_ARGS, *MIGEN_ARGS, *tools()])}"
    with unfinished(kept) as folder:
        if folder:
            python = own_python(CACHE / "litedram", REQUIREMENTS)
            (folder / "ports.h").write_text(_ports_header())
            _compile(folder, [str(python), str(GENERATOR), told, str(folder)])
    return LiteDram(kept)


def _compile(folder: Path, generate: Sequence[str]) -> None:
    verilate: list[str | Path] = [
        *("verilator", "--cc", "--exe", "--Mdir", folder, "--top-module", "litedram_core", "--prefix", "Vtop"),
        *("-o", "core", "-CFLAGS", f"-I{folder}", *COMPILE_ARGS, *MIGEN_ARGS, HARNESS, folder / "litedram_core.v"),
    ]
    log = folder / "build.log"
    with log.open("w") as output, tool_environment():
        for command in (generate, verilate, ["make", "-C", folder, "-f", "Vtop.mk"]):
            if subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode:
                raise SimulationError(f"LiteDRAM's core: the build failed\n{tail(log)}")


def _ports_header() -> str:
    """Return the C++ header that picks a port by its number."""
    return "\n".join(
        [
            "#pragma once",
            "#include <cstdint>",
            '#include "Vtop.h"',
            f"constexpr unsigned CORE_PORTS = {PORTS};",
            _choice("void set_address(Vtop& top, unsigned port, uint32_t word)", "top.cmd_addr_{port} = word; return"),
            _choice("void set_written(Vtop& top, unsigned port, uint32_t datum)", "top.wdata_{port} = datum; return"),
            _choice("uint32_t read_datum(Vtop& top, unsigned port)", "return top.rdata_{port}"),
            "",
        ]
    )


def _choice(signature: str, statement: str) -> str:
    cases = [f"        case {port}: {statement.format(port=port)};" for port in range(PORTS)]
    return "\n".join([f"inline {signature} {{", "    switch (port) {", *cases, "    }", "    __builtin_trap();", "}"])
