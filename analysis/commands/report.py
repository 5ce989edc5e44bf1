"""`normq report`: one interactive page of a sweep's design points."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ...model.atomic import replacing
from ...model.errors import OptionError


def report(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="A sweep's store, or a Parquet file of its points.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Page to write.")] = Path("report.html"),
    title: Annotated[str, typer.Option(help="Heading of the page.")] = "Design points",
) -> None:
    """Write one HTML page that filters, plots and lists design points; it holds everything and works offline."""
    # Bokeh takes a second to import
    read, table, page = (import_module(f"...analysis.report.{name}", __package__) for name in ("read", "table", "page"))
    found = table.report_table(read.read_points(store))
    text = page.report_page(found, title)
    try:
        with replacing(output) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OptionError(f"--output: {output} cannot be written ({error.strerror})") from error
    typer.echo(f"{output}: {len(found.points):,} points, {output.stat().st_size / 1e6:.1f} MB")
