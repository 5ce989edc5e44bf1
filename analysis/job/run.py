"""Running the rows side by side, keeping each as it is finished."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed
from typing import Any, Protocol, TypeVar

from .store import Record, RowStore


class Specification(Protocol):
    """What one row is computed from."""

    @property
    def length(self) -> tuple[Any, ...]:
        """How long the row takes, to compare with others."""
        ...


S = TypeVar("S", bound=Specification)
R = TypeVar("R", bound=Record)


def run_rows(
    specs: Sequence[S],
    compute: Callable[[S], R],
    store: RowStore[R],
    executor: Executor,
    report: Callable[[S, R], None],
) -> list[R]:
    """Return the rows of `specs` in order, computing in `executor` those that `store` does not have.

    Long rows come first, so that no worker is left alone with one at the end. `report`
    is told of each row as it is finished. What `compute` raises ends the job; finished rows stay stored.
    """
    missing = sorted((spec for spec in specs if store.get(spec) is None), key=lambda spec: spec.length, reverse=True)
    futures = {executor.submit(compute, spec): spec for spec in missing}
    try:
        for future in as_completed(futures):
            spec, row = futures[future], future.result()
            store.put(spec, row)
            report(spec, row)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    return [row for spec in specs if (row := store.get(spec)) is not None]
