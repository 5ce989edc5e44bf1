"""`normq bench`: speeds of this machine, measured now."""

from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console

from ...model.errors import OptionError


class Section(Enum):
    """A part of the bench; its file in analysis/bench."""

    GOLDEN = "golden"
    RTL = "rtl"
    TRAINING = "training"


def bench(
    only: Annotated[list[Section] | None, typer.Option(help="Section to run; repeat it for more.")] = None,
) -> None:
    """Time golden beside torch float32 (H=4096, V=50257: 3 GB), the simulated RTL, and EM beside hmmlearn: minutes."""
    console, progress = Console(highlight=False), Console(stderr=True, highlight=False)

    def report(step: str) -> None:
        progress.print(f"bench: {step}", markup=False)

    # what is missing is said before the minutes of the others
    for measured in [_section(section) for section in only or list(Section)]:
        console.print(measured.table(measured.measure(report)))


def _section(section: Section) -> ModuleType:
    try:
        return import_module(f"..bench.{section.value}", __package__)
    except ModuleNotFoundError as error:
        raise OptionError(f"--only: {section.value} needs {error.name}, which the extra `dev` installs") from error
