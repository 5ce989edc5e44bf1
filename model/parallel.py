"""Sharing a kernel's range among threads.

Kernels release the interpreter lock and each part writes what no other reads, so results never depend on the number
of threads.

Threads of our own rather than numba's: its barriers spin, and a call took 16 ms where another process held a core.
"""

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

from numba.core import config

LEAST_WORK = 1 << 16
"""Elementary steps, about a nanosecond each, that are worth waking a thread for."""

Part = tuple[int, int]
"""First element and end of a part of a range."""


_limits: list[int] = []


def workers() -> int:
    """Return the threads that share work: the processors this process may use, or NUMBA_NUM_THREADS."""
    return min([config.NUMBA_NUM_THREADS, *_limits])  # pyright: ignore[reportAttributeAccessIssue]


@contextmanager
def limited(threads: int) -> Generator[None]:
    """Share the work of this process among at most so many threads meanwhile, at least 1."""
    _limits.append(max(1, threads))
    try:
        yield
    finally:
        _limits.pop()


def part_count(work: int) -> int:
    """Return into how many parts to cut `work` elementary steps."""
    return max(1, min(workers(), work // LEAST_WORK))


def even_parts(count: int, work: int) -> list[Part]:
    """Return range(count), `work` elementary steps in all, in parts of about equal length."""
    parts = max(1, min(count, part_count(work)))
    return [(count * k // parts, count * (k + 1) // parts) for k in range(parts)]


def run_parts(parts: Sequence[Part], function: Callable[[Part], None]) -> None:
    """Call `function(part)` for every part, the last one in this thread; raise what a part raised."""
    pending = [_pool(os.getpid()).submit(function, part) for part in parts[:-1]]
    if parts:
        function(parts[-1])
    for future in pending:
        future.result()


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the threads of this process: a forked child has none of its parent's."""
    return ThreadPoolExecutor(max(1, workers() - 1), f"normq-{process}")
