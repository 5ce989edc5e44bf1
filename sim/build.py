"""Content-addressed simulator builds: the same design is never compiled twice."""

import functools
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cocotb_tools.config
from cocotb_tools.runner import get_runner

from ..model.cache import cache_folder
from ..model.errors import OptionError
from .once import unfinished
from .plan import Plan
from .results import SimulationError, check_results, tail
from .verilator import REPAIRS
from .verilog import Design
from .waves import missing_packages

CACHE = cache_folder("sim")
COMPILE_ARGS = (
    "-fno-dfg",  # it names what it shares by the copy of a module, which keeps the copies' code apart (sim/verilog.py)
    "-Wno-lint",  # Amaranth's Verilog is full of width lint
    "-Wno-ALWNEVER",  # a field that nothing assigns comes as an always block without inputs
    "-Wno-SYMRSVDWORD",  # a port may be called `interrupt`, which is a word of some C++ header
    "--output-split",
    "0",  # pieces want the precompiled header that the wheel's makefile cannot build
)
BUILD_ARGS = (
    "--no-public-flat-rw",  # cocotb's runner asks for every signal: half the speed, 2.7 times the build
    *COMPILE_ARGS,
)
FST, VCD = ("--trace-fst",), ("--trace-vcd",)
"""Formats of waves. FST is small and wants headers of Debian; VCD is large text and wants none."""
WAVES_MAKEFLAGS = "-- OPT_FAST=-O0 OPT_GLOBAL=-O0"
"""Code that only writes waves is most of such a build: optimized, it takes a quarter of an hour to compile."""
HIDDEN = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "WAVES", "GUI", "PYTEST_CURRENT_TEST")
RUNTIME = Design("runtime", ("clk",), ("module runtime(input clk);\nendmodule\n",))
"""The least design, built for the objects of Verilator's runtime: nine tenths of a small build, the same for all."""
ENGINE_BENCH = "normq.sim.bench.engine_bench"


@dataclass(frozen=True)
class Simulator:
    """A compiled design."""

    folder: Path
    top: str
    waves: bool = False

    def run(
        self,
        test_module: str,
        results: Path,
        environment: Mapping[str, str] | None = None,
        plusargs: Sequence[str] = (),
        testcase: str | None = None,
        seed: int = 1,
    ) -> Path:
        """Run the cocotb tests of `test_module` (or only `testcase`) and return the log's path.

        Works alike under pytest and outside. In `results` are left results.xml, simulation.log and, from a build with
        waves, dump.fst or dump.vcd. Raises SimulationError when a test fails, when none ran, or when the simulator ends
        abnormally.
        """
        results.mkdir(parents=True, exist_ok=True)
        log, xml = results / "simulation.log", results / "results.xml"
        with tool_environment():
            try:
                get_runner("verilator").test(
                    test_module=test_module,
                    testcase=testcase,
                    hdl_toplevel=self.top,
                    hdl_toplevel_lang="verilog",
                    build_dir=self.folder,
                    test_dir=results,
                    results_xml=str(xml.resolve()),
                    extra_env={"PYTHONWARNINGS": "error", **(environment or {})},  # pytest's end at the process
                    plusargs=list(plusargs),
                    waves=self.waves,
                    seed=seed,
                    log_file=log.resolve(),
                )
            except SystemExit as exit_:
                raise SimulationError(f"{test_module}: the simulator ended with {exit_.code}\n{tail(log)}") from exit_
        check_results(xml, log, test_module)
        return log

    def run_plan(self, plan: Plan, folder: Path, plusargs: Sequence[str], testcase: str = "run_plan") -> str:
        """Run `plan` on the engine (`EngineBench`); `testcase` is one of the tests of ENGINE_BENCH."""
        told, answer = folder / "plan.json", folder / "outcome.json"
        told.write_text(plan.json)
        environment = {"NORMQ_PLAN": str(told.resolve()), "NORMQ_OUTCOME": str(answer.resolve())}
        self.run(ENGINE_BENCH, folder, environment, plusargs, testcase)
        return answer.read_text()


def build(design: Design, *, waves: bool = False, flags: Sequence[str] = (), trace: Sequence[str] = FST) -> Simulator:
    """Return the simulator of `design`, compiling it only if its content was never compiled here.

    `waves` makes runs write dump.fst (dump.vcd where `trace` is VCD), at a cost in speed; `flags` are further arguments
    of Verilator, `trace` those of a build with waves.
    Raises SimulationError with the end of the build's log when it fails, and OptionError when waves want a Debian
    package that is not there.
    """
    if waves and FST[0] in trace and (missing := missing_packages()):
        raise OptionError(f"waves: writing FST needs Debian packages first: apt-get install {' '.join(missing)}")
    arguments = (*BUILD_ARGS, *(trace if waves else ()))
    content = [*arguments, *((WAVES_MAKEFLAGS,) if waves else ()), *tools()]
    runtime = CACHE / f"runtime-{digest(content)}"
    with unfinished(runtime) as folder:
        if folder:
            _compile(RUNTIME, folder, arguments, waves)
    simulator = CACHE / f"{design.top}-{digest([*design.content, *flags, *content])}"
    with unfinished(simulator) as folder:
        if folder:
            # Not verilator.o, which holds the design's class. make leaves the copies alone: they are newer than their
            # sources, and sim/verilator.py dropped the rule that would make them depend on the design.
            for part in runtime.glob("verilated*.o"):
                shutil.copy(part, folder)
            _compile(design, folder, (*arguments, *flags), waves)
    return Simulator(simulator, design.top, waves)


def _compile(design: Design, folder: Path, arguments: Sequence[str], waves: bool) -> None:
    ports, generated = design.write(folder)
    log = folder / "build.log"
    with tool_environment(MAKEFLAGS=WAVES_MAKEFLAGS) if waves else tool_environment():
        try:
            get_runner("verilator").build(
                sources=[ports, *generated, *design.sources],
                hdl_toplevel=design.top,
                build_args=list(arguments),
                build_dir=folder,
                always=True,
                timescale=("1ns", "1ps"),
                waves=waves,
                log_file=log,
            )
        except RuntimeError as error:
            raise SimulationError(f"{design.top}: the simulator's build failed\n{tail(log)}") from error


@functools.cache
def tools() -> tuple[str, ...]:
    """Whatever, besides the design and the arguments, decides what the compiled objects are."""
    return (
        *(f"{name} {value}" for name, value in REPAIRS.items()),
        *(f"{name} {importlib.metadata.version(name)}" for name in ("verilator", "cocotb")),
        subprocess.run(["g++", "--version"], check=True, capture_output=True, text=True).stdout,
        str(cocotb_tools.config.libs_dir),  # linked into the binary by absolute path
    )


def digest(parts: Sequence[str]) -> str:
    """Return what a build of this content is called."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


@contextmanager
def tool_environment(**given: str) -> Generator[None]:
    """Put this interpreter's commands first on PATH, hide what would steer the runner from outside, add `given`."""
    before = dict(os.environ)
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), before.get("PATH", os.defpath)])
    for name in HIDDEN:
        os.environ.pop(name, None)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
