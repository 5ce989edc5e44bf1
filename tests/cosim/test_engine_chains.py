"""Scores of products and of lists, and descriptors that overlap: every bit is that of the golden model."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import VectorCode
from normq.model.golden.constants import Operation
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import Codes, Scores, Vectors
from normq.rtl.operation import Status
from normq.sim.descriptors import Chain, Job, ModelImage
from normq.sim.memory.map import MemoryMap
from normq.sim.operand import StoredVectors, place_vectors
from normq.sim.read_back import read_scores, read_vectors
from normq.sim.session import MemoryBehavior, Outcome, run_jobs
from normq.tests.cosim.engine_cases import (
    AT_ONCE,
    LIMIT_CYCLES,
    SLOW,
    STALLS,
    Check,
    check_counters,
    operands,
    same,
    simulator,
)
from normq.tests.model.golden_cases import random_model

CONFIGS = (
    AcceleratorConfig(2, 4, 1, 64, hidden_capacity=128),
    AcceleratorConfig(4, 4, 4, 512, hidden_capacity=128),
)
NAMES = ("S2P4W1-64", "S4P4W4-512")
TOKENS = np.array([3, 60, 11, 11, 4, 0, 32, 5], np.uint16)
"""Out of order, one of them twice; the models are sparse enough that some have no entries."""


@dataclass
class Step:
    """Jobs on one model, and what each must leave."""

    config: AcceleratorConfig
    golden: GoldenModel
    memory: MemoryMap = field(default_factory=MemoryMap)
    jobs: list[Job] = field(default_factory=list[Job])
    checks: list[Check] = field(default_factory=list[Check])

    def __post_init__(self) -> None:
        self.image = ModelImage(self.config, self.golden.packed, self.memory)
        self.loads = self.image.loads()

    def forward(self, vectors: Vectors, tokens: Codes) -> tuple[Job, Vectors]:
        job = self.image.operation(Operation.FORWARD, vectors, tokens)
        result = self.golden.forward(vectors, tokens)

        def check(dump: bytes) -> None:
            found = read_vectors(job, dump, self.config.lanes)
            same(found.codes, result.codes)
            same(found.exponents, result.exponents)

        self._add(job, check)
        return job, result

    def scores(
        self,
        vectors: StoredVectors,
        expected: Scores,
        *,
        second: StoredVectors | None = None,
        listed: Codes | None = None,
        ends: bool = False,
        follows: bool = False,
        keeps_first: bool = False,
    ) -> None:
        job = self.image.operation(
            Operation.SCORES, vectors, second=second, listed=listed, ends=ends, follows=follows, keeps_first=keeps_first
        )
        nonempty = self.golden.nonempty_tokens
        codes = expected.codes
        if listed is not None:
            codes = expected.expand(nonempty)[:, listed[nonempty[listed]]].T

        def check(dump: bytes) -> None:
            found = read_scores(job, dump, self.config.lanes)
            same(found.codes, codes)
            same(found.leak, expected.leak)
            same(found.exponents, expected.exponents)

        self._add(job, check)

    def run(self, folder: Path, behavior: MemoryBehavior | None, *, chained: bool) -> Outcome:
        work = [Chain("step", tuple(self.jobs))] if chained else self.jobs
        all_jobs = [*self.loads, *work]
        outcome = run_jobs(simulator(self.config), self.config, self.memory, all_jobs, folder, behavior, LIMIT_CYCLES)
        for done in outcome.jobs:
            assert (done.job.name, done.status) == (done.job.name, Status.DONE)
            check_counters(done)
        for check in self.checks:
            check(outcome.dump)
        return outcome

    def _add(self, job: Job, check: Check) -> None:
        self.jobs.append(job)
        self.checks.append(check)


def token_step(config: AcceleratorConfig, layout: Layout, batch: int, seed: int) -> Step:
    """Forward, denominators, numerators of the default edge, and listed ones, all but the first on vectors to come."""
    model = random_model(50, 61, 3, VectorCode(), 0.06, seed)
    step = Step(config, model.golden(layout))
    vectors, tokens = operands(model, batch, seed)
    seconds, _ = operands(model, batch, seed + 1)
    c = place_vectors(step.memory, seconds)
    job, result = step.forward(vectors, tokens)
    unscaled = Vectors(result.codes, np.where(result.codes.any(axis=1), 0, result.exponents).astype(np.int32))
    step.scores(job.written, step.golden.scores(unscaled), follows=True)
    step.scores(job.written, step.golden.product_scores(unscaled, seconds), second=c)
    for first in range(3):
        rows = [(row + first) % batch for row in range(batch)][: config.lanes - 1]
        a, b = unscaled.take(np.array(rows)), seconds.take(np.array(rows[::-1]))
        listed = TOKENS[first:]
        step.scores(job.written.take(rows), step.golden.product_scores(a, b), second=c.take(rows[::-1]), listed=listed)
    step.scores(job.written, step.golden.scores(unscaled), listed=TOKENS[:0])
    return step


@pytest.mark.parametrize("behavior", [AT_ONCE, SLOW, STALLS], ids=["fast", "slow", "stalls"])
def test_first_factors_stay_from_one_group_to_the_next(behavior: MemoryBehavior, tmp_path: Path) -> None:
    config = CONFIGS[0]
    model = random_model(100, 61, 3, VectorCode(), 0.06, 7)
    step = Step(config, model.golden(Layout.SPARSE))
    vectors, _ = operands(model, config.lanes, 7)
    a, nowhere = (
        place_vectors(step.memory, vectors),
        StoredVectors((0,) * config.lanes, tuple(vectors.exponents.tolist())),
    )
    step.scores(a, step.golden.scores(vectors))
    for seed in (8, 9):
        factors, _ = operands(model, config.lanes, seed)
        expected, c = step.golden.product_scores(vectors, factors), place_vectors(step.memory, factors)
        step.scores(nowhere, expected, second=c, keeps_first=True)
        step.scores(nowhere, expected, second=c, keeps_first=True, listed=TOKENS)
    outcome = step.run(tmp_path, behavior, chained=True)
    vector_bytes = config.lanes * 4 * 64
    assert outcome.jobs[-1].counters["read.vectors"] == 5 * vector_bytes


@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize(("behavior", "batch"), [(AT_ONCE, 9), (SLOW, 4), (STALLS, 13)], ids=["fast", "slow", "stalls"])
def test_a_chain_gives_the_golden_bits(
    config: AcceleratorConfig, layout: Layout, behavior: MemoryBehavior, batch: int, tmp_path: Path
) -> None:
    token_step(config, layout, batch, batch).run(tmp_path, behavior, chained=True)


def test_overlap_saves_time_and_moves_the_same_bytes(tmp_path: Path) -> None:
    step = token_step(CONFIGS[1], Layout.SPARSE, 12, 5)
    apart = step.run(tmp_path / "apart", SLOW, chained=False).jobs[len(step.loads) :]
    chained = step.run(tmp_path / "chained", SLOW, chained=True).jobs[len(step.loads) :]
    assert sum(done.counters["engine.cycles"] for done in apart) > 1.2 * chained[0].counters["engine.cycles"]
    for name in chained[0].counters:
        if name.startswith(("read.", "write.", "passes.")) or name in ("gather.entries", "gather.busy"):
            assert (name, sum(done.counters[name] for done in apart)) == (name, chained[0].counters[name])
