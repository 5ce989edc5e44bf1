"""The study's work: what each stage computes, in which order, and what of it the store lacks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...model.decoding.engine import EosMode
from .bit_texts import golden_texts, rtl_texts
from .checks import HIDDEN, latency
from .compute import compute_metrics, compute_texts
from .concepts import SETS
from .pool import Report, Tasks, run_tasks
from .spec import (
    CHUNK,
    DEFAULT,
    FEW_WIDTHS,
    GOLDEN_CHUNKS,
    LANGUAGE_MODEL,
    Configuration,
    golden_check,
    golden_configurations,
    rtl_check,
    rtl_configurations,
)

TEXTS, METRICS, CHECK = "texts", "metrics", "check"
CHUNKS = (SETS + CHUNK - 1) // CHUNK


@dataclass(frozen=True)
class Work:
    """One row of the store."""

    kind: str
    configuration: Configuration
    chunk: int = 0

    @property
    def key(self) -> str:
        """Its key in the store."""
        return self.configuration.name if self.kind == METRICS else f"{self.configuration.name} | {self.chunk}"


def work_of(configurations: Sequence[Configuration]) -> Iterator[Work]:
    """Yield all work in order: the metrics of a configuration's HMM, then its chunks."""
    for one in configurations:
        if one.source != LANGUAGE_MODEL:
            yield Work(METRICS, one)
        if one.has_texts:
            yield from (Work(TEXTS, one, chunk) for chunk in range(CHUNKS))


def run_study(configurations: Sequence[Configuration], folder: Path, processes: int, report: Report) -> None:
    """Compute what the store in `folder` lacks of metrics and texts."""
    run_tasks(study_tasks(configurations, folder), folder, processes, report)


def run_checks(folder: Path, processes: int, report: Report) -> None:
    """Compute what the store in `folder` lacks of golden's texts, of those in RTL, and of the latencies."""
    run_tasks(check_tasks(sorted(golden_configurations(), key=_importance), folder), folder, processes, report)
    latencies: Tasks = {(CHECK, f"latency-{hidden}"): (latency, (hidden,)) for hidden in HIDDEN}
    # alone: another process on the machine would be measured too
    run_tasks(latencies, folder, 1, report)


def study_tasks(configurations: Sequence[Configuration], folder: Path) -> Tasks:
    """Return the metrics and texts of configurations."""
    tasks: Tasks = {}
    for work in work_of(configurations):
        if work.kind == METRICS:
            tasks[METRICS, work.key] = compute_metrics, (work.configuration, folder)
        else:
            tasks[TEXTS, work.key] = compute_texts, (work.configuration, work.chunk, folder)
    return tasks


def check_tasks(configurations: Sequence[Configuration], folder: Path) -> Tasks:
    """Return the texts of configurations from golden and from the engine, of those that these decode."""
    tasks: Tasks = {}
    golden, rtl = golden_configurations(), rtl_configurations()
    for one in configurations:
        if one in golden:
            for chunk in range(GOLDEN_CHUNKS):
                tasks[CHECK, f"{golden_check(one)} | {chunk}"] = golden_texts, (one, chunk, folder)
        if one in rtl:
            tasks[CHECK, rtl_check(one)] = rtl_texts, (one, folder)
    return tasks


def _importance(one: Configuration) -> tuple[bool, bool, bool, int]:
    """Order by width, so that every method has something early; trained models last."""
    bits = one.bits or 0
    return (
        one.source != DEFAULT,
        one.guard or one.row_mass_leak or one.eos is not EosMode.EVENT,
        bits not in FEW_WIDTHS,
        (4, 8, 3, 2, 5, 6, 7).index(bits),
    )
