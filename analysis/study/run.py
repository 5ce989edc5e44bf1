"""The study's work in two processes; what is finished is kept, so that it goes on after any interruption."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from ...model.decoding.engine import EosMode
from .bit_texts import golden_texts, rtl_texts
from .checks import HIDDEN, latency
from .compute import compute_metrics, compute_texts
from .concepts import SETS
from .spec import (
    CHUNK,
    FEW_WIDTHS,
    GOLDEN_CHUNKS,
    INTERVALS,
    SEEDS,
    Configuration,
    golden_check,
    golden_configurations,
    rtl_check,
    rtl_configurations,
)
from .store import WorkStore
from .training import train_aware, train_seed

TEXTS, METRICS, CURVE, CHECK = "texts", "metrics", "curve", "check"
CHUNKS = (SETS + CHUNK - 1) // CHUNK
DATABASE = "study.sqlite"


Tasks = dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]
"""By key, a function and what it is called with."""


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
    """Yield all work in order: a configuration's metrics, then its chunks."""
    for one in configurations:
        yield Work(METRICS, one)
        if one.has_texts:
            yield from (Work(TEXTS, one, chunk) for chunk in range(CHUNKS))


def run_study(
    configurations: Sequence[Configuration], folder: Path, processes: int, report: Callable[[int, int, str], None]
) -> None:
    """Compute what the store in `folder` lacks; `report` gets finished and all work, and the last one's name."""
    store = WorkStore(folder / DATABASE)
    everything = list(work_of(configurations))
    done = {kind: store.keys(kind) for kind in (TEXTS, METRICS)}
    missing = [work for work in everything if work.key not in done[work.kind]]
    finished = len(everything) - len(missing)
    report(finished, len(everything), "")
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_end_with_parent) as executor:
        futures: dict[Future[Any], Work] = {executor.submit(_compute, work, str(folder)): work for work in missing}
        try:
            for future in as_completed(futures):
                work = futures.pop(future)
                store.put(work.kind, work.key, future.result())
                finished += 1
                report(finished, len(everything), work.key)
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            store.close()


def run_training(folder: Path, processes: int, report: Callable[[int, int, str], None]) -> None:
    """Train what the store in `folder` lacks: the seeds, then aware EM from the first of them."""
    seeds: Tasks = {f"seed-{seed}": (train_seed, (seed, folder)) for seed in SEEDS}
    aware: Tasks = {f"aware-{b}-{k}": (train_aware, (b, k, folder)) for k in INTERVALS for b in FEW_WIDTHS}
    for tasks in (seeds, aware):
        _run_tasks(CURVE, tasks, folder, processes, report)


def run_checks(folder: Path, processes: int, report: Callable[[int, int, str], None]) -> None:
    """Compute what the store in `folder` lacks of golden's texts, of those in RTL, and of the latencies."""
    tasks: Tasks = {}
    for one in sorted(golden_configurations(), key=_importance):
        for chunk in range(GOLDEN_CHUNKS):
            tasks[f"{golden_check(one)} | {chunk}"] = golden_texts, (one, chunk)
        if one in rtl_configurations():
            tasks[rtl_check(one)] = rtl_texts, (one,)
    latencies: Tasks = {f"latency-{hidden}": (latency, (hidden,)) for hidden in HIDDEN}
    _run_tasks(CHECK, tasks, folder, processes, report)
    # alone: another process on the machine would be measured too
    _run_tasks(CHECK, latencies, folder, 1, report)


def _importance(one: Configuration) -> tuple[bool, bool, int]:
    """Order by width, so that every method has something early."""
    bits = one.bits or 0
    return (
        one.guard or one.row_mass_leak or one.eos is not EosMode.EVENT,
        bits not in FEW_WIDTHS,
        (4, 8, 3, 2, 5, 6, 7).index(bits),
    )


def _run_tasks(kind: str, tasks: Tasks, folder: Path, processes: int, report: Callable[[int, int, str], None]) -> None:
    store = WorkStore(folder / DATABASE)
    done = store.keys(kind) & tasks.keys()
    finished = len(done)
    report(finished, len(tasks), "")
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_end_with_parent) as executor:
        futures: dict[Future[Any], str] = {
            executor.submit(function, *arguments): name
            for name, (function, arguments) in tasks.items()
            if name not in done
        }
        try:
            for future in as_completed(futures):
                store.put(kind, futures[future], future.result())
                finished += 1
                report(finished, len(tasks), futures[future])
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            store.close()


def _compute(work: Work, folder: str) -> Any:
    if work.kind == METRICS:
        return compute_metrics(work.configuration, folder)
    return compute_texts(work.configuration, work.chunk, folder)


def _end_with_parent() -> None:
    """Let a worker end when the process that started it is killed."""
    parent = parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
