"""`normq dram-check`: the DDR4 preset beside LiteDRAM."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..dram_check.compare import compare, table


def dram_check(
    trace: Annotated[
        Path | None, typer.Option(help="File of --trace-memory to replay, too.", show_default="none")
    ] = None,
) -> None:
    """Run the same reads and writes on LiteDRAM's controller, simulated, and on the DDR4-3200 preset.

    The first run installs LiteDRAM into an environment of its own and compiles its core.
    """
    console, progress = Console(highlight=False), Console(stderr=True, highlight=False)
    rows = compare(trace, lambda step: progress.print(f"dram-check: {step}", markup=False))
    console.print(table(rows))
