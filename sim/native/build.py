"""Builds of the native bench: the design of the cocotb bench with a C++ main, compiled for speed."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..bench.top import SETTINGS
from ..build import CACHE, COMPILE_ARGS, RUNTIME, digest, tool_environment, tools
from ..once import unfinished
from ..plan import Plan
from ..results import SimulationError, tail
from ..verilog import Design
from .header import header_text

FOLDER = Path(__file__).resolve().parent
MAIN, HOST = FOLDER / "main.cpp", FOLDER / "host.h"
HEADER = "bench.h"
OPTIMIZATION = "-O2"
"""Of the code that runs in every cycle, over the -O1 of sim/verilator.py; docs/TIMING.md has the figures."""
RUNTIME_MAIN = '#include "Vtop.h"\nint main() { Vtop top; top.eval(); }\n'

Report = Callable[[int, float], None]
"""Told cycles so far and seconds, once a second."""


@dataclass(frozen=True)
class NativeSimulator:
    """A compiled native bench of the engine (`EngineBench`)."""

    folder: Path
    top: str
    report: Report | None = None

    def run_plan(self, plan: Plan, folder: Path, plusargs: Sequence[str]) -> str:
        """Run `plan` in `folder` and return the outcome as JSON; an interrupt of this process ends the run.

        Raises SimulationError with the end of native.log when the bench fails.
        """
        told, answer, log = folder / "plan.txt", folder / "outcome.json", folder / "native.log"
        told.write_text(plan.words)
        answer.unlink(missing_ok=True)
        command = [self.folder / self.top, told.resolve(), answer.resolve(), *plusargs]
        with (
            log.open("w") as errors,
            subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            try:
                for line in process.stdout or ():
                    words = line.split()
                    if words[:1] != ["progress"]:
                        errors.write(line)  # what the design says
                    elif self.report:
                        self.report(int(words[1]), float(words[2]))
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0 or not answer.exists():
            raise SimulationError(f"the native bench ended with {process.returncode}\n{tail(log)}")
        return answer.read_text()


def build_native(design: Design) -> NativeSimulator:
    """Return the native bench of `design`, a `bench_top`, compiling it only if its content was never compiled here.

    Raises SimulationError with the end of the build's log when it fails.
    """
    content = [*COMPILE_ARGS, OPTIMIZATION, *tools()]
    runtime = CACHE / f"native-runtime-{digest(content)}"
    with unfinished(runtime) as folder:
        if folder:
            main = folder / "main.cpp"
            main.write_text(RUNTIME_MAIN)
            _compile(RUNTIME, folder, main)
    header = header_text(SETTINGS)
    own = [MAIN.read_text(), HOST.read_text(), header]
    kept = CACHE / f"native-{digest([*design.content, *own, *content])}"
    with unfinished(kept) as folder:
        if folder:
            (folder / HEADER).write_text(header)
            for part in runtime.glob("verilated*.o"):  # as sim/build.py does
                shutil.copy(part, folder)
            _compile(design, folder, MAIN)
    return NativeSimulator(kept, design.top)


def _compile(design: Design, folder: Path, main: Path) -> None:
    ports, texts = design.write(folder)
    verilate: list[str | Path] = [
        *("verilator", "--cc", "--exe", "--Mdir", folder, "--top-module", design.top),
        *("--prefix", "Vtop", "-o", design.top, "--timescale", "1ns/1ps", "-CFLAGS", f"-I{FOLDER}"),
        *(*COMPILE_ARGS, main, ports, *texts, *design.sources),
    ]
    make: list[str | Path] = ["make", "-C", folder, "-f", "Vtop.mk", f"OPT_FAST={OPTIMIZATION}"]
    log = folder / "build.log"
    with log.open("w") as output, tool_environment():
        for command in (verilate, make):
            if subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode:
                raise SimulationError(f"{design.top}: the native bench's build failed\n{tail(log)}")
