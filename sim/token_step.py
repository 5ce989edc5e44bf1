"""A token step of constrained decoding on the engine: one chain of descriptors, and the comparison with golden."""

from dataclasses import dataclass, replace

import numpy as np

from ..model.decoding.constraint import BackwardTable
from ..model.decoding.step import Beams, Numbers, StepScores, WorkItem, default_targets
from ..model.golden.constants import Operation
from ..model.golden.vectors import Scores, Vectors
from .descriptors import Chain, Job, ModelImage
from .memory.map import MemoryMap, Space
from .operand import StoredVectors, place_vectors
from .read_back import read_scores, read_vectors
from .trial import score_difference, vector_difference

PHASES = ("forward", "denominators", "numerators", "listed scores")


@dataclass(frozen=True)
class GroupScores:
    """The jobs of one group of beams after the forward step, in the order in which they are rung."""

    first: int
    """The group's first beam."""
    denominators: Job
    numerators: Job
    listed: tuple[Job, ...]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All of them: the first loads the vectors A', the others keep them."""
        return (self.denominators, self.numerators, *self.listed)


@dataclass(frozen=True)
class TokenStep:
    """The jobs of a token step: forward of all groups, then the scores group by group."""

    forward: Job
    groups: tuple[GroupScores, ...]
    copies: tuple[Job, ...] = ()
    """What brings A on chip before, where it is to be there."""

    @property
    def chain(self) -> Chain:
        """All of them, queued one behind the other."""
        return Chain("token step", (self.forward, *(job for group in self.groups for job in group.jobs)))

    @property
    def phases(self) -> tuple[str, ...]:
        """The phase, of PHASES, of each descriptor of the chain."""
        forward, denominators, numerators, listed = PHASES
        parts = ((denominators, numerators, *[listed] * len(group.listed)) for group in self.groups)
        return (forward, *(phase for part in parts for phase in part))

    def difference(self, dump: bytes, expected: StepScores, lanes: int) -> str | None:
        """Return the first bit of any output in which the memory after the run differs from golden, or None."""
        found = vector_difference("forward", read_vectors(self.forward, dump, lanes), expected.after)
        for name, job, scores in self._outputs(expected):
            found = found or score_difference(name, read_scores(job, dump, lanes), scores)
        return found

    def _outputs(self, expected: StepScores) -> list[tuple[str, Job, Scores]]:
        outputs: list[tuple[str, Job, Scores]] = []
        items = iter(expected.listed)
        for number, group in enumerate(self.groups):
            beams = slice(group.first, group.first + group.denominators.batch)
            outputs += [
                (f"denominators of group {number}", group.denominators, expected.denominators.of(beams)),
                (f"numerators of group {number}", group.numerators, expected.numerators.of(beams)),
                *((f"listed scores {i} of group {number}", job, next(items)) for i, job in enumerate(group.listed)),
            ]
        return outputs


def keep_vectors(image: ModelImage, vectors: Vectors) -> tuple[StoredVectors, tuple[Job, ...]]:
    """Set room aside on chip for vectors; return where they are, and the jobs that copy them there.

    Raises LocalMemoryError when they do not fit.
    """
    kept = [image.memory.keep("a beam's vector", codes.astype("<u2").tobytes()) for codes in vectors.codes]
    jobs = tuple(image.copy("copy a beam's vector", one.source, one.address, one.size) for one in kept)
    return StoredVectors(tuple(one.address for one in kept), tuple(map(int, vectors.exponents))), jobs


def place_step(
    image: ModelImage,
    memory: MemoryMap,
    table: BackwardTable,
    beams: Beams,
    items: tuple[WorkItem, ...],
    sample: Numbers | None = None,
    space: Space = Space.PORT,
) -> TokenStep:
    """Lay a token step down in memory; arguments as those of `step_scores`, items of groups of the engine's lanes.

    Beams and the vectors of the backward table are pointed to, never copied; A' of a group is loaded once. Vectors of
    the forward step count as having the exponent 0, so that no host stands between. `space` says in which memory A and
    A' are: those on chip were left there by the step before (`TokenStep.copies` brings them there for the first).

    Only the first denominators wait for what the forward step writes. They start when its group 0 is written and
    answered; no descriptor behind them starts before the forward step is over, all its writes answered, because at most
    two descriptors are under way and they end in order (rtl/turn.py).
    """
    is_kept = space is Space.LOCAL
    placed, copies = keep_vectors(image, beams.vectors) if is_kept else (place_vectors(memory, beams.vectors), ())
    sources = placed.take(beams.parents.tolist())
    successors = place_vectors(memory, table.at(beams.tokens_out + 1))
    forward = image.operation(Operation.FORWARD, sources, beams.tokens.astype(np.uint16), written_to=space)
    defaults = default_targets(table.automaton, beams.states)
    part = None if sample is None else sample.astype(np.uint16)

    def listed(after: StoredVectors, item: WorkItem) -> Job:
        second, tokens = successors.take(item.targets.tolist()), item.tokens.astype(np.uint16)
        lanes = after.take(range(item.beams.size))
        job = image.operation(Operation.SCORES, lanes, second=second, listed=tokens, keeps_first=True)
        return replace(job, name="listed")

    def scores(first: int) -> GroupScores:
        numbers = range(first, min(first + image.config.lanes, beams.batch))
        after = forward.written.take(numbers)
        default = successors.take([int(defaults[number]) for number in numbers])
        return GroupScores(
            first,
            image.operation(Operation.SCORES, after, listed=part, follows=first == 0),
            image.operation(Operation.SCORES, after, second=default, listed=part, keeps_first=True),
            tuple(listed(after, item) for item in items if item.beams[0] == first),
        )

    groups = tuple(scores(first) for first in range(0, beams.batch, image.config.lanes))
    return TokenStep(forward, groups, copies)
