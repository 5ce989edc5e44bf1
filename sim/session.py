"""One run of the simulated engine: image in, jobs run, results and counters out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..model.config import AcceleratorConfig
from ..rtl.counters import COUNTERS
from ..rtl.operation import Status
from .bench.top import bench_top
from .build import FST, Simulator, build
from .descriptors import Chain, Job
from .engine import engine_design
from .memory.dram import COUNTERS as DRAM_COUNTERS
from .memory.dram import NO_DRAM, Dram
from .memory.map import MemoryMap
from .native.build import NativeSimulator, build_native
from .plan import EngineBench, Plan
from .results import SimulationError
from .verilog import Design


@dataclass(frozen=True)
class MemoryBehavior:
    """How the simulated memory answers (sim/memory/memory.sv): cycles, and stalls in 256ths of the cycles."""

    latency: int = 40
    write_latency: int = 20
    gap: int = 0
    ar_stall: int = 0
    r_stall: int = 0
    aw_stall: int = 0
    w_stall: int = 0
    b_stall: int = 0
    stall_seed: int = 1
    dram: Dram | None = None
    """With one, `latency` and `write_latency` come on top of the DRAM's own times: controller and wires."""

    def ports(self) -> dict[str, int]:
        """Return the values of the memory's inputs."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "dram"}
        return {**plain, **(NO_DRAM if self.dram is None else self.dram.ports())}


Work = TypeVar("Work", Job, Chain, Job | Chain)
"""What a run consists of: jobs, each by itself, or chains of them."""


@dataclass(frozen=True)
class JobOutcome(Generic[Work]):
    """How a job ended, or a chain of them: then the counters run over all of it."""

    job: Work
    status: Status
    """Of the first descriptor that failed, else DONE."""
    completed_at: tuple[int, ...]
    """Cycles from the first doorbell until the host knew of each completion."""
    counters: dict[str, int]
    beats_read: int
    """Beats that the memory gave during the job, as the memory counted them."""
    beats_written: int
    """Beats that it took."""
    dram: dict[str, int]
    """What the DRAM counted during the job, by sim.memory.dram.COUNTERS; zeros without one."""


@dataclass(frozen=True)
class Outcome(Generic[Work]):
    """What a run left behind."""

    jobs: tuple[JobOutcome[Work], ...]
    dump: bytes = field(repr=False)
    seconds: float
    """Wall-clock time from the first descriptor to the end of the last, without the simulator's start."""

    @property
    def cycles(self) -> int:
        """Cycles in which a descriptor was at work, over all jobs."""
        return sum(outcome.counters["engine.cycles"] for outcome in self.jobs)


def build_engine(
    config: AcceleratorConfig, memory_bytes: int, *, waves: bool = False, trace: Sequence[str] = FST
) -> Simulator:
    """Return the compiled bench of `config` with at least `memory_bytes` of memory (rounded up to a power of two).

    Runs of one with `waves` leave dump.fst, or dump.vcd where `trace` is VCD (sim.build).
    """
    return build(_bench_design(config, memory_bytes), waves=waves, trace=trace)


def build_native_engine(config: AcceleratorConfig, memory_bytes: int) -> NativeSimulator:
    """Return the same bench without Python in the simulator, compiled for speed: for runs of millions of cycles."""
    return build_native(_bench_design(config, memory_bytes))


def _bench_design(config: AcceleratorConfig, memory_bytes: int) -> Design:
    depth = 1 << max(12, (-(-memory_bytes // config.port_bytes) - 1).bit_length())
    return bench_top(engine_design(config), config.port_bits, depth)


def run_jobs(
    bench: EngineBench,
    config: AcceleratorConfig,
    memory: MemoryMap,
    jobs: Sequence[Work],
    folder: Path,
    behavior: MemoryBehavior | None = None,
    limit_cycles: int = 50_000_000,
    trace: Path | None = None,
) -> Outcome[Work]:
    """Run `jobs` in order in one simulation and return what they left; each starts on an engine at rest.

    The file `trace` receives a record of each burst on the memory port (sim.memory.trace reads it).
    Raises SimulationError when the bench fails or the engine breaks the port's protocol, CorruptedMemoryError when
    anything was written outside the regions of `memory`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    image, dump = folder / "image.bin", folder / "dump.bin"
    memory.write(image, config.port_bytes)
    plan = Plan([job.descriptors for job in jobs], (behavior or MemoryBehavior()).ports(), limit_cycles)
    files = {"image": image, "dump": dump, **({} if trace is None else {"trace": trace})}
    answer = bench.run_plan(plan, folder, [f"+{name}={path.resolve()}" for name, path in files.items()])
    outcome = json.loads(answer)
    if outcome["violations"]:
        raise SimulationError(f"the engine broke the memory port's protocol {outcome['violations']} times")
    content = dump.read_bytes()
    memory.check(content)
    done = tuple(_job_outcome(job, report) for job, report in zip(jobs, outcome["chains"], strict=True))
    return Outcome(done, content, outcome["seconds"])


def _job_outcome(job: Work, report: dict[str, Any]) -> JobOutcome[Work]:
    return JobOutcome(
        job,
        Status(report["status"]),
        tuple(report["completed_at"]),
        dict(zip((counter.name for counter in COUNTERS), report["counters"], strict=True)),
        report["beats_read"],
        report["beats_written"],
        dict(zip(DRAM_COUNTERS, report["dram"], strict=True)),
    )
