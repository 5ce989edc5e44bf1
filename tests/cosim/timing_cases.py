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
from normq.sim.descriptors import Job, ModelImage
from normq.sim.memory.dram import Dram, DramTimings
from normq.sim.memory.map import MemoryMap
from normq.sim.session import MemoryBehavior, build_engine, run_jobs
from normq.sim.timing.predict import replay
from normq.tests.cosim.engine_cases import MEMORY_BYTES
from normq.tests.model.golden_cases import Model, random_model, vectors_of

RANDOM_TIMINGS = ("cl", "cwl", "rcd", "ras", "rtp", "wr", "ccd_l", "rrd_s", "rrd_l", "faw", "wtr_s", "wtr_l", "cs")
DENSITIES = (0.0, 0.02, 0.1, 0.4, 0.9)


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


@dataclass
class TimingSession:
    """One simulation in the making: whatever is added is run, and every counter compared."""

    config: AcceleratorConfig
    memory: MemoryMap = field(default_factory=MemoryMap)
    jobs: list[Job] = field(default_factory=list[Job])

    def add(self, model: Model, layout: Layout, operation: Operation, batch: int, rng: np.random.Generator) -> None:
        """The loads of a model's tables, and one operation."""
        self.add_packed(model.golden(layout).packed, operation, batch, rng)

    def add_packed(self, packed: PackedModel, operation: Operation, batch: int, rng: np.random.Generator) -> None:
        # every segment begins at its own place between two bursts
        self.memory.place(bytes(int(rng.integers(1, 256))))
        image = ModelImage(self.config, packed, self.memory)
        pool = vectors_of(packed.hidden_states, self.config.code, int(rng.integers(100)))
        vectors = pool.take(rng.integers(0, pool.batch, batch))
        tokens = rng.integers(0, packed.vocab_size, batch).astype(np.uint16)
        self.jobs += image.loads()
        self.jobs.append(image.operation(operation, vectors, tokens if operation is Operation.FORWARD else None))

    def add_random(self, rng: np.random.Generator) -> None:
        """One operation on one model, everything drawn."""
        vocab, bits = int(rng.integers(2, 400)), int(rng.integers(2, 9))
        # full rows of wide levels leave too few significant bits beyond
        hidden = int(rng.integers(1, min(self.config.hidden_capacity, 400 if bits < 7 else 200) + 1))
        model = random_model(hidden, vocab, bits, VectorCode(), float(rng.choice(DENSITIES)), int(rng.integers(1000)))
        layout, operation = list(Layout)[rng.integers(2)], list(Operation)[rng.integers(3)]
        self.add(model, layout, operation, int(rng.integers(1, 4 * self.config.lanes + 2)), rng)

    def add_synthetic(self, hidden: int, vocab: int, bits: int, layout: Layout, rng: np.random.Generator) -> None:
        """All operations on a model with the statistics of distilled ones, two groups and a vector."""
        packed = pack(hidden, vocab, bits, layout)
        for operation in Operation:
            self.add_packed(packed, operation, 2 * self.config.lanes + 1, rng)

    def compare(self, folder: Path, behavior: MemoryBehavior) -> None:
        """Every counter of every job, tables included."""
        assert self.memory.size <= MEMORY_BYTES
        outcome = run_jobs(
            build_engine(self.config, MEMORY_BYTES), self.config, self.memory, self.jobs, folder, behavior
        )
        for number, done in enumerate(outcome.jobs):
            where = number, done.job.name, behavior
            assert (*where, done.status) == (*where, Status.DONE)
            found = replay(self.config, self.memory, done.job.descriptor, behavior)
            assert (*where, found.counters) == (*where, done.counters)
            assert (*where, found.dram) == (*where, done.dram)


def pack(hidden: int, vocab: int, bits: int, layout: Layout) -> PackedModel:
    levels = synthetic_levels(hidden, vocab, bits)
    tensors = (levels.alpha.levels, levels.beta.levels, levels.gamma.levels)
    return Model(*tensors, bits, VectorCode()).golden(layout).packed
