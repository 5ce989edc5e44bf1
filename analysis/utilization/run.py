"""Running the points of the study side by side, keeping each as it is finished."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed

from .row import Measurement
from .spec import PointSpec
from .store import PointStore

Compute = Callable[[PointSpec], list[Measurement]]
Report = Callable[[PointSpec, list[Measurement]], None]


def run_points(
    specs: Sequence[PointSpec], compute: Compute, store: PointStore, executor: Executor, report: Report
) -> list[Measurement]:
    """Return the rows of all points in order, computing in `executor` those that `store` does not have.

    `report` is told of each point as it is finished. What `compute` raises ends the study; finished points stay.
    """
    futures = {executor.submit(compute, spec): spec for spec in specs if store.get(spec) is None}
    try:
        for future in as_completed(futures):
            spec, rows = futures[future], future.result()
            store.put(spec, rows)
            report(spec, rows)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    return [row for spec in specs for row in store.get(spec) or ()]
