"""A token step of constrained decoding on the engine: one chain of descriptors, and the comparison with golden."""

from dataclasses import dataclass, replace

import numpy as np

from ..model.decoding.constraint import BackwardTable
from ..model.decoding.step import Beams, Numbers, StepScores, WorkItem, default_targets
from ..model.golden.constants import Operation
from .descriptors import Chain, Job, ModelImage, read_scores, read_vectors
from .memory.map import MemoryMap
from .operand import place_vectors
from .trial import score_difference, vector_difference


@dataclass(frozen=True)
class TokenStep:
    """The jobs of a token step, in the order in which they are rung."""

    forward: Job
    denominators: Job
    numerators: Job
    listed: tuple[Job, ...]

    @property
    def chain(self) -> Chain:
        """All of them, queued one behind the other."""
        return Chain("token step", (self.forward, self.denominators, self.numerators, *self.listed))

    @property
    def phases(self) -> dict[str, int]:
        """Descriptors of each phase, in order."""
        return {"forward": 1, "denominators": 1, "numerators": 1, "listed scores": len(self.listed)}

    def difference(self, dump: bytes, expected: StepScores, lanes: int) -> str | None:
        """Return the first bit of any output in which the memory after the run differs from golden, or None."""
        found = vector_difference("forward", read_vectors(self.forward, dump, lanes), expected.after)
        pairs = (
            ("denominators", self.denominators, expected.denominators),
            ("numerators", self.numerators, expected.numerators),
            *(
                (f"listed scores {number}", job, scores)
                for number, (job, scores) in enumerate(zip(self.listed, expected.listed, strict=True))
            ),
        )
        for name, job, scores in pairs:
            found = found or score_difference(name, read_scores(job, dump, lanes), scores)
        return found


def place_step(
    image: ModelImage,
    memory: MemoryMap,
    table: BackwardTable,
    beams: Beams,
    items: tuple[WorkItem, ...],
    sample: Numbers | None = None,
) -> TokenStep:
    """Lay a token step down in memory; arguments as those of `step_scores`.

    Beams and the vectors of the backward table are pointed to, never copied. What follows the forward step waits for it
    group by group; its vectors count as having the exponent 0, so that no host stands between.
    """
    sources = place_vectors(memory, beams.vectors).take(beams.parents.tolist())
    successors = place_vectors(memory, table.at(beams.tokens_out + 1))
    forward = image.operation(Operation.FORWARD, sources, beams.tokens.astype(np.uint16))
    after = forward.written
    part = None if sample is None else sample.astype(np.uint16)
    default = successors.take(default_targets(table.automaton, beams.states).tolist())
    denominators = image.operation(Operation.SCORES, after, listed=part, follows=True)
    numerators = image.operation(Operation.SCORES, after, second=default, listed=part)
    listed = tuple(
        image.operation(
            Operation.SCORES,
            after.take(item.beams.tolist()),
            second=successors.take(item.targets.tolist()),
            listed=item.tokens.astype(np.uint16),
        )
        for item in items
    )
    return TokenStep(forward, denominators, numerators, tuple(replace(job, name="listed") for job in listed))
