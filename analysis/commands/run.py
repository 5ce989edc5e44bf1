"""`normq run`: the main job on the embedded default model, with its table, CSV and plots."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, TypeVar

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
from ..job.run import Specification, run_rows
from ..job.spec import MODELS, RowSpec, main_rows
from ..job.store import Record, RowStore, content_digest
from ..job.table import csv_table, text_table
from ..timing.rows import BITS as FULL_BITS
from ..timing.rows import SOURCES as FULL_SOURCES
from ..timing.rows import FullRow, FullSpec, compute_full, full_rows
from ..timing.spec import Source
from ..timing.table import full_csv, full_text
from .options import output_folder

ROWS_FILE, TEXT_FILE, CSV_FILE, FIGURES_FOLDER = "run.rows.jsonl", "run.txt", "run.csv", "figures"
FIGURES = {
    "bits_per_weight": size_figure,
    "divergence": divergence_figure,
    "cycles_over_roofline": ratio_figure,
    "traffic": traffic_figure,
}
FULL_ROWS_FILE, FULL_CSV_FILE = "run.full.rows.jsonl", "run.full.csv"
SIZES = tuple(dict.fromkeys([*(size for _, size, _ in MODELS), *(spec.timing.sizes.hidden for spec in full_rows())]))

S = TypeVar("S", bound=Specification)
R = TypeVar("R", bound=Record)


def run(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path("build"),
    bits: Annotated[list[int] | None, typer.Option(help="Index widths only; repeat it.", show_default="2..8")] = None,
    hidden: Annotated[
        list[int] | None, typer.Option(help="Numbers of hidden states only; repeat it.", show_default="all")
    ] = None,
    processes: Annotated[int, typer.Option(help="Rows computed side by side.", min=1)] = len(os.sched_getaffinity(0)),
) -> None:
    """Quantize, pack, compare golden with float and the simulated RTL with golden, at every width and both layouts.

    Then the full sizes at b=4: operations and a token step, by the timing model and by RTL. Prints one table and writes
    it as run.txt and run.csv, with plots under figures. Finished rows are kept: an interrupted job goes on where it
    was, a finished one is shown again in seconds.
    """
    specs, full = _chosen(bits, hidden), chosen_full(bits, hidden)
    folder = output_folder(output)
    store = RowStore(folder / ROWS_FILE, content_digest(), Row.of)
    rows = _compute(specs, compute_row, store, processes, _told, main_simulator)
    if different := [row for row in rows if not row.is_equal]:
        raise SimulationError(f"RTL and golden differ in {len(different)} rows, first: {different[0].difference}")
    full_store = RowStore(folder / FULL_ROWS_FILE, content_digest(FULL_SOURCES), FullRow.of)
    timed = _compute(full, compute_full, full_store, processes, _told_full)
    if wrong := [row for row in timed if row.difference]:
        raise SimulationError(f"RTL and golden differ at full size: {wrong[0].difference}")
    _write(rows, timed, folder)
    Console(soft_wrap=True, highlight=False).print(
        f"{folder / TEXT_FILE}: {len(rows) + len(timed)} rows; {CSV_FILE} and {FIGURES_FOLDER}/ beside it", markup=False
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


def chosen_full(bits: Sequence[int] | None, hidden: Sequence[int] | None) -> list[FullSpec]:
    if FULL_BITS not in (bits or [FULL_BITS]):
        return []
    return [spec for spec in full_rows() if spec.timing.sizes.hidden in (hidden or SIZES)]


def _compute(
    specs: Sequence[S],
    compute: Callable[[S], R],
    store: RowStore[R],
    processes: int,
    told: Callable[[S, R], str],
    prepare: Callable[[], object] | None = None,
) -> list[R]:
    """Compute what is missing, with progress on stderr."""
    missing = [spec for spec in specs if store.get(spec) is None]
    if not missing:
        return [row for spec in specs if (row := store.get(spec)) is not None]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("rows", total=len(specs), completed=len(specs) - len(missing))
        context = multiprocessing.get_context("spawn")  # numba and torch do not survive a fork with threads
        executor = ProcessPoolExecutor(processes, mp_context=context)
        progress.console.print("compiling the simulator and kernels first (once, about a minute)")
        if prepare:
            executor.submit(prepare)  # while the other processes start with what needs no simulator

        def report(spec: S, row: R) -> None:
            progress.console.print(told(spec, row))
            progress.advance(task)

        return run_rows(specs, compute, store, executor, report)


def _told(spec: RowSpec, row: Row) -> str:
    equal = "RTL == golden" if row.is_equal else f"RTL DIFFERS: {row.difference}"
    speed = row.simulated_cycles / row.simulation_seconds / 1000
    return f"{spec.name}: {equal}, {row.simulated_cycles:,} cycles at {speed:.0f} k/s"


def _told_full(spec: FullSpec, row: FullRow) -> str:
    cycles = sum(figures.cycles for figures in row.figures)
    equal = (
        ""
        if spec.source is Source.MODEL
        else f", RTL DIFFERS: {row.difference}"
        if row.difference
        else ", RTL == golden"
    )
    return f"{spec.name}: {cycles:,} cycles{equal}"


def _write(rows: Sequence[Row], timed: Sequence[FullRow], folder: Path) -> None:
    """Write figures and CSV first, the text last: make takes it as the sign that all is done."""
    if rows:
        figures = output_folder(folder / FIGURES_FOLDER)
        for name, draw in FIGURES.items():
            with replacing(figures / f"{name}.png") as temporary:
                draw(rows).savefig(temporary, format="png")
    parts = ([text_table(rows)] if rows else []) + ([full_text(timed)] if timed else [])
    for name, text in (
        (CSV_FILE, csv_table(rows)),
        (FULL_CSV_FILE, full_csv(timed)),
        (TEXT_FILE, "\n".join(parts)),
    ):
        with replacing(folder / name) as temporary:
            temporary.write_text(text)
