"""A prediction of the timing model as text for people."""

import io

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ...sim.session import MemoryBehavior
from ...sim.timing.predict import Prediction
from ..roofline import Roofline
from .figures import Figures
from .work import Workload

WIDTH = 160


def report_text(
    load: Workload, figures: Figures, prediction: Prediction, line: Roofline, behavior: MemoryBehavior, mhz: int
) -> str:
    """Return counters, roofline and seconds; `mhz` is the clock that cycles are turned into time with."""
    sink = io.StringIO()
    console = Console(file=sink, width=WIDTH, highlight=False, color_system=None, legacy_windows=False)
    console.print(_head(load, figures, behavior), markup=False)
    console.print(_terms(line, figures))
    console.print(_counters(prediction))
    console.print(
        f"{figures.source}: {figures.cycles:,} cycles, {figures.over_roofline:.3f} of the roofline, "
        f"{figures.cycles / mhz / 1000:,.3f} ms at {mhz} MHz; predicted in {figures.seconds:.2f} s of processor time",
        markup=False,
    )
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines()) + "\n"


def _head(load: Workload, figures: Figures, behavior: MemoryBehavior) -> str:
    spec, packed, config = load.spec, load.golden.packed, load.spec.sizes.config
    sizes = f"S={config.entries_per_cycle}, P={config.lanes}, W={config.elements_per_cycle}"
    memory = f"memory of {behavior.latency} cycles"
    if behavior.dram is not None:
        dram = behavior.dram
        memory += f" and {dram.timings.name}, channels: {dram.channels}, engine at {dram.engine_mhz} MHz"
    return (
        f"{figures.source}: {figures.work}, {packed.provenance['label']} model, H={packed.hidden_states}, "
        f"V={packed.vocab_size}, b={spec.bits}, {spec.layout.value}\n"
        f"{spec.beams} beams, {sum(item.beams.size for item in load.scene.items)} lanes of listed scores, "
        f"seed {spec.seed}; {sizes}, port of {config.port_bits} bits; {memory}"
    )


def _terms(line: Roofline, figures: Figures) -> Table:
    table = Table(box=SIMPLE)
    table.add_column("roofline")
    table.add_column("cycles", justify="right")
    table.add_column("cycles over it", justify="right")
    for name in ("read", "write", "entries", "outputs", "passes"):
        cycles: float = getattr(line, name)
        marked = f"{name} (limit)" if name == line.limit else name
        table.add_row(marked, f"{cycles:,.0f}", f"{figures.cycles / cycles:.3f}" if cycles else "")
    return table


def _counters(prediction: Prediction) -> Table:
    table = Table(box=SIMPLE)
    table.add_column("counter")
    table.add_column("value", justify="right")
    dram = {f"dram.{name}": value for name, value in prediction.dram.items() if value}
    for name, value in (prediction.counters | dram).items():
        table.add_row(name, f"{value:,}")
    return table
