"""`normq sweep`: design points by the thousand, into one store."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.progress import Task as BarTask
from rich.text import Text

from ...model.errors import OptionError

FAILED_STATUS = 1


class Rate(ProgressColumn):
    """Points a second over the whole run, and how long the rest takes at that rate."""

    def render(self, task: BarTask) -> Text:
        """Return the text of a task."""
        computed, seconds = task.completed - task.fields["stored"], task.elapsed or 0
        if computed <= 0 or not seconds:
            return Text("")
        left = (task.total or 0) - task.completed
        rate = computed / seconds
        return Text(f"{rate:.1f}/s, {left / rate:.0f} s left")


def sweep(
    specification: Annotated[Path, typer.Argument(help="What to sweep, TOML.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Store, on a local disk.", show_default="the specification's name.sqlite"),
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="Write the store's whole table there too.", show_default="none")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes on this machine; 0: in this one.")] = 2,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, instead of workers here.", show_default="none")
    ] = None,
) -> None:
    """Evaluate the design points of a specification; what the store has is not computed again.

    Impossible points are kept with their reason. Exits with 1 when any point failed, or differs between RTL and the
    timing model. docs/SWEEPS.md has the specification's fields, the table's columns and how to query it.
    """
    path = output or specification.with_suffix(".sqlite")
    _check_writable("--output", path)
    if parquet is not None:
        _check_writable("--parquet", parquet)
        if parquet.resolve() == path.resolve():
            raise OptionError(f"--parquet: {parquet} is the store, expected another file")
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    # Dask, Optuna and pandas take seconds to import
    sweeping = import_module("...analysis.sweep.command", __package__)
    bar = Bar(TextColumn("sweep"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), Rate(), console=console)
    with bar:
        task = bar.add_task("", total=None, stored=0)

        told = 0

        def tell(progress: Any) -> None:
            nonlocal told
            bar.update(task, completed=progress.done, total=progress.total, stored=progress.stored)
            for line in progress.differences[told:]:
                bar.console.print(f"RTL and timing model: point {line}", style="bold red", markup=False)
            told = len(progress.differences)

        outcome = sweeping.run_sweep(specification, path, workers, scheduler, tell)
    for line in outcome.lines:
        console.print(line, markup=False)
    for line in outcome.warnings:
        console.print(line, style="bold yellow", markup=False)
    if parquet is not None:
        console.print(sweeping.export(path, parquet), markup=False)
    if outcome.progress.failed:
        raise typer.Exit(FAILED_STATUS)


def _check_writable(option: str, path: Path) -> None:
    if not path.parent.is_dir():
        raise OptionError(f"{option}: {path} cannot be written, {path.parent} is no folder")
    if path.is_dir():
        raise OptionError(f"{option}: {path} cannot be written, it is a folder")
