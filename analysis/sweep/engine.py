"""Spreading chunks over workers: in this process, or by Dask on this machine or on a cluster."""

import signal
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from distributed import Client, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from ...model.errors import OptionError
from ...sim.results import SimulationError
from .plan import Answers, Chunk, Engine, Inline, run_chunk
from .single import assignments_of

CONNECT_SECONDS = 30
STAYS = "what was answered before is stored, and the same command goes on from there"


class LostWorkersError(SimulationError):
    """Workers died, of a chunk of points or all of them: the sweep ends, what it stored stays."""


class DaskEngine:
    """Workers of a Dask scheduler."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def answers(self, parts: Sequence[Chunk], digests: Mapping[str, str]) -> Iterator[Answers]:
        """Yield the answers of each chunk as it is done; what is left is canceled when the caller stops.

        Raises LostWorkersError, and what `run_chunk` raises.
        """
        futures = [
            self.client.submit(run_chunk, part, digests, pure=False, priority=-number)
            for number, part in enumerate(parts)
        ]
        try:
            for future in as_completed(futures):
                try:
                    answers: Answers = future.result()
                except KilledWorker as error:
                    raise LostWorkersError(_killed(parts[futures.index(future)], error)) from error
                except CancelledError as error:
                    raise LostWorkersError(f"--scheduler: the connection was lost; {STAYS}") from error
                future.release()
                yield answers
        finally:
            self.client.cancel(futures, force=True)


def _killed(part: Chunk, error: KilledWorker) -> str:
    first = " ".join(assignments_of(part[0].point)) or "the default point"
    others = f" and {len(part) - 1} more" if len(part) > 1 else ""
    return (
        f"workers: {error.allowed_failures + 1} died, as for want of memory, while {first}{others} "
        f"{'were' if others else 'was'} under way; {STAYS}; fewer --workers leave more memory to each"
    )


@contextmanager
def local_engine(workers: int) -> Generator[Engine]:
    """Give an engine of `workers` processes on this machine with one thread each, or this process for 0."""
    if not workers:
        yield Inline()
        return
    # a free port: None takes 8787 all the same, and warns where another sweep has it
    options: dict[str, Any] = {"dashboard_address": ":0", "memory_limit": 0}
    with uninterrupted():
        cluster = LocalCluster(n_workers=workers, threads_per_worker=1, **options)
    with cluster, Client(cluster) as client:
        yield DaskEngine(client)


@contextmanager
def uninterrupted() -> Generator[None]:
    """Let processes that start meanwhile ignore Ctrl-C, which a terminal sends to all of them: this one stops them."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no thread but the main one may say what a signal does
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def remote_engine(address: str) -> Generator[Engine]:
    """Give an engine of the workers of the scheduler at `address`. Raises OptionError where there is none."""
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise OptionError(f"--scheduler: {address!r} given, no Dask scheduler answers there ({error})") from error
    with client:
        yield DaskEngine(client)


def engine(workers: int, scheduler: str | None) -> AbstractContextManager[Engine]:
    """Return the engine of these options."""
    return local_engine(workers) if scheduler is None else remote_engine(scheduler)
