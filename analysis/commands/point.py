"""`normq point`: everything about one design point, in seconds."""

from importlib import import_module
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ...model.errors import OptionError
from ...sim.results import SimulationError


def point(
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FIELD=VALUE...", help="As in a sweep's point; the rest is default.", show_default="none"
        ),
    ] = None,
) -> None:
    """Print every column of one design point: cycles, set-up, cost and quality, as `normq sweep` finds them.

    Exits with 2 where the point is impossible, with 1 where an evaluator failed, with the reason.
    """
    # numba and pandas take a second to import
    single = import_module("...analysis.sweep.single", __package__)
    columns = import_module("...analysis.sweep.columns", __package__)
    results = single.ask(single.point_of(fields or []))
    for result in results:
        told = f"{result.evaluator}: {result.status}: {result.reason}"
        if result.status == "impossible":
            raise OptionError(told)
        if result.status == "failed":
            raise SimulationError(told)
    table = Table("column", "value", "what it is", title=None)
    for result in results:
        for name, meaning in columns.FILLED_BY[result.evaluator].items():
            table.add_row(name, _shown(result.fields.get(name)), meaning)
    Console(highlight=False, soft_wrap=True).print(table)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
