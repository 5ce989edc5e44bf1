"""`normq rebuild-default`: train the embedded default model again, and say what came out beside what is shipped."""

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ...model.default.load import default_metrics
from ...model.errors import OptionError


def rebuild_default(
    wordnet: Annotated[
        Path,
        typer.Option(
            help="Folder with data.noun ...; Debian's wordnet-base has it in /usr/share/wordnet.", show_default=False
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the new files.", show_default=False)],
) -> None:
    """Train the embedded default model again from WordNet's example sentences; about 11 minutes of one core."""
    shipped = default_metrics()
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"--output: {output} cannot be made ({error.strerror}), expected a folder") from error
    # transformers takes seconds to import: only this command waits for it
    training = import_module("...model.training.rebuild", __package__)
    # threads cost these small matrices more than they bring, and the order of sums stays the same
    torch.set_num_threads(1)
    console = Console(highlight=False, soft_wrap=True)
    rebuilt = training.rebuild(wordnet, output, training.RebuildOptions(), partial(console.print, markup=False))
    console.print(_comparison(rebuilt, shipped))


def _comparison(rebuilt: dict[str, float], shipped: dict[str, float]) -> Table:
    table = Table(title="what was made, beside what is shipped", title_justify="left", box=SIMPLE)
    table.add_column("metric", no_wrap=True)
    for heading in ("shipped", "rebuilt"):
        table.add_column(heading, justify="right")
    for name, value in rebuilt.items():
        table.add_row(name, _figure(shipped.get(name)), _figure(value))
    return table


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.6g}"
