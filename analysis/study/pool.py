"""Pieces of work in worker processes; each is kept as it ends, so that all goes on after any interruption."""

import os
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from .store import Key, WorkStore
from .study_folder import open_store

Tasks = dict[Key, tuple[Callable[..., Any], tuple[Any, ...]]]
"""For each row a function and what it is called with."""
Report = Callable[[int, int, str], None]
"""Gets finished and all pieces, and the last one's key."""
Put = Callable[[WorkStore, Key, Any], None]
"""Keeps a result."""


def put(store: WorkStore, key: Key, result: Any) -> None:
    """Keep a result as it is."""
    store.put(*key, result)


def run_tasks(
    tasks: Tasks, folder: Path, processes: int, report: Report, again: Collection[Key] = (), put: Put = put
) -> None:
    """Compute what the store in `folder` lacks, in order, and what is to be computed `again`."""
    store = open_store(folder)
    missing = [key for key in tasks if key not in store or key in again]
    finished = len(tasks) - len(missing)
    report(finished, len(tasks), "")
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_end_with_parent) as executor:
        futures: dict[Future[Any], Key] = {}
        for key in missing:
            function, arguments = tasks[key]
            futures[executor.submit(function, *arguments)] = key
        try:
            for future in as_completed(futures):
                key = futures.pop(future)
                put(store, key, future.result())
                finished += 1
                report(finished, len(tasks), key[1])
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            store.close()


def _end_with_parent() -> None:
    """Let a worker end when the process that started it is killed."""
    parent = parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
