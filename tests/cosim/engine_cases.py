"""Jobs for the simulated engine together with what the golden model says of them, and the comparison of both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import CODE_BYTES, ZERO_EXPONENT
from normq.model.golden.constants import Operation
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import Codes, Vectors
from normq.rtl.operation import Status
from normq.sim.build import Simulator
from normq.sim.descriptors import Job, ModelImage
from normq.sim.memory.image import poison
from normq.sim.memory.map import MemoryMap
from normq.sim.operand import StoredVectors
from normq.sim.read_back import read_scores, read_vectors, unused_lanes
from normq.sim.session import JobOutcome, MemoryBehavior, Outcome, build_engine, run_jobs
from normq.tests.model.golden_cases import Model, vectors_of

MEMORY_BYTES = 1 << 22
"""One size for every run, so that a configuration is built once."""
LIMIT_CYCLES = 3_000_000
same: Any = np.testing.assert_array_equal
Check = Callable[[bytes], None]

STALLS = MemoryBehavior(3, 2, 0, ar_stall=90, r_stall=110, aw_stall=130, w_stall=110, b_stall=130, stall_seed=11)
SLOW = MemoryBehavior(latency=200, write_latency=90, gap=3)
AT_ONCE = MemoryBehavior(latency=1, write_latency=1)
UNEVEN = (
    MemoryBehavior(60, 30, 0, r_stall=200, stall_seed=5),
    MemoryBehavior(1, 1, 0, w_stall=220, stall_seed=6),
    MemoryBehavior(10, 50, 0, ar_stall=230, b_stall=230, stall_seed=7),
    MemoryBehavior(5, 5, 1, aw_stall=230, stall_seed=8),
)
"""One side slow at a time."""


def simulator(config: AcceleratorConfig) -> Simulator:
    """The compiled engine of a configuration."""
    return build_engine(config, MEMORY_BYTES)


def operands(model: Model, batch: int, seed: int) -> tuple[Vectors, Codes]:
    """`batch` vectors, adversarial ones first, in an order that the seed shuffles; and a token for each."""
    rng = np.random.default_rng([seed, batch])
    pool = vectors_of(model.shape[0], model.code, seed)
    order = rng.permutation(pool.batch)
    tokens = rng.integers(0, model.shape[1], batch).astype(np.uint16)
    return pool.take(np.resize(order, batch)), tokens


@dataclass
class Session:
    """One simulation run in the making: models and jobs go in, `run` compares every byte that comes out."""

    config: AcceleratorConfig
    memory: MemoryMap = field(default_factory=MemoryMap)
    jobs: list[Job] = field(default_factory=list[Job])
    checks: list[tuple[Job, Check]] = field(default_factory=list[tuple[Job, Check]])

    def load(self, golden: GoldenModel) -> ModelImage:
        """Place a model and bring its tables on chip."""
        image = ModelImage(self.config, golden.packed, self.memory)
        for job in image.loads():
            self.jobs.append(job)
        return image

    def add_model(self, model: Model, layout: Layout, batches: Sequence[int], seed: int = 0) -> None:
        """All three operations on each batch size, every vector compared with the golden model's."""
        golden = model.golden(layout)
        image = self.load(golden)
        for batch in batches:
            vectors, tokens = operands(model, batch, seed)
            for operation in Operation:
                self.add(golden, image, operation, vectors, tokens)

    def add(
        self,
        golden: GoldenModel,
        image: ModelImage,
        operation: Operation,
        vectors: Vectors,
        tokens: Codes,
        stored: StoredVectors | None = None,
    ) -> Job:
        """One job, on vectors that are `stored` or are laid down, and its comparison."""
        job = image.operation(operation, stored or vectors, tokens if operation is Operation.FORWARD else None)
        self.jobs.append(job)
        if operation is Operation.SCORES:
            scores = golden.scores(vectors)
            expected_header = list(zip(scores.leak.tolist(), scores.exponents.tolist(), strict=True))

            def check_scores(dump: bytes) -> None:
                found = read_scores(job, dump, self.config.lanes)
                same(found.codes, scores.codes)
                same(found.leak, scores.leak)
                same(found.exponents, scores.exponents)
                self._check_margins(job, dump, expected_header)

            self.checks.append((job, check_scores))
        else:
            result = golden.forward(vectors, tokens) if operation is Operation.FORWARD else golden.backward(vectors)

            def check_vectors(dump: bytes) -> None:
                found = read_vectors(job, dump, self.config.lanes)
                same(found.codes, result.codes)
                same(found.exponents, result.exponents)
                self._check_margins(job, dump, [(0, exponent) for exponent in result.exponents.tolist()])

            self.checks.append((job, check_vectors))
        return job

    def run(self, folder: Path, behavior: MemoryBehavior | None = None, limit_cycles: int = LIMIT_CYCLES) -> Outcome:
        """Simulate; every job must end well and leave exactly the golden bytes."""
        assert self.memory.size <= MEMORY_BYTES
        outcome = run_jobs(simulator(self.config), self.config, self.memory, self.jobs, folder, behavior, limit_cycles)
        for done in outcome.jobs:
            assert (done.job.name, done.status) == (done.job.name, Status.DONE)
            check_counters(done)
        for _, check in self.checks:
            check(outcome.dump)
        return outcome

    def _check_margins(self, job: Job, dump: bytes, header: list[tuple[int, int]]) -> None:
        """Headers of used lanes, zeros in unused ones, and poison behind every vector and group of results."""
        lanes = self.config.lanes
        assert job.results is not None
        expected = header + [(0, ZERO_EXPONENT)] * (-len(header) % lanes)
        assert unused_lanes(job, dump, lanes) == expected[len(header) :]
        size = 2 * CODE_BYTES * lanes
        if job.vectors is None:
            size += job.records * self.config.record_bytes
        else:
            stride = job.vectors.size // job.batch
            for vector in range(job.batch):
                _check_poison(dump, job.vectors.address + vector * stride, job.outputs * CODE_BYTES, stride)
        for group in range(-(-job.batch // lanes)):
            start = job.results.address + group * job.result_stride
            _check_poison(dump, start, size, job.result_stride)


def check_counters(done: JobOutcome) -> None:
    """In every cycle of a descriptor the gather stage did exactly one thing."""
    counters = done.counters
    states = ("busy", "stall_input", "stall_output", "stall_memory", "idle")
    assert sum(counters[f"gather.{state}"] for state in states) == counters["engine.cycles"], done.job.name


def _check_poison(dump: bytes, start: int, used: int, size: int) -> None:
    assert dump[start + used : start + size] == poison(size - used, start + used)
