"""The parts of the whole study, in order; each goes on from what is finished."""

from collections.abc import Callable
from pathlib import Path

from .collect import collect
from .kept import keep
from .pool import Report
from .run import run_checks, run_study
from .spec import configurations, trained_configurations
from .trainings import run_training

__all__ = ["collect", "keep", "run_stage"]


def run_stage(name: str, folder: Path, processes: int, report: Report) -> list[str]:
    """Compute what `folder` lacks of one part: configurations, training, trained configurations, checks.

    Return what is to be said. Raises OptionError where the folder holds another study.
    """
    stages: dict[str, Callable[[], list[str] | None]] = {
        "configurations": lambda: run_study(configurations(), folder, processes, report),
        "training": lambda: run_training(folder, processes, report),
        "trained configurations": lambda: run_study(trained_configurations(), folder, processes, report),
        "checks": lambda: run_checks(folder, processes, report),
    }
    return stages[name]() or []
