"""The engine as a component of a system: `normq_axi` between cocotbext-axi's manager and its memory."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..model.config import AcceleratorConfig
from ..rtl.operation import Status
from ..rtl.system import SYSTEM_MODULE, system_text
from .build import Simulator, build
from .descriptors import Job
from .engine import ENGINE_MODULE, engine_design
from .memory.map import MemoryMap
from .verilog import Design

BENCH_MODULE = "normq.sim.bench.system_bench"


@dataclass(frozen=True)
class SystemBehavior:
    """How the other ends of both ports behave; probabilities."""

    pause: float = 0.0
    """Of a cycle in which a channel pauses, each at times of its own."""
    read_faults: float = 0.0
    """Of a beat that is answered with SLVERR."""
    write_faults: float = 0.0
    """Of a write burst's beat that makes the answer SLVERR."""
    seed: int = 1


@dataclass(frozen=True)
class SystemOutcome:
    """What a run left behind."""

    statuses: tuple[Status, ...]
    faults: tuple[int, ...]
    """Beats of each job that were answered with an error."""
    dump: bytes = field(repr=False)


def system_design(config: AcceleratorConfig) -> Design:
    """Return the engine under the standard names of both buses."""
    return engine_design(config).inside(SYSTEM_MODULE, system_text(ENGINE_MODULE, config.port_bits))


def build_system(config: AcceleratorConfig) -> Simulator:
    """Return the compiled `normq_axi` of `config`; its memory is in the bench."""
    return build(system_design(config))


def run_on_system(
    config: AcceleratorConfig,
    memory: MemoryMap,
    jobs: Sequence[tuple[Job, SystemBehavior]],
    folder: Path,
    limit_cycles: int = 200_000,
) -> SystemOutcome:
    """Run `jobs` in order, each with its behavior of the surroundings; Python runs in every cycle.

    The pauses of a run are those of its first job. Raises SimulationError when a job has not ended after
    `limit_cycles` or anybody broke a protocol, CorruptedMemoryError when anything was written outside the regions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    image, dump, plan, result = (folder / name for name in ("image.bin", "dump.bin", "plan.json", "outcome.json"))
    memory.write(image, config.port_bytes)
    plan.write_text(
        json.dumps(
            {
                "image": str(image.resolve()),
                "dump": str(dump.resolve()),
                "bytes": -(-memory.size // 4096) * 4096,
                "pause": jobs[0][1].pause,
                "seed": jobs[0][1].seed,
                "limit_cycles": limit_cycles,
                "jobs": [
                    {
                        "descriptor": job.descriptor,
                        "read_faults": behavior.read_faults,
                        "write_faults": behavior.write_faults,
                    }
                    for job, behavior in jobs
                ],
            }
        )
    )
    build_system(config).run(
        BENCH_MODULE, folder, {"NORMQ_PLAN": str(plan.resolve()), "NORMQ_OUTCOME": str(result.resolve())}
    )
    outcome = json.loads(result.read_text())
    content = dump.read_bytes()
    memory.check(content)
    return SystemOutcome(tuple(map(Status, outcome["statuses"])), tuple(outcome["faults"]), content)
