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
from normq.sim.memory.map import MemoryMap
from normq.sim.session import MemoryBehavior, build_engine, run_jobs
from normq.sim.timing.predict import predict
from normq.tests.cosim.engine_cases import MEMORY_BYTES
from normq.tests.model.golden_cases import Model, random_model, vectors_of

DENSITIES = (0.0, 0.02, 0.1, 0.4, 0.9)


def random_behavior(rng: np.random.Generator) -> MemoryBehavior:
    """From at once to slower than any buffer hides."""
    latency, write_latency, gap = (int(rng.choice(some)) for some in ((0, 1, 7, 40, 300), (1, 20, 150), (0, 0, 1, 5)))
    return MemoryBehavior(latency, write_latency, gap)


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
            found = predict(self.config, self.memory, done.job.descriptor, behavior)
            assert (*where, found) == (*where, done.counters)


def pack(hidden: int, vocab: int, bits: int, layout: Layout) -> PackedModel:
    levels = synthetic_levels(hidden, vocab, bits)
    tensors = (levels.alpha.levels, levels.beta.levels, levels.gamma.levels)
    return Model(*tensors, bits, VectorCode()).golden(layout).packed
