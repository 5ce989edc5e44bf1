"""Running the rows side by side, keeping each as it is finished."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed

from ...model.config import Layout
from .row import Row
from .spec import RowSpec
from .store import RowStore

Compute = Callable[[RowSpec], Row]
Report = Callable[[RowSpec, Row], None]


def run_rows(
    specs: Sequence[RowSpec], compute: Compute, store: RowStore, executor: Executor, report: Report
) -> list[Row]:
    """Return the rows of `specs` in order, computing in `executor` those that `store` does not have.

    `report` is told of each row as it is finished. What `compute` raises ends the job; finished rows stay stored.
    """
    missing = sorted((spec for spec in specs if store.get(spec) is None), key=_length, reverse=True)
    futures = {executor.submit(compute, spec): spec for spec in missing}
    try:
        for future in as_completed(futures):
            spec, row = futures[future], future.result()
            store.put(spec, row)
            report(spec, row)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    return [row for spec in specs if (row := store.get(spec)) is not None]


def _length(spec: RowSpec) -> tuple[bool, int, int]:
    """Long rows first, so that no worker is left alone with one at the end."""
    return spec.layout is Layout.DENSE, spec.hidden * (2 * spec.hidden + spec.vocab), spec.bits
