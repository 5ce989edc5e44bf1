"""`normq design-space`: which configuration for which target, from a sweep that ships."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer


def design_space(
    table: Annotated[
        Path | None,
        typer.Argument(metavar="STORE", help="A sweep's store or Parquet file.", show_default="the one that ships"),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Page to write.")] = Path("docs/DESIGN-SPACE.md"),
    measure: Annotated[
        bool, typer.Option(help="Time a language model's step and the KL of synthetic models anew first; minutes.")
    ] = False,
) -> None:
    """Choose configurations by the rules of analysis/answer/targets.py and write the page about them."""
    # pandas, pyarrow and, to measure, torch take seconds to import
    measured = import_module("...analysis.answer.measured", __package__)
    if measure:
        found = import_module("...analysis.answer.measure", __package__).measure()
        measured.write_measured(found)
    page = import_module("...analysis.answer.page", __package__)
    points = import_module("...analysis.report.read", __package__).read_points(table or page.SHIPPED)
    page.write_page(page.page_of(points, measured.read_measured()), output)
    typer.echo(f"{output}: from {len(points):,} design points")
