"""Speed of the simulated engine, in cycles per second, on the build of the main job: natively and through cocotb."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from rich.table import Table

from ...model.config import AcceleratorConfig, Layout
from ...model.golden.constants import Operation
from ...model.golden.operations import GoldenModel
from ...model.packing.model import pack_model
from ...model.synthetic import synthetic_levels
from ...sim.build import Simulator
from ...sim.plan import EngineBench, Plan
from ...sim.session import build_engine, build_native_engine
from ...sim.trial import run_trials
from ..job.spec import CONFIG, MEMORY_BYTES
from ..stimuli import first_trials, random_tokens

HIDDEN, VOCAB, BITS = 256, 1024, 4
GROUPS = {Layout.SPARSE: 64, Layout.DENSE: 8}
"""Groups of P vectors of each operation: about 100,000 cycles sparse, 800,000 dense."""

Progress = Callable[[str], None]


class Way(Enum):
    """How the same jobs are driven."""

    NATIVE = "C++ main"
    COCOTB = "cocotb, waiting for the interrupt"
    BY_CYCLE = "cocotb, Python in every cycle"


@dataclass(frozen=True)
class CycleByCycle:
    """The cocotb bench with Python awake in every cycle (`EngineBench`)."""

    simulator: Simulator

    def run_plan(self, plan: Plan, folder: Path, plusargs: Sequence[str]) -> str:
        """Run `plan` as the cocotb bench does, but look at the interrupt at each of the clock's edges."""
        return self.simulator.run_plan(plan, folder, plusargs, "run_plan_by_cycle")


@dataclass(frozen=True)
class SpeedRow:
    """One simulation."""

    way: Way
    layout: Layout
    cycles: int
    seconds: float
    """Wall-clock time, without the simulator's start."""

    @property
    def cycles_per_second(self) -> float:
        """Simulated cycles per second of wall-clock time."""
        return self.cycles / self.seconds


def measure(
    progress: Progress, config: AcceleratorConfig = CONFIG, groups: dict[Layout, int] | None = None
) -> list[SpeedRow]:
    """Return the speed of all three operations one after another, for each layout and each way.

    Raises SimulationError when the build or a run fails.
    """
    ways = _benches(progress, config)
    rows: list[SpeedRow] = []
    for layout, count in (groups or GROUPS).items():
        golden = GoldenModel(pack_model(synthetic_levels(HIDDEN, VOCAB, BITS), layout, {}), config.code)
        tokens = random_tokens(count * config.lanes, VOCAB, seed=1)
        trials = first_trials(golden, list(Operation), tokens.astype(np.int64))
        for way, bench in ways.items():
            progress(f"RTL {layout.value}, {way.value}")
            with tempfile.TemporaryDirectory() as folder:
                verdicts = run_trials(bench, config, golden, trials, Path(folder))
            rows.append(SpeedRow(way, layout, verdicts.cycles, verdicts.seconds))
    return rows


def _benches(progress: Progress, config: AcceleratorConfig) -> dict[Way, EngineBench]:
    """Build both simulators, saying what that took (nothing, for a build that is kept)."""
    began = time.perf_counter()
    native = build_native_engine(config, MEMORY_BYTES)
    built = time.perf_counter()
    simulator = build_engine(config, MEMORY_BYTES)
    progress(f"native build {built - began:.1f} s, build for cocotb {time.perf_counter() - built:.1f} s")
    return {Way.NATIVE: native, Way.COCOTB: simulator, Way.BY_CYCLE: CycleByCycle(simulator)}


def table(rows: list[SpeedRow], config: AcceleratorConfig = CONFIG) -> Table:
    """Return the rows as a table."""
    shape = f"S={config.entries_per_cycle}, P={config.lanes}, W={config.elements_per_cycle}"
    shown = Table(title=f"simulated RTL, {shape}, synthetic model, H={HIDDEN}", title_justify="left")
    for heading in ("layout", "bench"):
        shown.add_column(heading)
    for heading in ("cycles", "seconds", "cycles / s"):
        shown.add_column(heading, justify="right")
    for row in rows:
        figures = (f"{row.cycles:,}", f"{row.seconds:.1f}", f"{row.cycles_per_second:,.0f}")
        shown.add_row(row.layout.value, row.way.value, *figures)
    return shown
