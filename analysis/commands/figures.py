"""`normq figures`: a sweep's design points as figures for print."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ...model.errors import OptionError
from .options import output_folder


def figures(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="A sweep's store, or a Parquet file of its points.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the figures.")] = Path("figures"),
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Of these points alone; repeat it.", show_default="all"),
    ] = None,
    kind: Annotated[str, typer.Option(help="png, pdf or svg.")] = "png",
) -> None:
    """Draw roofline, cycles and traffic, Pareto fronts, stalls, storage and utilization at the width of a column.

    A figure whose points the table lacks is left out, and why is told.
    """
    if kind not in ("png", "pdf", "svg"):
        raise OptionError(f"--kind: {kind!r} given, expected png, pdf or svg")
    # matplotlib and pandas take a second to import
    read, drawing = (
        import_module(name, __package__) for name in ("...analysis.report.read", "...analysis.figures.of_sweep")
    )
    points = read.only(read.read_points(store), only or [])
    folder = output_folder(output)
    for drawn in drawing.draw(points):
        if drawn.figure is None:
            typer.echo(f"{drawn.name}: left out, {drawn.told}")
            continue
        path = folder / f"{drawn.name}.{kind}"
        try:
            drawn.figure.savefig(path)
        except OSError as error:
            raise OptionError(f"--output: {path} cannot be written ({error.strerror})") from error
        typer.echo(f"{path}: {drawn.told}")
