"""Measuring one point: every operation on n and on 2n groups in RTL, each bit compared with golden."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ...model.config import AcceleratorConfig
from ...model.formats import CODE_BYTES
from ...model.golden.constants import Operation
from ...model.golden.operations import GoldenModel
from ...model.golden.vectors import Codes, Scores, Vectors
from ...model.packing.directory import directory_of
from ...rtl.operation import Status
from ...sim.descriptors import Job, ModelImage
from ...sim.memory.map import MemoryMap
from ...sim.operand import place_vectors
from ...sim.read_back import read_scores, read_vectors
from ...sim.results import SimulationError
from ...sim.session import JobOutcome, build_native_engine, run_jobs
from ...sim.trial import score_difference, vector_difference
from ..roofline import Roofline, column_bytes, operand, roofline, stored_outputs
from .models import consumed_tokens, study_model, study_vectors
from .row import Measurement, steady
from .spec import PointSpec, build_name

STEADY_GROUPS = 4
LONG_GROUP_CYCLES = 50_000
"""A group that takes longer is measured with n = 1."""
MEMORY_BYTES = 1 << 26
"""Simulated memory at least, so that the points of a build share its simulator."""
LEAST_LIMIT_CYCLES, SLOWEST = 2_000_000, 4
"""A run may take so many times the sum of all terms: a hang ends in time."""
PRODUCTS = "scores of products"


@dataclass(frozen=True)
class Operand:
    """What one operation is run on."""

    name: str
    operation: Operation
    vectors: Vectors
    tokens: Codes | None
    second: Vectors | None
    expected: Callable[[], Vectors | Scores]


@dataclass(frozen=True)
class Case:
    """One operation with its roofline and n."""

    operand: Operand
    line: Roofline
    groups: int


def compute_point(spec: PointSpec, memory_bytes: int = MEMORY_BYTES) -> list[Measurement]:
    """Measure every operation of a point.

    Raises SimulationError where a job fails or any bit differs from golden, and as `run_jobs`.
    """
    config = spec.build
    golden = GoldenModel(study_model(spec), config.code)
    memory = MemoryMap()
    image = ModelImage(config, golden.packed, memory)
    loads, cases = image.loads(), _cases(golden, config)
    jobs = [_job(image, case.operand, count * config.lanes) for case in cases for count in _counts(case)]
    bench = build_native_engine(config, max(memory_bytes, memory.size))
    limit = LEAST_LIMIT_CYCLES + int(SLOWEST * sum(3 * case.groups * case.line.total for case in cases))
    with tempfile.TemporaryDirectory() as folder:
        outcome = run_jobs(bench, config, memory, [*loads, *jobs], Path(folder), limit_cycles=limit)
    done = outcome.jobs[len(loads) :]
    rows: list[Measurement] = []
    for case, few, many in zip(cases, done[::2], done[1::2], strict=True):
        for ended in (few, many):
            _check(case.operand, ended, outcome.dump, config.lanes)
        rows.append(_measurement(spec, golden, case, few, many))
    return rows


def _counts(case: Case) -> tuple[int, int]:
    return case.groups, 2 * case.groups


def _cases(golden: GoldenModel, config: AcceleratorConfig) -> list[Case]:
    """Every operation; tokens of the second half are those of the first, so that both halves are alike."""
    packed, batch = golden.packed, 2 * STEADY_GROUPS * config.lanes
    vectors, text = study_vectors(golden, batch), consumed_tokens(golden, batch // 2, 0)
    cases: list[Case] = []
    for operation in Operation:
        line = roofline(config, packed, operation)
        groups = 1 if line.bound > LONG_GROUP_CYCLES else STEADY_GROUPS
        half = groups * config.lanes
        taken, tokens = vectors.take(np.arange(2 * half)), np.tile(text[:half], 2)
        if operation is Operation.FORWARD:
            columns = column_bytes(packed.beta_by_token, directory_of(packed.beta_by_token), tokens)
            line = roofline(config, packed, operation, float(columns.sum()) / (2 * groups))
            expected = partial(golden.forward, taken, tokens)
            cases.append(Case(Operand(operation.value, operation, taken, tokens, None, expected), line, groups))
        elif operation is Operation.BACKWARD:
            weighted = golden.forward_input(taken, tokens)
            expected = partial(golden.backward, weighted)
            cases.append(Case(Operand(operation.value, operation, weighted, None, None, expected), line, groups))
        else:
            expected = partial(golden.scores, taken)
            cases.append(Case(Operand(operation.value, operation, taken, None, None, expected), line, groups))
            other = taken.take(np.roll(np.arange(2 * half), 1))
            more = replace(line, read=line.read + half * CODE_BYTES * taken.length / groups / config.port_bytes)
            products = partial(golden.product_scores, taken, other)
            cases.append(Case(Operand(PRODUCTS, operation, taken, None, other, products), more, groups))
    return cases


def _job(image: ModelImage, run: Operand, batch: int) -> Job:
    rows = np.arange(batch)
    second = None if run.second is None else place_vectors(image.memory, run.second.take(rows))
    tokens = None if run.tokens is None else run.tokens[:batch]
    return image.operation(run.operation, run.vectors.take(rows), tokens, second=second)


def _check(run: Operand, done: JobOutcome[Job], dump: bytes, lanes: int) -> None:
    """Raise SimulationError unless a job ended well with every bit as golden has it."""
    if done.status is not Status.DONE:
        raise SimulationError(f"{run.name}: ended as {done.status.name}, expected DONE")
    expected, batch = run.expected(), done.job.batch
    if isinstance(expected, Scores):
        part = Scores(expected.leak[:batch], expected.codes[:, :batch], expected.exponents[:batch])
        difference = score_difference(run.name, read_scores(done.job, dump, lanes), part)
    else:
        part = expected.take(np.arange(batch))
        difference = vector_difference(run.name, read_vectors(done.job, dump, lanes), part)
    if difference:
        raise SimulationError(f"RTL and golden differ: {difference}")


def _measurement(
    spec: PointSpec, golden: GoldenModel, case: Case, few: JobOutcome[Job], many: JobOutcome[Job]
) -> Measurement:
    counters = steady(few.counters, many.counters, case.groups)
    return Measurement(
        build=build_name(spec.build),
        lanes=spec.build.lanes,
        hidden=spec.hidden,
        bits=spec.bits,
        layout=spec.layout.value,
        operation=case.operand.name,
        vocab=spec.vocab,
        scored=golden.packed.vocab_size,
        steady_groups=case.groups,
        cycles=counters["engine.cycles"],
        terms=asdict(case.line),
        bytes_per_group={name: value for name, value in counters.items() if name.startswith(("read.", "write."))},
        records=stored_outputs(operand(golden.packed, case.operand.operation)),
    )
