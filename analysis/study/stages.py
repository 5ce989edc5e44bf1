"""The parts of the whole study, in order; each goes on from what is finished."""

from collections.abc import Callable
from pathlib import Path

from .collect import collect
from .kept import keep
from .pool import Report
from .run import run_checks, run_study, run_training
from .spec import configurations, trained_configurations

__all__ = ["collect", "keep", "run_stage"]


def run_stage(name: str, folder: Path, processes: int, report: Report) -> None:
    """Compute what `folder` lacks of one part: configurations, training, trained configurations, checks."""
    stages: dict[str, Callable[[], None]] = {
        "configurations": lambda: run_study(configurations(), folder, processes, report),
        "training": lambda: run_training(folder, processes, report),
        "trained configurations": lambda: run_study(trained_configurations(), folder, processes, report),
        "checks": lambda: run_checks(folder, processes, report),
    }
    stages[name]()
