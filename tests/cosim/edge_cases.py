"""Edge weights and edge sums for the simulated engine, and the comparison with the golden model."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import ZERO_EXPONENT
from normq.model.golden.edges import Term, edge_sums, edge_weights, other_edge_weights
from normq.model.golden.vectors import Vectors
from normq.rtl.operation import Status, descriptor_layout
from normq.sim.descriptors import Job, ModelImage
from normq.sim.edge_descriptors import RESULT_LANES, ConstraintImage, Edge, StoredTerm
from normq.sim.memory.image import poison
from normq.sim.memory.map import MemoryMap
from normq.sim.operand import StoredVectors, place_vectors
from normq.sim.read_back import read_vectors
from normq.sim.session import MemoryBehavior, Outcome, run_jobs
from normq.tests.cosim.engine_cases import LIMIT_CYCLES, MEMORY_BYTES, check_counters, simulator
from normq.tests.model.golden_cases import Model, vectors_of

same: Any = np.testing.assert_array_equal
Pair = tuple[int, int | None]
"""Two vectors of a pool, by number, or one."""


def pool_of(length: int, code: Any, seed: int) -> Vectors:
    """Adversarial vectors three times: exponents equal, near one another, far apart."""
    rng = np.random.default_rng([seed, length])
    vectors = vectors_of(length, code, seed)
    near, far = (rng.integers(-reach, reach + 1, vectors.batch) for reach in (40, 16000))
    spreads = [np.full(vectors.batch, 7), near, far]
    exponents = np.concatenate(spreads).astype(np.int32)
    codes = np.concatenate([vectors.codes] * len(spreads))
    exponents[~codes.any(axis=1)] = ZERO_EXPONENT
    return Vectors(codes, exponents)


def random_terms(rng: np.random.Generator, pool: Vectors, count: int) -> list[Pair]:
    """One exponent for all, or any; a third of the terms have one factor."""
    some = pool.batch // 3 * int(rng.integers(1, 4))
    first, second = (rng.integers(0, some, count) for _ in range(2))
    return [(int(a), None if rng.random() < 0.33 else int(b)) for a, b in zip(first, second, strict=True)]


def random_edges(rng: np.random.Generator, vocab: int, count: int) -> list[Edge]:
    """Edges of one token, of some, of all but one, and what is left of them."""
    sizes = [1, min(3, vocab), max(1, vocab // 3), vocab - 1, vocab]
    edges: list[Edge] = []
    for number in range(count):
        size = sizes[number % len(sizes)]
        tokens = tuple(int(token) for token in rng.permutation(vocab)[:size])
        edges.append(Edge(tokens, bool(rng.integers(2)) and size < vocab))
    return edges


@dataclass
class EdgeSession:
    """One simulation run in the making: `run` compares every byte that comes out."""

    config: AcceleratorConfig
    memory: MemoryMap = field(default_factory=MemoryMap)
    jobs: list[Job] = field(default_factory=list[Job])
    expected: dict[int, Vectors] = field(default_factory=dict[int, Vectors])

    def image(self, model: Model, layout: Layout) -> ConstraintImage:
        """Place a model and bring its tables on chip."""
        image = ModelImage(self.config, model.golden(layout).packed, self.memory)
        self.jobs += image.loads()
        return ConstraintImage(image)

    def add_weights(self, image: ConstraintImage, model: Model, layout: Layout, edges: Sequence[Edge]) -> None:
        """One job and what golden says of each edge."""
        golden = model.golden(layout)
        weights = [
            (other_edge_weights if edge.others else edge_weights)(golden, [np.array(edge.tokens, np.int64)])
            for edge in edges
        ]
        self.add(image.weights(edges), weights)

    def add_sums(self, image: ConstraintImage, pool: Vectors, sums: Sequence[Sequence[Pair]]) -> Job:
        """One job and what golden says of each sum."""
        stored = place_vectors(self.memory, pool)
        jobs = image.sums([[_stored(stored, pair) for pair in terms] for terms in sums])
        return self.add(jobs, [golden_sum(self.config, pool, terms) for terms in sums])

    def changed(self, job: Job, **fields: int) -> Job:
        """The job with other values in its descriptor."""
        content = _with_fields(self.memory.constant(job.descriptor), 0, descriptor_layout(), fields)
        return replace(job, name=f"{job.name} with {_named(fields)}", descriptor=self.memory.place(content))

    def with_list(self, job: Job, layout: Any, offset: int, **fields: int) -> Job:
        """The job with other values in the structure at `offset` of its list."""
        place = descriptor_layout()["stream"].offset // 8
        at = int.from_bytes(self.memory.constant(job.descriptor)[place : place + 8], "little")
        stream = self.memory.place(_with_fields(self.memory.constant(at), offset, layout, fields))
        return replace(self.changed(job, stream=stream), name=f"{job.name} with {_named(fields)} at {offset}")

    def add(self, job: Job, expected: Sequence[Vectors]) -> Job:
        codes = np.concatenate([vectors.codes for vectors in expected])
        exponents = np.concatenate([vectors.exponents for vectors in expected])
        self.expected[len(self.jobs)] = Vectors(codes, exponents)
        self.jobs.append(job)
        return job

    def run(self, folder: Path, behavior: MemoryBehavior | None = None) -> Outcome:
        """Simulate; every job must end well and leave exactly the golden bytes."""
        assert self.memory.size <= MEMORY_BYTES
        outcome = run_jobs(simulator(self.config), self.config, self.memory, self.jobs, folder, behavior, LIMIT_CYCLES)
        for number, done in enumerate(outcome.jobs):
            assert (number, done.job.name, done.status) == (number, done.job.name, Status.DONE)
            check_counters(done)
            if number in self.expected:
                found, expected = read_vectors(done.job, outcome.dump, RESULT_LANES), self.expected[number]
                same(found.exponents, expected.exponents)
                same(found.codes, expected.codes)
                _check_margins(done.job, outcome.dump)
        return outcome


def golden_sum(config: AcceleratorConfig, pool: Vectors, terms: Sequence[Pair]) -> Vectors:
    def one(number: int) -> Vectors:
        return pool.take(np.array([number]))

    return edge_sums([Term(one(a), None if b is None else one(b)) for a, b in terms], config.code)


def _named(fields: dict[str, int]) -> str:
    return ", ".join(f"{name}={value}" for name, value in fields.items())


def _with_fields(content: bytes, offset: int, layout: Any, fields: dict[str, int]) -> bytes:
    value = int.from_bytes(content, "little")
    for name, new in fields.items():
        place, mask = 8 * offset + layout[name].offset, (1 << layout[name].width) - 1
        value = value & ~(mask << place) | (new & mask) << place
    return value.to_bytes(len(content), "little")


def _stored(stored: StoredVectors, pair: Pair) -> StoredTerm:
    first, second = pair
    return StoredTerm(stored.take([first]), None if second is None else stored.take([second]))


def _check_margins(job: Job, dump: bytes) -> None:
    """Poison behind every vector and header."""
    assert job.vectors is not None
    assert job.results is not None
    stride = job.vectors.size // job.batch
    for vector in range(job.batch):
        for start, used, size in (
            (job.vectors.address + vector * stride, 2 * job.outputs, stride),
            (job.results.address + vector * job.result_stride, 4, job.result_stride),
        ):
            assert dump[start + used : start + size] == poison(size - used, start + used)
