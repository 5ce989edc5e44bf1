"""Whatever a descriptor, a record, a stream or a column holds ends in a named status, and the next job is right."""

from pathlib import Path

import numpy as np
import pytest

from normq.model.config import Layout
from normq.model.golden.constants import Operation
from normq.rtl.operation import DESCRIPTOR_BYTES, Status, descriptor_layout
from normq.sim.descriptors import Job
from normq.sim.session import MemoryBehavior, run_jobs
from normq.tests.cosim.engine_cases import STALLS, check_counters, simulator
from normq.tests.cosim.test_engine_status import BATCH, CONFIG, OUTSIDE, Faults, Fields, field_of, model_of

LIMIT_CYCLES = 400_000
ENDS = set(Status) - {Status.IDLE, Status.BUSY}
ALL_ONES = 0xFFFFFFFF
CAPACITY = CONFIG.hidden_capacity


class Fuzz:
    """Random faults, never one that sends results elsewhere: addresses to write and how much are left alone."""

    def __init__(self, layout: Layout, seed: int, folder: Path) -> None:
        self.rng = np.random.default_rng([21, seed])
        self.faults = Faults(CONFIG, model_of(), layout, folder)

    def add(self) -> None:
        """One random fault, and a good job behind it."""
        rng, faults = self.rng, self.faults
        operation = list(Operation)[rng.integers(3)]
        job = faults.fresh(operation)
        kind = rng.integers(4)
        if kind == 0:
            job = faults.changed(job, **self._some(self._descriptor_fields(job), 1 + int(rng.integers(3))))
        elif kind == 1:
            job = faults.with_records(job, int(rng.integers(BATCH)), **self._some(self._record_fields(), 2))
        elif kind == 2:
            job = faults.changed(job, stream=faults.session.memory.place(self._spoiled(job)))
        else:
            content = rng.integers(0, 256, 64 * 9, np.uint8).tobytes()
            column = {"emission": faults.session.memory.place(content), "emission_blocks": int(rng.integers(10))}
            column |= {"first": int(rng.integers(40)), "count": int(rng.integers(300))}
            job = faults.with_records(faults.fresh(Operation.FORWARD), int(rng.integers(BATCH)), **column)
        faults.add(job, Status.DONE)

    def run(self, behavior: MemoryBehavior) -> set[Status]:
        """Run; return the statuses of the spoiled jobs."""
        session = self.faults.session
        outcome = run_jobs(
            simulator(CONFIG), CONFIG, session.memory, session.jobs, self.faults.folder, behavior, LIMIT_CYCLES
        )
        good = {id(job) for job, _ in session.checks} | {id(job) for job in session.jobs[:4]}
        for done in outcome.jobs:
            check_counters(done)
            allowed = {Status.DONE} if id(done.job) in good else ENDS
            assert done.status in allowed, (done.job.name, done.status)
        for _, check in session.checks:
            check(outcome.dump)
        return {done.status for done in outcome.jobs if id(done.job) not in good}

    def _some(self, choices: dict[str, list[int]], count: int) -> Fields:
        names = self.rng.choice(list(choices), count, replace=False)
        return {str(name): int(self.rng.choice(choices[name])) for name in names}

    def _value(self, bits: int) -> int:
        return int(self.rng.integers(0, 1 << bits))

    def _somewhere(self) -> int:
        return int(self.rng.integers(0, self.faults.session.memory.size)) & -64

    def _descriptor_fields(self, job: Job) -> dict[str, list[int]]:
        content = self.faults.bytes_at(job.descriptor, DESCRIPTOR_BYTES)
        now = {str(name): field_of(content, descriptor_layout(), str(name)) for name, _ in descriptor_layout()}
        outputs, entries, blocks = now["outputs"], now["entries"], now["stream_blocks"]
        return {
            "opcode": [0, 128, 255],  # another one that exists may well load tables or write elsewhere
            "layout": [0, 1, 2, 255],
            "index_bits": [*range(10), 255],
            "entry_width": [0, 1, 2, 3, 255],
            "leak_right": [0, 63, 64, 255],
            "codebook": [0, 3, 4, 255],
            "emission_codebook": [0, 3, 4, 255],
            "inputs": [0, 1, 2, now["inputs"] - 1, now["inputs"] + 1, CAPACITY, CAPACITY + 1, ALL_ONES],
            "outputs": [0, 1, outputs - 1, CONFIG.vocab_capacity + 1, ALL_ONES],
            "vectors": [0, 1, BATCH - 1],
            "records": [0, 1, now["records"] - 1, outputs + 1, ALL_ONES],
            "entries": [0, 1, entries - 1, entries + 1, 0x7FFFFFFF, ALL_ONES],
            "stream_blocks": [0, 1, blocks - 1, blocks + 1, blocks + 40],
            "stream": [self._somewhere(), OUTSIDE, (1 << 64) - 64],
            "nonempty": [self._somewhere(), OUTSIDE, (1 << 64) - 64],
            "vector_records": [OUTSIDE],
            "results": [OUTSIDE],
            **{name: [self._value(32), 0, ALL_ONES] for name in ("leak_k1", "leak_k0", "emission_k1", "emission_k0")},
        }

    def _record_fields(self) -> dict[str, list[int]]:
        return {
            "source": [self._somewhere(), OUTSIDE],
            "destination": [OUTSIDE],
            "exponent": [self._value(16), 0x7FFF, 0x8000, 0x8001],
            "first": [0, 1, self._value(16), 0xFFFF],
            "count": [0, 1, 100, ALL_ONES],
            "emission": [self._somewhere(), OUTSIDE],
            "emission_blocks": [0, 1, 9, 0xFFFFFF],
        }

    def _spoiled(self, job: Job) -> bytes:
        """The stream with some bytes at random, or all of them."""
        content = self.faults.bytes_at(job.descriptor, DESCRIPTOR_BYTES)
        address, blocks = (field_of(content, descriptor_layout(), name) for name in ("stream", "stream_blocks"))
        stream = np.frombuffer(self.faults.bytes_at(address, 64 * blocks), np.uint8).copy()
        share = self.rng.choice([0.01, 0.2, 1.0])
        chosen = self.rng.random(stream.size) < share
        stream[chosen] = self.rng.integers(0, 256, int(chosen.sum()), np.uint8)
        return stream.tobytes()


@pytest.mark.parametrize("layout", Layout)
def test_random_faults(layout: Layout, tmp_path: Path) -> None:
    fuzz = Fuzz(layout, 1, tmp_path)
    for _ in range(50):
        fuzz.add()
    assert len(fuzz.run(MemoryBehavior())) >= 4


@pytest.mark.full
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("layout", Layout)
def test_many_random_faults(layout: Layout, seed: int, tmp_path: Path) -> None:
    fuzz = Fuzz(layout, 100 + seed, tmp_path)
    for _ in range(200):
        fuzz.add()
    fuzz.run(STALLS if seed % 2 else MemoryBehavior())
