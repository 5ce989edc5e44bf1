"""One token step of constrained decoding for a batch of beams: what is computed, and how it is cut into work."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..golden.operations import GoldenModel
from ..golden.vectors import Scores, Vectors
from .automaton import Automaton, Edge
from .classes import Flags
from .constraint import BackwardTable
from .datapath import Numbers


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
class PassItem:
    """At most one edge of each beam of a group, every token scored: every lane keeps its beam's vector."""

    group: int
    """Number of the group; its first beam is in lane 0."""
    beams: Numbers
    """[lanes] the beam of each lane: those of the group in order, to the last one that has such an edge."""
    targets: Numbers
    """[lanes] the state to which the lane's edge leads; where it has none, its beam's default edge."""
    has_edge: Flags
    """[lanes]; the scores of a lane without an edge are of no use."""


@dataclass(frozen=True, eq=False)
class WorkItem(PassItem):
    """The same, a list of tokens scored."""

    tokens: Numbers
    """The tokens of all their edges, rising; a lane needs only those of its own edge."""


@dataclass(frozen=True, eq=False)
class StepWork:
    """The edges other than the default one of all beams."""

    passes: tuple[PassItem, ...]
    lists: tuple[WorkItem, ...]


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


def sharing_order(automaton: Automaton, states: Numbers) -> Numbers:
    """Return beams in `states` [B] in the order in which `work_items` needs fewest items.

    Beams with most edges come first, so that a group's beams have about as many; those in one state stand side by side,
    so that an item lists few tokens.
    """
    edges = np.array([len(automaton.edges(state)) for state in range(automaton.states)])
    return np.lexsort((states, -edges[states]))


def work_items(automaton: Automaton, states: Numbers, lanes: int) -> tuple[WorkItem, ...]:
    """Return the edges other than the default one of beams in `states` [B], group after group of `lanes` beams.

    Item k of a group holds edge k of each of its beams.
    """
    return step_work(automaton, states, lanes, None).lists


def step_work(automaton: Automaton, states: Numbers, lanes: int, longest_list: int | None) -> StepWork:
    """Return the same work, no list of more than `longest_list` tokens: passes over the vocabulary take their place.

    Pass k of a group holds edge k of each of its beams of those that are longer, so that a beam has one pass for each
    distinct successor; and a list that edges of several beams make longer is a pass, too.
    """
    passes: list[PassItem] = []
    lists: list[WorkItem] = []
    for start in range(0, states.size, lanes):
        beams = np.arange(start, min(start + lanes, states.size))
        edges = [automaton.edges(state)[1:] for state in states[beams].tolist()]
        for is_long in (True, False):
            own = [[edge for edge in one if _is_long(edge, longest_list) is is_long] for one in edges]
            for rank in range(max(map(len, own))):
                item, chosen = _ranked(automaton, states, start // lanes, beams, own, rank)
                tokens = () if is_long else sorted({token for edge in chosen for token in edge.tokens})
                if is_long or (longest_list is not None and len(tokens) > longest_list):
                    passes.append(item)
                else:
                    parts = (item.group, item.beams, item.targets, item.has_edge)
                    lists.append(WorkItem(*parts, np.array(tokens, np.int64)))
    return StepWork(tuple(passes), tuple(lists))


def _is_long(edge: Edge, longest_list: int | None) -> bool:
    return longest_list is not None and len(edge.tokens) > longest_list


def _ranked(
    automaton: Automaton, states: Numbers, group: int, beams: Numbers, edges: Sequence[Sequence[Edge]], rank: int
) -> tuple[PassItem, list[Edge]]:
    """Return edge `rank` of each beam of a group that has so many, and the lanes of them."""
    count = 1 + max(lane for lane, own in enumerate(edges) if rank < len(own))
    targets = default_targets(automaton, states[beams[:count]])
    has_edge = np.array([rank < len(own) for own in edges[:count]])
    chosen = [own[rank] for own in edges[:count] if rank < len(own)]
    targets[has_edge] = [edge.target for edge in chosen]
    return PassItem(group, beams[:count], targets, has_edge), chosen


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
