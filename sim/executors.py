"""Who executes the work of guidance (decoding.py): the RTL in simulation, or the timing model, which only counts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..model.config import AcceleratorConfig
from ..rtl.operation import Status
from .decoding import Execute, PlacedWork
from .results import SimulationError
from .session import MemoryBehavior, build_native_engine, run_jobs
from .timing.predict import predict

MEMORY_BYTES = 1 << 22
"""Simulated memory at least, so that most runs share a build."""
CYCLES = "engine.cycles"


class Executor(Protocol):
    """Executes placed work (`decoding.Execute`) and keeps count."""

    @property
    def cycles(self) -> Counter[str]:
        """Cycles by the part that work belongs to."""
        ...

    def __call__(self, placed: PlacedWork) -> None:
        """Execute."""
        ...


@dataclass(frozen=True, eq=False)
class RtlExecutor:
    """Runs all work on the simulated engine and compares every bit with golden."""

    config: AcceleratorConfig
    folder: Path
    """For the memory's images."""
    behavior: MemoryBehavior = field(default_factory=MemoryBehavior)
    cycles: Counter[str] = field(default_factory=Counter[str])
    """Of the descriptors, without those that bring the model's tables on chip; counted by the RTL."""

    def __call__(self, placed: PlacedWork) -> None:
        """Raises SimulationError where a bit differs from golden or work ends otherwise than done."""
        bench = build_native_engine(self.config, max(MEMORY_BYTES, placed.memory.size))
        jobs = [*placed.loads, placed.work]
        outcome = run_jobs(bench, self.config, placed.memory, jobs, self.folder, self.behavior)
        done = outcome.jobs[-1]
        if done.status is not Status.DONE:
            raise SimulationError(f"{placed.part}: ended as {done.status.name}, expected DONE")
        difference = placed.difference(outcome.dump, self.config.lanes)
        if difference is not None:
            raise SimulationError(f"RTL and golden differ: {difference}")
        self.cycles[placed.part] += done.counters[CYCLES]


@dataclass(frozen=True, eq=False)
class TimingExecutor:
    """Counts what the engine would take, by the timing model: nothing is computed."""

    config: AcceleratorConfig
    behavior: MemoryBehavior = field(default_factory=MemoryBehavior)
    cycles: Counter[str] = field(default_factory=Counter[str])

    def __call__(self, placed: PlacedWork) -> None:
        """Raises TimingError as `predict`."""
        found = predict(self.config, placed.memory, placed.work.descriptors, self.behavior)
        self.cycles[placed.part] += found.counters[CYCLES]


@dataclass(frozen=True, eq=False)
class Each:
    """Executes work by one after the other."""

    executors: Sequence[Execute]

    def __call__(self, placed: PlacedWork) -> None:
        """Raises what they raise."""
        for execute in self.executors:
            execute(placed)
