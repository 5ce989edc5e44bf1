"""`normq run`: the main job on the embedded default model, with its table, CSV and plots."""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ...model.atomic import replacing
from ...model.errors import OptionError
from ...model.formats import IndexFormat
from ...sim.results import SimulationError
from ..figures.divergence import divergence_figure
from ..figures.ratio import ratio_figure
from ..figures.size import size_figure
from ..figures.traffic import traffic_figure
from ..job.compute import compute_row, main_simulator
from ..job.row import Row
from ..job.run import run_rows
from ..job.spec import MODELS, RowSpec, main_rows
from ..job.store import RowStore, content_digest
from ..job.table import csv_table, text_table
from .options import output_folder

ROWS_FILE, TEXT_FILE, CSV_FILE, FIGURES_FOLDER = "run.rows.jsonl", "run.txt", "run.csv", "figures"
FIGURES = {
    "bits_per_weight": size_figure,
    "divergence": divergence_figure,
    "cycles_over_roofline": ratio_figure,
    "traffic": traffic_figure,
}
SIZES = tuple(hidden for _, hidden, _ in MODELS)


def run(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path("build"),
    bits: Annotated[list[int] | None, typer.Option(help="Index widths only; repeat it.", show_default="2..8")] = None,
    hidden: Annotated[
        list[int] | None, typer.Option(help="Numbers of hidden states only; repeat it.", show_default="all")
    ] = None,
    processes: Annotated[int, typer.Option(help="Rows computed side by side.", min=1)] = len(os.sched_getaffinity(0)),
) -> None:
    """Quantize, pack, compare golden with float and the simulated RTL with golden, at every width and both layouts.

    Prints one table and writes it as run.txt and run.csv, with plots under figures. Finished rows are kept: an
    interrupted job goes on where it was, a finished one is shown again in seconds.
    """
    specs = _chosen(bits, hidden)
    folder = output_folder(output)
    store = RowStore(folder / ROWS_FILE, content_digest())
    rows = _compute(specs, store, processes)
    if different := [row for row in rows if not row.is_equal]:
        raise SimulationError(f"RTL and golden differ in {len(different)} rows, first: {different[0].difference}")
    _write(rows, folder)
    Console(soft_wrap=True, highlight=False).print(
        f"{folder / TEXT_FILE}: {len(rows)} rows; {CSV_FILE} and {FIGURES_FOLDER}/ beside it", markup=False
    )


def _chosen(bits: Sequence[int] | None, hidden: Sequence[int] | None) -> list[RowSpec]:
    for width in bits or ():
        try:
            IndexFormat(width)
        except ValueError as error:
            raise OptionError(f"--bits: {error}") from error
    for size in hidden or ():
        if size not in SIZES:
            raise OptionError(f"--hidden: {size} given, expected one of {', '.join(map(str, SIZES))}")
    return [
        spec for spec in main_rows() if spec.bits in (bits or [spec.bits]) and spec.hidden in (hidden or [spec.hidden])
    ]


def _compute(specs: Sequence[RowSpec], store: RowStore, processes: int) -> list[Row]:
    """Compute what is missing, with progress on stderr."""
    missing = [spec for spec in specs if store.get(spec) is None]
    if not missing:
        return run_rows(specs, _never, store, ProcessPoolExecutor(1), lambda spec, row: None)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("rows", total=len(specs), completed=len(specs) - len(missing))
        context = multiprocessing.get_context("spawn")  # numba and torch do not survive a fork with threads
        executor = ProcessPoolExecutor(processes, mp_context=context)
        progress.console.print("compiling the simulator and the golden kernels (once, about a minute)")
        executor.submit(main_simulator)  # while the other processes start with what needs no simulator

        def report(spec: RowSpec, row: Row) -> None:
            equal = "RTL == golden" if row.is_equal else f"RTL DIFFERS: {row.difference}"
            speed = row.simulated_cycles / row.simulation_seconds / 1000
            progress.console.print(f"{spec.name}: {equal}, {row.simulated_cycles:,} cycles at {speed:.0f} k/s")
            progress.advance(task)

        return run_rows(specs, compute_row, store, executor, report)


def _never(spec: RowSpec) -> Row:
    raise ValueError(f"{spec.name}: was to be in the store")


def _write(rows: Sequence[Row], folder: Path) -> None:
    """Write figures and CSV first, the text last: make takes it as the sign that all is done."""
    figures = output_folder(folder / FIGURES_FOLDER)
    for name, draw in FIGURES.items():
        with replacing(figures / f"{name}.png") as temporary:
            draw(rows).savefig(temporary, format="png")
    for name, text in ((CSV_FILE, csv_table(rows)), (TEXT_FILE, text_table(rows))):
        with replacing(folder / name) as temporary:
            temporary.write_text(text)
