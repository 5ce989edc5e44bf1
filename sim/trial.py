"""Operations that run in simulation and on the golden model, and the first bit in which they differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..model.config import AcceleratorConfig, Layout
from ..model.golden.constants import Operation
from ..model.golden.operations import GoldenModel
from ..model.golden.vectors import Codes, Scores, Vectors
from ..rtl.operation import Status
from .descriptors import Job, ModelImage
from .memory.map import MemoryMap
from .plan import EngineBench
from .read_back import read_scores, read_vectors
from .session import JobOutcome, MemoryBehavior, run_jobs

LEAST_LIMIT_CYCLES = 200_000
SLOWEST = 4
"""A run may take so many cycles for each entry and each element of each lane's vectors."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One operation on a batch of vectors."""

    operation: Operation
    vectors: Vectors
    tokens: Codes
    """[B] uint16, the token that each vector consumes; used by forward only."""


@dataclass(frozen=True)
class Verdict:
    """What the RTL made of a trial."""

    operation: Operation
    batch: int
    status: Status
    counters: dict[str, int]
    difference: str | None
    """The first output in which the RTL differs from the golden model; None where every bit is equal."""

    @property
    def cycles(self) -> int:
        """Cycles from the descriptor's start to its end."""
        return self.counters["engine.cycles"]


@dataclass(frozen=True)
class Verdicts:
    """All trials of one simulation."""

    trials: tuple[Verdict, ...]
    cycles: int
    """Simulated cycles with a descriptor at work, loading included."""
    seconds: float
    """Wall-clock time of the descriptors, without the simulator's start."""


def run_trials(
    bench: EngineBench,
    config: AcceleratorConfig,
    golden: GoldenModel,
    trials: Sequence[Trial],
    folder: Path,
    behavior: MemoryBehavior | None = None,
    trace: Path | None = None,
) -> Verdicts:
    """Load the model, run `trials` in order in one simulation, and compare each with the golden model.

    `folder` receives the log, the memory's image and its dump, `trace` a record of each burst. Raises
    SimulationError and CorruptedMemoryError as `run_jobs`.
    """
    memory = MemoryMap()
    image = ModelImage(config, golden.packed, memory)
    loads = image.loads()
    jobs = [image.operation(trial.operation, trial.vectors, _consumed(trial)) for trial in trials]
    limit = max(_limit_cycles(config, golden, trial) for trial in trials)
    outcome = run_jobs(bench, config, memory, [*loads, *jobs], folder, behavior, limit, trace)
    done = outcome.jobs[len(loads) :]
    verdicts = tuple(
        _verdict(trial, job, golden, outcome.dump, config.lanes) for trial, job in zip(trials, done, strict=True)
    )
    return Verdicts(verdicts, outcome.cycles, outcome.seconds)


def trial_bytes(config: AcceleratorConfig, golden: GoldenModel, trials: Sequence[Trial]) -> int:
    """Return the bytes of simulated memory that `trials` need."""
    memory = MemoryMap()
    image = ModelImage(config, golden.packed, memory)
    image.loads()
    for trial in trials:
        image.operation(trial.operation, trial.vectors, _consumed(trial))
    return memory.size


def _limit_cycles(config: AcceleratorConfig, golden: GoldenModel, trial: Trial) -> int:
    """Return cycles that no sound run of a trial takes, however the memory stalls: a hang ends in time."""
    packed = golden.packed
    outputs = packed.vocab_size if trial.operation is Operation.SCORES else packed.hidden_states
    matrix = packed.beta_by_token if trial.operation is Operation.SCORES else packed.alpha_by_row
    entries = packed.hidden_states * outputs if matrix.layout is Layout.DENSE else matrix.entries
    groups = -(-trial.vectors.batch // config.lanes)
    per_group = entries + 4 * config.lanes * (packed.hidden_states + outputs)
    return LEAST_LIMIT_CYCLES + SLOWEST * groups * per_group


def _consumed(trial: Trial) -> Codes | None:
    return trial.tokens if trial.operation is Operation.FORWARD else None


def _verdict(trial: Trial, done: JobOutcome[Job], golden: GoldenModel, dump: bytes, lanes: int) -> Verdict:
    difference = _difference(trial, done.job, golden, dump, lanes)
    if done.status is not Status.DONE:
        difference = f"{done.job.name}: ended as {done.status.name}, expected DONE"
    return Verdict(trial.operation, trial.vectors.batch, done.status, done.counters, difference)


def _difference(trial: Trial, job: Job, golden: GoldenModel, dump: bytes, lanes: int) -> str | None:
    if trial.operation is Operation.SCORES:
        found, expected = read_scores(job, dump, lanes), golden.scores(trial.vectors)
        return score_difference(job.name, found, expected)
    if trial.operation is Operation.FORWARD:
        expected = golden.forward(trial.vectors, trial.tokens)
    else:
        expected = golden.backward(trial.vectors)
    return vector_difference(job.name, read_vectors(job, dump, lanes), expected)


def vector_difference(name: str, found: Vectors, expected: Vectors) -> str | None:
    """Return the first exponent or code in which two batches differ, or None."""
    return _first(f"{name}: exponent of vector", found.exponents, expected.exponents) or _first(
        f"{name}: code of vector, element", found.codes, expected.codes
    )


def score_difference(name: str, found: Scores, expected: Scores) -> str | None:
    """Return the first exponent, leak or record in which two batches of scores differ, or None."""
    return (
        _first(f"{name}: exponent of vector", found.exponents, expected.exponents)
        or _first(f"{name}: leak of vector", found.leak, expected.leak)
        or _first(f"{name}: code of record, vector", found.codes, expected.codes)
    )


def _first(what: str, found: npt.NDArray[np.integer], expected: npt.NDArray[np.integer]) -> str | None:
    if found.shape != expected.shape:
        return f"{what}: the RTL gave {list(found.shape)} of them, golden {list(expected.shape)}"
    wrong = np.argwhere(found != expected)
    if not wrong.size:
        return None
    place = tuple(int(i) for i in wrong[0])
    where = ", ".join(str(i) for i in place)
    return f"{what} {where} is {int(found[place])}, golden has {int(expected[place])} ({len(wrong)} differ)"
