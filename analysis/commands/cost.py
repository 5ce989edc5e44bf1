"""`normq cost`: what a build costs, from the shipped tables; with --synthesize those tables, by real tools."""

from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ...model.errors import OptionError
from .options import (
    DEFAULT_CODE,
    DEFAULTS,
    Code,
    ElementsPerCycle,
    EntriesPerCycle,
    GreatestIndexBits,
    HiddenCapacity,
    Lanes,
    Layouts,
    LeastIndexBits,
    LocalBytes,
    OutstandingReads,
    PortBits,
    StreamBufferBytes,
    configuration,
)

DEFAULT_NODE = "nangate45"
FAILED_STATUS = 1


class Table(Enum):
    """A table of results of the tools."""

    NANGATE45 = "asic-nangate45"
    ASAP7 = "asic-asap7"
    SKY130HD = "asic-sky130hd"
    ECP5 = "ecp5"
    ULTRASCALE = "ultrascale"
    SRAM = "sram"


def cost(
    entries_per_cycle: EntriesPerCycle = DEFAULTS.entries_per_cycle,
    lanes: Lanes = DEFAULTS.lanes,
    elements_per_cycle: ElementsPerCycle = DEFAULTS.elements_per_cycle,
    port_bits: PortBits = DEFAULTS.port_bits,
    greatest_index_bits: GreatestIndexBits = DEFAULTS.greatest_index_bits,
    least_index_bits: LeastIndexBits = DEFAULTS.least_index_bits,
    layout: Layouts = None,
    hidden_capacity: HiddenCapacity = DEFAULTS.hidden_capacity,
    outstanding_reads: OutstandingReads = DEFAULTS.outstanding_reads,
    stream_buffer_bytes: StreamBufferBytes = DEFAULTS.stream_buffer_bytes,
    local_bytes: LocalBytes = DEFAULTS.local_bytes,
    code: Code = DEFAULT_CODE,
    node: Annotated[str, typer.Option(help="Technology: sky130hd, nangate45, 28nm, 22nm, asap7.")] = DEFAULT_NODE,
    synthesize: Annotated[
        bool, typer.Option("--synthesize", help="Run the tools over the builds of the tables instead.")
    ] = False,
    only: Annotated[list[Table] | None, typer.Option(help="A table to compute; repeat it.", show_default="all")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Tools of --synthesize that run at once.")] = 2,
    timeout: Annotated[int, typer.Option(min=1, help="Seconds that each run of a tool may take.")] = 3600,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the tables of --synthesize.")] = Path(
        "build/cost/results"
    ),
    page: Annotated[
        Path | None, typer.Option(help="Page whose tables are to be written anew.", show_default="none")
    ] = None,
) -> None:
    """Show area, greatest clock, leakage and memories of a build, each figure with where it comes from (docs/COST.md).

    With --synthesize compute the tables behind it: standard cells, ECP5, UltraScale+ counts, and CACTI. Runs are kept
    by content; one that fails or takes too long is a row with its error, and the exit status is 1.
    """
    console = Console(highlight=False, soft_wrap=True)
    if synthesize:
        if not _synthesized(only or list(Table), processes, timeout, output, console):
            raise typer.Exit(FAILED_STATUS)
        return
    if only is not None:
        raise OptionError("--only: needs --synthesize, which computes tables")
    if page is not None:
        import_module("...analysis.cost.page", __package__).update(page)
        return
    config = configuration(
        layout,
        code,
        entries_per_cycle=entries_per_cycle,
        lanes=lanes,
        elements_per_cycle=elements_per_cycle,
        port_bits=port_bits,
        greatest_index_bits=greatest_index_bits,
        least_index_bits=least_index_bits,
        hidden_capacity=hidden_capacity,
        outstanding_reads=outstanding_reads,
        stream_buffer_bytes=stream_buffer_bytes,
        local_bytes=local_bytes,
    )
    console.print(import_module("...analysis.cost.report", __package__).report_text(config, node), markup=False, end="")


def _synthesized(tables: list[Table], processes: int, timeout: int, output: Path, console: Console) -> bool:
    """Write the tables; whether every run succeeded."""
    running: Any = import_module("...analysis.cost.synthesis", __package__)
    for line in running.missing():
        console.print(line, markup=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    good = True
    with Progress(*columns, TextColumn("{task.fields[last]}"), console=console) as bar:
        for table in tables:
            task = bar.add_task(table.value, total=running.size(table.value), last="")

            def report(name: str, error: str, task: Any = task) -> None:
                nonlocal good
                good = good and not error
                bar.update(task, advance=1, last=name)
                if error:
                    console.print(f"{name}: {error}", markup=False)

            path = running.compute(table.value, processes, timeout, output, report)
            console.print(f"written: {path}", markup=False)
    return good
