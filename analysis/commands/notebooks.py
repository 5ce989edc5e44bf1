"""`normq notebooks`: the notebooks, run, as .ipynb with their outputs."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console

from ...model.errors import OptionError


def notebooks(
    only: Annotated[list[str] | None, typer.Option(help="Notebook to run; repeat it for more.")] = None,
    reduced: Annotated[
        bool, typer.Option("--reduced", help="At the size of a test: seconds instead of minutes.")
    ] = False,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for .ipynb files.")] = Path("build/notebooks"),
) -> None:
    """Run the notebooks of analysis/notebooks and write them with their outputs."""
    runner = _runner()
    progress = Console(stderr=True, highlight=False)
    for name in only or runner.NAMES:
        progress.print(f"notebooks: {name}", markup=False)
        path = output / f"{name}.ipynb"
        try:
            runner.write_notebook(runner.executed(name, reduced), path)
        except runner.NotebookError as error:
            progress.print(str(error), markup=False)
            raise typer.Exit(1) from error
        except OSError as error:
            raise OptionError(f"--output: {path} cannot be written ({error.strerror})") from error
        typer.echo(f"{path}: {path.stat().st_size / 1000:,.0f} kB")


def _runner() -> ModuleType:
    try:
        return import_module("...analysis.notebooks.execute", __package__)
    except ModuleNotFoundError as error:
        raise OptionError(f"notebooks: need {error.name}, which the extra `notebooks` installs") from error
