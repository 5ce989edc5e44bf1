"""What `normq sweep` does and says."""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ...model.errors import OptionError
from .engine import engine
from .evaluators import FAILED, IMPOSSIBLE, OK
from .run import Progress, Sweep, Tell
from .spec import RtlCheck, read_spec
from .store import SweepStore
from .table import frame_of, write_parquet

REASONS = 5
"""Most frequent reasons that are told."""


@dataclass(frozen=True)
class Outcome:
    """A sweep that came to its end."""

    progress: Progress
    lines: tuple[str, ...]
    """For people."""
    warnings: tuple[str, ...] = ()


def run_sweep(specification: Path, path: Path, workers: int, scheduler: str | None, tell: Tell) -> Outcome:
    """Run a specification into the store at `path`. Raises OptionError; a Ctrl-C leaves every finished chunk."""
    spec = read_spec(specification)
    # a scheduler that is not there leaves no store behind
    with engine(workers, scheduler) as own, closing(SweepStore(path)) as store:
        progress = Sweep(spec, store, own, tell).run()
        reasons = Counter(
            (result.status, result.reason)
            for result in store.latest().values()
            if result.status != "ok" and result.point in progress.statuses
        )
    told = f"{path}: {progress.done} points, {progress.stored} of them known before, "
    lines = [f"{told}{progress.impossible} impossible, {progress.failed} failed"]
    ranked = sorted(reasons.items(), key=lambda item: (item[0][0] != FAILED, -item[1], item[0]))
    lines += [f"  {status}, {count} answers: {reason}" for (status, reason), count in ranked[:REASONS]]
    if len(ranked) > REASONS:
        lines.append(f"  and {len(ranked) - REASONS} other reasons, in the table")
    if spec.rtl.count:
        lines.append(_rtl_told(spec.rtl, progress))
    return Outcome(progress, tuple(lines), _warnings(spec.rtl, progress))


def _rtl_told(check: RtlCheck, progress: Progress) -> str:
    ended = Counter(progress.rtl[point] for point in progress.drawn)
    told = f"RTL ran {ended[OK]} of {check.count} asked points"
    agreed = ", all counters as the timing model's" if ended[OK] else ""
    return told + agreed + "".join(f"; {ended[status]} {status}" for status in (FAILED, IMPOSSIBLE) if ended[status])


def _warnings(check: RtlCheck, progress: Progress) -> tuple[str, ...]:
    if len(progress.drawn) >= check.count:
        return ()
    return (
        f"warning: rtl.count: {check.count} given, {len(progress.drawn)} points could be drawn, expected as many that "
        f"the timing model finds possible, that are different runs of the engine, and that have "
        f"hidden_states <= {check.greatest_hidden_states} and lanes <= {check.greatest_lanes}",
    )


def export(path: Path, parquet: Path) -> str:
    """Write the store's table as Parquet and return what was written. Raises OptionError."""
    with closing(SweepStore(path)) as store:
        frame = frame_of(store)
    try:
        write_parquet(frame, parquet)
    except OSError as error:
        raise OptionError(f"--parquet: {parquet} cannot be written ({error.strerror})") from error
    impossible = int((frame["status"] == IMPOSSIBLE).sum())
    return f"{parquet}: {len(frame)} rows, {impossible} of them impossible points"
