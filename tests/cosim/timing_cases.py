"""Random jobs on one build, and the counters that the RTL and the timing model say of them."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import VectorCode
from normq.model.golden.constants import Operation
from normq.model.packing.matrix import PackedModel
from normq.model.synthetic import synthetic_levels
from normq.rtl.operation import Status
from normq.sim.descriptors import Chain, Job
from normq.sim.memory.dram import Dram, DramTimings
from normq.sim.memory.map import MemoryMap
from normq.sim.session import MemoryBehavior, Outcome, build_engine, run_jobs
from normq.sim.timing.predict import predict
from normq.tests.cosim.engine_cases import MEMORY_BYTES
from normq.tests.cosim.timing_draws import Subject, draw
from normq.tests.model.golden_cases import Model, random_model, with_guard

RANDOM_TIMINGS = ("cl", "cwl", "rcd", "ras", "rtp", "wr", "ccd_l", "rrd_s", "rrd_l", "faw", "wtr_s", "wtr_l", "cs")
DENSITIES = (0.0, 0.02, 0.1, 0.4, 0.9)
LONGEST_CHAIN = 6
"""With the four loads of a model's tables in front of it a chain may be longer than the engine's queue."""


def random_behavior(rng: np.random.Generator) -> MemoryBehavior:
    """From at once to slower than any buffer hides."""
    latency, write_latency, gap = (int(rng.choice(some)) for some in ((0, 1, 7, 40, 300), (1, 20, 150), (0, 0, 1, 5)))
    return MemoryBehavior(latency, write_latency, gap)


def random_dram(rng: np.random.Generator) -> Dram:
    """Any organization and any timings, refreshes often enough to be seen, any two clocks."""
    burst, rfc, rp = (int(rng.integers(1, most)) for most in (9, 200, 40))
    timings = DramTimings(
        name="random",
        clock_mhz=int(rng.integers(100, 3000)),
        channels=1,
        column_bytes=int(rng.choice([8, 32, 64, 128])),
        burst=burst,
        ranks=int(rng.choice([1, 2, 4])),
        groups=int(rng.choice([1, 2, 4, 8])),
        banks=int(rng.choice([1, 4, 8])),
        row_bytes=int(rng.choice([128, 1024, 8192])),
        ccd_s=burst + int(rng.integers(0, 3)),
        refi=rfc + rp + int(rng.integers(50, 3000)),
        rfc=rfc,
        rp=rp,
        **{name: int(rng.integers(0, 60)) for name in RANDOM_TIMINGS},
    )
    interleave = max(timings.column_bytes, int(rng.choice([64, 256, 1024])))
    return Dram(timings, int(rng.choice([1, 2, 8, 32])), interleave, int(rng.integers(100, 3000)))


ENDS = (Status.DONE, Status.EXPONENT_RANGE)
"""Random products may leave the range of exponents: then codes are wrong, and nothing takes another cycle."""


@dataclass
class TimingSession:
    """One simulation in the making: whatever is added is run, and every counter compared."""

    config: AcceleratorConfig
    memory: MemoryMap = field(init=False)
    work: list[Job | Chain] = field(default_factory=list[Job | Chain])

    def __post_init__(self) -> None:
        self.memory = MemoryMap(self.config.local_bytes)

    def subject(self, packed: PackedModel, rng: np.random.Generator) -> Subject:
        """Place a model."""
        return Subject(self.config, packed, self.memory, rng)

    def add(self, model: Model, layout: Layout, operation: Operation, batch: int, rng: np.random.Generator) -> None:
        """The loads of a model's tables, and one operation."""
        self._add_operation(self.subject(model.golden(layout).packed, rng), operation, batch)

    def add_random(self, rng: np.random.Generator) -> None:
        """Operations on one model, everything drawn: half of the time one, else a chain of some."""
        vocab, bits = int(rng.integers(2, 400)), int(rng.integers(2, 9))
        # full rows of wide levels leave too few significant bits beyond
        hidden = int(rng.integers(1, min(self.config.hidden_capacity, 400 if bits < 7 else 200) + 1))
        model = random_model(hidden, vocab, bits, VectorCode(), float(rng.choice(DENSITIES)), int(rng.integers(1000)))
        if hidden > 1 and not rng.integers(4):
            model = with_guard(model, int(rng.integers(hidden)))
        subject = self.subject(model.golden(list(Layout)[rng.integers(2)]).packed, rng)
        if rng.integers(2):
            self.work += [*subject.loads, draw(subject)]
        else:
            jobs = [draw(subject) for _ in range(rng.integers(2, LONGEST_CHAIN + 1))]
            self.work.append(Chain("drawn", (*subject.loads, *jobs)))

    def add_synthetic(self, hidden: int, vocab: int, bits: int, layout: Layout, rng: np.random.Generator) -> None:
        """All operations on a model with the statistics of distilled ones, two groups and a vector."""
        subject = self.subject(pack(hidden, vocab, bits, layout), rng)
        for operation in Operation:
            self._add_operation(subject, operation, 2 * self.config.lanes + 1)

    def compare(self, folder: Path, behavior: MemoryBehavior) -> Outcome[Job | Chain]:
        """Every counter of every job, tables included; return what the RTL counted."""
        assert self.memory.size <= MEMORY_BYTES
        outcome = run_jobs(
            build_engine(self.config, MEMORY_BYTES), self.config, self.memory, self.work, folder, behavior
        )
        for number, done in enumerate(outcome.jobs):
            where = number, done.job.name, behavior
            assert done.status in ENDS, (*where, done.status)
            found = predict(self.config, self.memory, done.job.descriptors, behavior)
            assert (*where, found.counters) == (*where, done.counters)
            assert (*where, found.dram) == (*where, done.dram)
        return outcome

    def _add_operation(self, subject: Subject, operation: Operation, batch: int) -> None:
        tokens = subject.tokens(batch) if operation is Operation.FORWARD else None
        self.work += subject.loads
        self.work.append(subject.image.operation(operation, subject.vectors(batch), tokens))


def pack(hidden: int, vocab: int, bits: int, layout: Layout) -> PackedModel:
    levels = synthetic_levels(hidden, vocab, bits)
    tensors = (levels.alpha.levels, levels.beta.levels, levels.gamma.levels)
    return Model(*tensors, bits, VectorCode()).golden(layout).packed
