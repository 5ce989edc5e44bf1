"""Edge descriptors that cannot be run to their end: each ends with its status, and the next one is right."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from normq.model.config import Layout
from normq.model.golden.vectors import Vectors
from normq.rtl.constraint.layouts import EDGE_BYTES, MOST_TERMS, edge_layout, term_layout
from normq.rtl.operation import Status, column_record_layout
from normq.sim.descriptors import Job
from normq.sim.edge_descriptors import RESULT_LANES, ConstraintImage, Edge
from normq.sim.memory.image import poison
from normq.sim.read_back import read_vectors
from normq.sim.session import MemoryBehavior, run_jobs
from normq.tests.cosim.edge_cases import EdgeSession, Pair, golden_sum, pool_of, same
from normq.tests.cosim.engine_cases import LIMIT_CYCLES, STALLS, check_counters, simulator
from normq.tests.cosim.test_engine_equality import CONFIGS
from normq.tests.model.golden_cases import random_model

CONFIG = CONFIGS[2]
HIDDEN, VOCAB = 100, 77
OUTSIDE = 1 << 39
HEAD, COLUMN, TERM = edge_layout(), column_record_layout(), term_layout()
FIRST_ITEM = EDGE_BYTES
TERMS: list[Pair] = [(1, 2), (3, None), (4, 5)]


@dataclass
class EdgeFaults:
    """Faulty jobs in one simulation, a good one behind each."""

    layout: Layout
    session: EdgeSession = field(default_factory=lambda: EdgeSession(CONFIG))
    expected: list[Status] = field(default_factory=list[Status])
    silent: list[Job] = field(default_factory=list[Job])

    def __post_init__(self) -> None:
        self.model = random_model(HIDDEN, VOCAB, 4, CONFIG.code, 0.2, 4)
        self.image: ConstraintImage = self.session.image(self.model, self.layout)
        self.pool: Vectors = pool_of(HIDDEN, CONFIG.code, 1)
        self.expected += [Status.DONE] * len(self.session.jobs)
        nonempty = np.flatnonzero(self.model.beta.any(axis=0))[:3]
        self.edges = [Edge(tuple(int(token) for token in nonempty), others=True), Edge((int(nonempty[0]),))]

    def weights(self) -> Job:
        """A right job of two edges, three columns in the first."""
        self.session.add_weights(self.image, self.model, self.layout, self.edges)
        return self._withdrawn()

    def sums(self) -> Job:
        """A right job of two sums, three terms in the first."""
        return self.sum_of(TERMS, TERMS[:1])

    def sum_of(self, *sums: Sequence[Pair]) -> Job:
        """A right job of these sums."""
        self.session.add_sums(self.image, self.pool, sums)
        return self._withdrawn()

    def add(self, job: Job, status: Status, *, silent: bool = False) -> None:
        self.session.jobs.append(job)
        self.expected.append(status)
        if silent:
            self.silent.append(job)
        if len(self.expected) % 4 < 2:
            self.session.add_weights(self.image, self.model, self.layout, self.edges)
        else:
            self.session.add_sums(self.image, self.pool, [TERMS, TERMS[:1]])
        self.expected.append(Status.DONE)

    def run(self, folder: Path, behavior: MemoryBehavior | None = None) -> None:
        session = self.session
        outcome = run_jobs(simulator(CONFIG), CONFIG, session.memory, session.jobs, folder, behavior, LIMIT_CYCLES)
        found = [(done.job.name, done.status) for done in outcome.jobs]
        assert found == [(job.name, status) for job, status in zip(session.jobs, self.expected, strict=True)]
        for number, done in enumerate(outcome.jobs):
            check_counters(done)
            if number in session.expected:
                read = read_vectors(done.job, outcome.dump, RESULT_LANES)
                same(read.codes, session.expected[number].codes)
                same(read.exponents, session.expected[number].exponents)
        for job in self.silent:
            for region in filter(None, (job.vectors, job.results)):
                assert outcome.dump[region.address : region.end] == poison(region.size, region.address), job.name

    def _withdrawn(self) -> Job:
        """The last job, taken out of the session again."""
        job = self.session.jobs.pop()
        del self.session.expected[len(self.session.jobs)]
        return job


@pytest.mark.parametrize("layout", Layout)
def test_malformed_lists(layout: Layout, tmp_path: Path) -> None:
    """Counts and blocks that contradict each other neither hang the unit nor leave words to the next descriptor."""
    faults = EdgeFaults(layout)
    session, wrong = faults.session, Status.MALFORMED_STREAM
    for fresh in (faults.weights, faults.sums):
        faults.add(session.changed(fresh(), stream_blocks=0), wrong, silent=True)
        faults.add(session.changed(fresh(), stream_blocks=1), wrong)
        faults.add(session.changed(fresh(), stream_blocks=5), wrong)
        faults.add(session.changed(fresh(), vectors=3), wrong)
        faults.add(session.with_list(fresh(), HEAD, 0, count=0xFFFFFFFF), wrong)
    for count in (0, MOST_TERMS + 1):
        faults.add(session.with_list(faults.sums(), HEAD, 0, count=count), wrong, silent=True)
    for fields in ({"count": HIDDEN + 1}, {"count": 0}, {"emission_blocks": 0}, {"emission_blocks": 0xFFFFFF}):
        faults.add(session.with_list(faults.weights(), COLUMN, FIRST_ITEM, **fields), wrong)
    faults.add(session.changed(faults.weights(), inputs=HIDDEN // 3), wrong)
    faults.run(tmp_path)


@pytest.mark.parametrize("behavior", [MemoryBehavior(), STALLS], ids=["steady", "stalls"])
def test_bus_errors(behavior: MemoryBehavior, tmp_path: Path) -> None:
    """Whatever lies beyond the memory; what was computed of it is not written."""
    faults = EdgeFaults(Layout.SPARSE)
    session, wrong = faults.session, Status.BUS_ERROR
    for fresh in (faults.weights, faults.sums):
        faults.add(session.changed(fresh(), stream=OUTSIDE), wrong, silent=True)
        faults.add(session.changed(fresh(), results=OUTSIDE), wrong)
        faults.add(session.with_list(fresh(), HEAD, 0, destination=OUTSIDE), wrong)
    faults.add(session.changed(faults.weights(), nonempty=OUTSIDE), wrong, silent=True)
    faults.add(session.with_list(faults.weights(), COLUMN, FIRST_ITEM, emission=OUTSIDE), wrong, silent=True)
    for name in ("first", "second"):
        faults.add(session.with_list(faults.sums(), TERM, FIRST_ITEM, **{name: OUTSIDE}), wrong, silent=True)
    faults.run(tmp_path, behavior)


def test_exponent_range(tmp_path: Path) -> None:
    """The last exponents that fit, and the first that do not, at both ends."""
    faults = EdgeFaults(Layout.SPARSE)
    terms: list[Pair] = [(9, 9)]
    at_zero = Vectors(faults.pool.codes, np.zeros_like(faults.pool.exponents))
    shift = int(golden_sum(CONFIG, at_zero, terms).exponents[0])
    for exponent, status in ((32767, Status.DONE), (32768, Status.EXPONENT_RANGE)):
        for sign in (1, -1):
            first, second = sign * 16000, sign * exponent - shift - sign * 16000
            job = faults.sum_of(terms)
            changed = faults.session.with_list(job, TERM, FIRST_ITEM, first_exponent=first, second_exponent=second)
            faults.add(changed, status)
    faults.run(tmp_path)
