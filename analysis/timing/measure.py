"""The same figures measured in RTL, every output bit compared with golden."""

import tempfile
from pathlib import Path

from ...model.decoding.step import step_scores
from ...rtl.operation import Status
from ...sim.descriptors import Chain, Job
from ...sim.read_back import read_scores, read_vectors
from ...sim.session import build_native_engine, run_jobs
from ...sim.trial import score_difference, vector_difference
from .figures import Figures
from .spec import Source, Work
from .work import Placed, Workload, limit, place

SLOWEST = 8
"""A run may take so many times the sum of all terms of its roofline: a hang ends in time."""
LEAST_LIMIT_CYCLES = 2_000_000


def measured(load: Workload, work: Work) -> Figures:
    """Run `work` on the simulated engine. Raises SimulationError and CorruptedMemoryError as `run_jobs`."""
    sizes, line, placed = load.spec.sizes, limit(load, work), place(load, work)
    bench = build_native_engine(sizes.config, max(sizes.memory_bytes, placed.memory.size))
    jobs: list[Job | Chain] = [*placed.loads, placed.work]
    limit_cycles = LEAST_LIMIT_CYCLES + int(SLOWEST * line.total)
    with tempfile.TemporaryDirectory() as folder:
        outcome = run_jobs(bench, sizes.config, placed.memory, jobs, Path(folder), limit_cycles=limit_cycles)
    done = outcome.jobs[-1]
    difference = _difference(load, work, placed, outcome.dump) or ""
    if done.status is not Status.DONE:
        difference = f"{work.value}: ended as {done.status.name}, expected DONE"
    source = Source.RTL.value
    return Figures(work.value, source, done.counters, line.bound, line.limit, outcome.seconds, difference)


def _difference(load: Workload, work: Work, placed: Placed, dump: bytes) -> str | None:
    golden, scene, lanes = load.golden, load.scene, load.spec.sizes.config.lanes
    if placed.step is not None:
        return placed.step.difference(dump, step_scores(golden, scene.table, scene.beams, scene.items), lanes)
    vectors = scene.beams.vectors
    job = placed.work
    if not isinstance(job, Job):
        raise ValueError(f"{work}: expected one job")
    if work is Work.SCORES:
        return score_difference(job.name, read_scores(job, dump, lanes), golden.scores(vectors))
    forward = work is Work.FORWARD
    expected = golden.forward(vectors, scene.beams.tokens) if forward else golden.backward(vectors)
    return vector_difference(job.name, read_vectors(job, dump, lanes), expected)
