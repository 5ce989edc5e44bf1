"""`normq baseline`: what a user would pick instead, beside our engines."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...model.atomic import replacing
from ...model.errors import OptionError


def baseline(
    measure: Annotated[
        bool, typer.Option("--measure", help="Time kernels on this machine and count engines anew: half an hour, 4 GB.")
    ] = False,
    results: Annotated[
        Path | None,
        typer.Option(
            help="Folder of measured.parquet and counted.parquet.", show_default="shipped; measured: build/baseline"
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Page to write.", show_default="none")] = None,
    csv: Annotated[Path | None, typer.Option(help="Table of every ratio to write.", show_default="none")] = None,
) -> None:
    """Tell dense floats on GPUs and CPUs, the same packed model on a CPU, and REASON beside our engines."""
    # torch and the timing model take seconds to import
    told = import_module("...analysis.baseline.command", __package__)
    progress = Console(stderr=True, highlight=False)

    def report(step: str) -> None:
        progress.print(f"baseline: {step}", markup=False)

    if measure:
        results = results or told.MEASURED_HERE
        told.measure_into(results, report)
    found = told.comparison(results)
    Console(highlight=False, soft_wrap=True).print(found.text, markup=False)
    for option, path, text in (("--output", output, found.page), ("--csv", csv, found.csv)):
        if path is not None:
            try:
                with replacing(path) as draft:
                    draft.write_text(text, encoding="utf-8")
            except OSError as error:
                raise OptionError(f"{option}: {path} cannot be written ({error.strerror})") from error
