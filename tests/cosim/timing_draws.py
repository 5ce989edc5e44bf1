"""What an operation of a random timing case may be: a draw for each kind, and where its vectors are."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from normq.model.config import AcceleratorConfig
from normq.model.golden.constants import Operation
from normq.model.golden.vectors import Codes, Vectors
from normq.model.packing.matrix import BLOCK_BYTES, PackedModel
from normq.sim.descriptors import Job, ModelImage
from normq.sim.edge_descriptors import ConstraintImage, StoredTerm
from normq.sim.memory.map import MemoryMap, Space
from normq.sim.operand import StoredVectors, place_vectors, vector_stride
from normq.sim.token_step import keep_vectors
from normq.tests.cosim.edge_cases import random_edges
from normq.tests.model.golden_cases import vectors_of


@dataclass
class Subject:
    """A model in memory, and vectors to run it on; where the build has a local memory, either may be there."""

    config: AcceleratorConfig
    packed: PackedModel
    memory: MemoryMap
    rng: np.random.Generator
    loads: list[Job] = field(default_factory=list[Job])
    """What brings tables, resident weights and vectors on chip."""

    def __post_init__(self) -> None:
        # every segment begins at its own place between two bursts
        self.memory.place(bytes(int(self.rng.integers(1, 256))))
        self.image = ModelImage(self.config, self.packed, self.memory, self._resident())
        self.constraint = ConstraintImage(self.image)
        self.loads += self.image.loads()
        self.pool: Vectors = vectors_of(self.packed.hidden_states, self.config.code, int(self.rng.integers(100)))
        self._kept: StoredVectors | None = None
        if self._goes_on_chip(self.pool.batch * self.vector_bytes):
            self._kept, copies = keep_vectors(self.image, self.pool)
            self.loads += copies
        self._written: StoredVectors | None = None

    @property
    def vector_bytes(self) -> int:
        """From one vector to the next."""
        return vector_stride(self.packed.hidden_states)

    def _goes_on_chip(self, size: int) -> bool:
        """Half of the time, where there is room."""
        return size <= self.memory.local_left and bool(self.rng.integers(2))

    def _resident(self) -> frozenset[Operation]:
        """Operations whose weights are on chip."""
        sizes = {
            Operation.FORWARD: self.packed.alpha_by_column.data.size,
            Operation.BACKWARD: self.packed.alpha_by_row.data.size,
            Operation.SCORES: self.packed.beta_by_token.data.size,
        }
        resident, left = set[Operation](), self.memory.local_left
        for operation, size in sizes.items():
            needed = -(-size // BLOCK_BYTES) * BLOCK_BYTES
            if needed <= left and self.rng.integers(2):
                resident.add(operation)
                left -= needed
        return frozenset(resident)

    def vectors(self, batch: int) -> StoredVectors:
        """Any `batch` of them: from the pool, behind the port or on chip, or results of the operation before."""
        sources = [one for one in (self._kept, self._written) if one is not None]
        number = int(self.rng.integers(len(sources) + 1))
        if number < len(sources):
            stored = sources[number]
            return stored.take(self.rng.integers(0, stored.batch, batch).tolist())
        return place_vectors(self.memory, self.pool.take(self.rng.integers(0, self.pool.batch, batch)))

    def tokens(self, count: int) -> Codes:
        """Any `count` tokens."""
        return self.rng.integers(0, self.packed.vocab_size, count).astype(np.uint16)

    def batch(self) -> int:
        """Lanes left over, groups left over, one vector."""
        return int(self.rng.integers(1, 4 * self.config.lanes + 2))

    def space(self, batch: int) -> Space:
        """Where results of so many vectors go."""
        return Space.LOCAL if self._goes_on_chip(batch * self.vector_bytes) else Space.PORT

    def writes(self, job: Job) -> Job:
        """The job, whose results may be the operands of the next."""
        self._written = job.written
        return job


Draw = Callable[[Subject, int, bool], Job]
"""One kind of operation: subject, number of vectors, whether it follows the operation before."""


def forward(subject: Subject, batch: int, follows: bool) -> Job:
    vectors, tokens, space = subject.vectors(batch), subject.tokens(batch), subject.space(batch)
    job = subject.image.operation(Operation.FORWARD, vectors, tokens, follows=follows, written_to=space)
    return subject.writes(job)


def backward(subject: Subject, batch: int, follows: bool) -> Job:
    vectors, space = subject.vectors(batch), subject.space(batch)
    return subject.writes(subject.image.operation(Operation.BACKWARD, vectors, follows=follows, written_to=space))


def scores(subject: Subject, batch: int, follows: bool) -> Job:
    return subject.image.operation(Operation.SCORES, subject.vectors(batch), follows=follows)


def product_scores(subject: Subject, batch: int, follows: bool) -> Job:
    """One group may keep the first factors that were loaded before, whatever they are."""
    keeps_first = batch <= subject.config.lanes and bool(subject.rng.integers(2))
    return subject.image.operation(
        Operation.SCORES,
        subject.vectors(batch),
        second=subject.vectors(batch),
        follows=follows,
        keeps_first=keeps_first,
    )


def listed_scores(subject: Subject, batch: int, follows: bool) -> Job:
    """Lists of no token, of one, and longer than the queue of commands."""
    listed = subject.tokens(int(subject.rng.choice((0, 1, 5, 30))))
    # with hmm_guard a list may name end-of-text once
    listed = np.delete(listed, np.flatnonzero(listed == subject.packed.eos_token_id)[1:])
    second = subject.vectors(batch) if subject.rng.integers(2) else None
    return subject.image.operation(
        Operation.SCORES, subject.vectors(batch), second=second, listed=listed, follows=follows
    )


def edge_weights(subject: Subject, batch: int, follows: bool) -> Job:
    """Of one edge to five; it waits for the engine to rest, so it follows whatever it says."""
    return subject.constraint.weights(random_edges(subject.rng, subject.packed.vocab_size, 1 + batch % 5))


def edge_sums(subject: Subject, batch: int, follows: bool) -> Job:
    """Of one term to eight, one in three of a single factor."""
    sums: list[list[StoredTerm]] = []
    for count in subject.rng.integers(1, 9, 1 + batch % 3).tolist():
        first, second = subject.vectors(count), subject.vectors(count)
        is_single = subject.rng.integers(3, size=count) == 0
        sums.append([StoredTerm(first.take([n]), None if is_single[n] else second.take([n])) for n in range(count)])
    return subject.constraint.sums(sums)


def copied(subject: Subject, batch: int, follows: bool) -> Job:
    """Some vectors, to either side."""
    count = 1 + batch % 9
    size = count * subject.vector_bytes
    source = subject.memory.place(bytes(size))
    region = subject.memory.reserve("copied", size, subject.space(count))
    return subject.image.copy("copy", source, region.address, size)


DRAWS: tuple[Draw, ...] = (
    *(forward, backward, scores, product_scores, listed_scores),
    *(edge_weights, edge_sums, copied),
)
"""What an operation of a random case may be. Another kind of operation is one more draw."""


def draw(subject: Subject) -> Job:
    """One operation of any kind."""
    kind = DRAWS[subject.rng.integers(len(DRAWS))]
    return kind(subject, subject.batch(), bool(subject.rng.integers(2)))
