"""Evaluator "rtl": the same token step in simulated RTL, every counter held against the timing model's."""

import tempfile
from dataclasses import replace
from pathlib import Path

from ...model.config import AcceleratorConfig, Layout
from ...rtl.operation import Status
from ...sim.descriptors import Chain, Job
from ...sim.results import SimulationError
from ...sim.session import build_native_engine, run_jobs
from .point import DesignPoint
from .timing import Fields, all_counters, step_fields, step_roofline
from .workload import place

MEMORY_BYTES = 1 << 22
"""Simulated memory at least, so that points share builds."""
LEAST_LIMIT_CYCLES, SLOWEST = 2_000_000, 64
"""A run may take so many times the sum of all terms, a slow DRAM included: a hang ends in time."""
CODES_SEED = 1
SOURCE = "RTL"


class CountersDifferError(SimulationError):
    """RTL and the timing model count differently: a bug in one of them."""


def evaluate_rtl(point: DesignPoint, timing: Fields) -> Fields:
    """Return the columns of a token step that RTL counted, its vectors random codes.

    Cycles by phase are None: the host sees the end of a descriptor only when it reads the number of those done.

    Raises ImpossiblePointError, SimulationError and CorruptedMemoryError as `run_jobs`, and CountersDifferError naming
    the first counter that is not as the timing model's `timing` has it.
    """
    placed, behavior = place(point, CODES_SEED), point.behavior()
    config, line = shared_build(placed.config), step_roofline(point, placed)
    bench = build_native_engine(config, max(MEMORY_BYTES, placed.memory.size))
    jobs: list[Job | Chain] = [*placed.loads, placed.step.chain]
    limit = LEAST_LIMIT_CYCLES + int(SLOWEST * line.total)
    with tempfile.TemporaryDirectory() as folder:
        outcome = run_jobs(bench, config, placed.memory, jobs, Path(folder), behavior, limit)
    done = outcome.jobs[-1]
    if done.status is not Status.DONE:
        raise SimulationError(f"the token step ended as {done.status.name}, expected DONE")
    compare(all_counters(done.counters, done.dram, behavior), timing["counters"])
    fields = step_fields(placed.step, done.counters, done.completed_at)
    return {
        **timing,
        **{name: None if name.startswith("cycles_") else value for name, value in fields.items()},
        "over_roofline": fields["cycles"] / line.bound,
        "latency_us": fields["cycles"] / point.clock_mhz,
        "source": SOURCE,
    }


def shared_build(config: AcceleratorConfig) -> AcceleratorConfig:
    """Return the engine with every width and layout built in: it counts the same, and one build serves more points."""
    return replace(config, least_index_bits=2, greatest_index_bits=8, layouts=frozenset(Layout), vocab_capacity=65536)


def compare(rtl: dict[str, int], model: dict[str, int]) -> None:
    """Raise CountersDifferError at the first counter that differs."""
    for name, value in rtl.items():
        if value != model[name]:
            raise CountersDifferError(f"{name}: RTL {value}, timing model {model[name]}, expected the same")
