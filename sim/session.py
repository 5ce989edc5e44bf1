"""One run of the simulated engine: image in, jobs run, results and counters out."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..model.config import AcceleratorConfig
from ..rtl.operation import Status
from .bench.top import bench_top
from .build import Simulator, build
from .descriptors import Job
from .engine import engine_design
from .memory.map import MemoryMap
from .results import SimulationError

BENCH_MODULE = "normq.sim.bench.engine_bench"


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


@dataclass(frozen=True)
class JobOutcome:
    """How one descriptor ended."""

    job: Job
    status: Status
    counters: dict[str, int]
    beats_read: int
    """Beats that the memory gave during the job, as the memory counted them."""
    beats_written: int
    """Beats that it took."""


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    jobs: tuple[JobOutcome, ...]
    dump: bytes = field(repr=False)
    seconds: float
    """Wall-clock time from the first descriptor to the end of the last, without the simulator's start."""

    @property
    def cycles(self) -> int:
        """Cycles in which a descriptor was at work, over all jobs."""
        return sum(outcome.counters["engine.cycles"] for outcome in self.jobs)


def build_engine(config: AcceleratorConfig, memory_bytes: int, *, waves: bool = False) -> Simulator:
    """Return the compiled bench of `config` with at least `memory_bytes` of memory (rounded up to a power of two)."""
    depth = 1 << max(12, (-(-memory_bytes // config.port_bytes) - 1).bit_length())
    return build(bench_top(engine_design(config), config.port_bits, depth), waves=waves)


def run_jobs(
    simulator: Simulator,
    config: AcceleratorConfig,
    memory: MemoryMap,
    jobs: Sequence[Job],
    folder: Path,
    behavior: MemoryBehavior | None = None,
    limit_cycles: int = 50_000_000,
) -> Outcome:
    """Run `jobs` in order in one simulation and return what they left.

    Raises SimulationError when the bench fails or the engine breaks the port's protocol, CorruptedMemoryError when
    anything was written outside the regions of `memory`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    image, dump, plan, result = (folder / name for name in ("image.bin", "dump.bin", "plan.json", "outcome.json"))
    memory.write(image, config.port_bytes)
    plan.write_text(
        json.dumps(
            {
                "descriptors": [job.descriptor for job in jobs],
                "memory": asdict(behavior or MemoryBehavior()),
                "limit_cycles": limit_cycles,
            }
        )
    )
    simulator.run(
        BENCH_MODULE,
        folder,
        environment={"NORMQ_PLAN": str(plan.resolve()), "NORMQ_OUTCOME": str(result.resolve())},
        plusargs=[f"+image={image.resolve()}", f"+dump={dump.resolve()}"],
    )
    outcome = json.loads(result.read_text())
    if outcome["violations"]:
        raise SimulationError(f"the engine broke the memory port's protocol {outcome['violations']} times")
    content = dump.read_bytes()
    memory.check(content)
    reports = tuple(
        JobOutcome(job, Status(report["status"]), report["counters"], report["beats_read"], report["beats_written"])
        for job, report in zip(jobs, outcome["jobs"], strict=True)
    )
    return Outcome(reports, content, outcome["seconds"])
