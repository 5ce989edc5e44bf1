"""Speed of the simulated engine, in cycles per second, on the build of the main job."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from ...model.config import AcceleratorConfig, Layout
from ...model.golden.constants import Operation
from ...model.golden.operations import GoldenModel
from ...model.packing.model import pack_model
from ...model.synthetic import synthetic_levels
from ...sim.session import build_engine
from ...sim.trial import run_trials
from ..job.spec import CONFIG, MEMORY_BYTES
from ..stimuli import first_trials, random_tokens

HIDDEN, VOCAB, BITS = 256, 1024, 4
GROUPS = {Layout.SPARSE: 64, Layout.DENSE: 8}
"""Groups of P vectors of each operation: about 100,000 cycles sparse, 800,000 dense."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class SpeedRow:
    """One simulation."""

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
    """Return the speed of all three operations one after another, for each layout.

    Raises SimulationError when the build or a run fails.
    """
    progress("simulator of the RTL")
    simulator = build_engine(config, MEMORY_BYTES)
    rows: list[SpeedRow] = []
    for layout, count in (groups or GROUPS).items():
        progress(f"RTL {layout.value}")
        golden = GoldenModel(pack_model(synthetic_levels(HIDDEN, VOCAB, BITS), layout, {}), config.code)
        tokens = random_tokens(count * config.lanes, VOCAB, seed=1)
        trials = first_trials(golden, list(Operation), tokens.astype(np.int64))
        with tempfile.TemporaryDirectory() as folder:
            verdicts = run_trials(simulator, config, golden, trials, Path(folder))
        rows.append(SpeedRow(layout, verdicts.cycles, verdicts.seconds))
    return rows


def table(rows: list[SpeedRow], config: AcceleratorConfig = CONFIG) -> Table:
    """Return the rows as a table."""
    shape = f"S={config.entries_per_cycle}, P={config.lanes}, W={config.elements_per_cycle}"
    shown = Table(title=f"simulated RTL, {shape}, synthetic model, H={HIDDEN}", title_justify="left")
    shown.add_column("layout")
    for heading in ("cycles", "seconds", "cycles / s"):
        shown.add_column(heading, justify="right")
    for row in rows:
        shown.add_row(row.layout.value, f"{row.cycles:,}", f"{row.seconds:.1f}", f"{row.cycles_per_second:,.0f}")
    return shown
