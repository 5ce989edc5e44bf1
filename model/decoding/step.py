"""One token step of constrained decoding for a batch of beams: what is computed, and how it is cut into work."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..golden.operations import GoldenModel
from ..golden.vectors import Scores, Vectors
from .automaton import Automaton
from .constraint import BackwardTable

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Beams:
    """B beams that have just been given their next tokens."""

    vectors: Vectors
    """[N, H] A of the beams before these tokens."""
    parents: Numbers
    """[B] which of them each beam goes on from: several beams may go on from one, and none from another."""
    tokens: Numbers
    """[B] the tokens."""
    states: Numbers
    """[B] states of the automaton after them."""
    tokens_out: int
    """Tokens given out so far, these included: g of the backward table."""

    @property
    def batch(self) -> int:
        """B."""
        return self.tokens.size


@dataclass(frozen=True, eq=False)
class WorkItem:
    """Edges of beams whose tokens are scored together, one lane for each edge of a beam."""

    beams: Numbers
    """[lanes] the beam of each lane."""
    targets: Numbers
    """[lanes] the state to which the lane's edge leads."""
    tokens: Numbers
    """The tokens of all their edges, rising; a lane needs only those of its own edge."""


@dataclass(frozen=True, eq=False)
class StepScores:
    """What a token step computes, bit by bit. Exponents of scores are relative to those of `after`."""

    after: Vectors
    """[B, H] A' of each beam."""
    denominators: Scores
    """Of every token, or of those sampled, from A'."""
    numerators: Scores
    """Of the same tokens, from A' .* C of the default edge's target: right for the tokens of that edge."""
    listed: tuple[Scores, ...]
    """Of each work item, records of those of its tokens that have entries, in their order."""


def work_items(automaton: Automaton, states: Numbers, lanes: int) -> tuple[WorkItem, ...]:
    """Return the edges other than the default one of beams in `states` [B], at most `lanes` of them an item.

    Edges with the same tokens stand side by side, so that an item lists few tokens.
    """
    edges = sorted(
        (edge.tokens, beam, edge.target)
        for beam, state in enumerate(states.tolist())
        for edge in automaton.edges(state)
        if not edge.is_default
    )
    items: list[WorkItem] = []
    for start in range(0, len(edges), lanes):
        part = edges[start : start + lanes]
        tokens = sorted({token for listed, _, _ in part for token in listed})
        beams, targets = (np.array([edge[field] for edge in part], np.int64) for field in (1, 2))
        items.append(WorkItem(beams, targets, np.array(tokens, np.int64)))
    return tuple(items)


def default_targets(automaton: Automaton, states: Numbers) -> Numbers:
    """Return where the default edges of `states` [B] lead."""
    return np.array(automaton.defaults, np.int64)[states]


def step_scores(
    golden: GoldenModel,
    table: BackwardTable,
    beams: Beams,
    items: tuple[WorkItem, ...],
    sample: Numbers | None = None,
) -> StepScores:
    """Compute a token step; the next token is the one after `beams.tokens`, so C is that of tokens_out + 1.

    `sample` restricts both passes over the vocabulary to some tokens, rising.
    """
    after = golden.forward(beams.vectors.take(beams.parents), beams.tokens)
    relative = Vectors(after.codes, np.where(after.codes.any(axis=1), 0, after.exponents).astype(np.int32))
    c = table.at(beams.tokens_out + 1)
    default = c.take(default_targets(table.automaton, beams.states))
    denominators, numerators = golden.scores(relative), golden.product_scores(relative, default)
    if sample is not None:
        denominators, numerators = (listed(golden, scores, sample) for scores in (denominators, numerators))
    products = (golden.product_scores(relative.take(item.beams), c.take(item.targets)) for item in items)
    parts = tuple(listed(golden, scores, item.tokens) for scores, item in zip(products, items, strict=True))
    return StepScores(after, denominators, numerators, parts)


def listed(golden: GoldenModel, scores: Scores, tokens: Numbers) -> Scores:
    """Return what the engine writes of a list of tokens: records of those that have entries, in its order."""
    nonempty = golden.nonempty_tokens
    ranks = np.cumsum(nonempty) - 1
    return Scores(scores.leak, scores.codes[ranks[tokens[nonempty[tokens]]]], scores.exponents)
