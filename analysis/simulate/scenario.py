"""A constraint and beams under way with it, drawn from a seed."""

from dataclasses import dataclass

import numpy as np

from ...model.decoding.automaton import Automaton, Pattern, keyword_automaton
from ...model.decoding.constraint import BackwardTable, backward_table
from ...model.decoding.step import Beams, Numbers, WorkItem, sharing_order, work_items
from ...model.golden.operations import GoldenModel
from .spec import StepSpec

LEAST_TOKENS, GREATEST_TOKENS = 5, 32
"""Lengths of the text."""
TOKENS_OUT = 8
"""Tokens that every beam has: so long that keywords are met, and most of the text is to come."""
INFLECTIONS = 3
"""Patterns of a keyword."""
PAIR_SHARE = 0.25
"""Probability that a pattern is two tokens and not one; automata of three keywords then have about 20 states."""
KEYWORD_SHARE = 0.3
"""Probability that a beam's token is one of a keyword's: beams then stand in many states of the automaton."""


@dataclass(frozen=True, eq=False)
class Scenario:
    """Everything that a token step starts from."""

    automaton: Automaton
    table: BackwardTable
    beams: Beams
    items: tuple[WorkItem, ...]


def scenario(golden: GoldenModel, spec: StepSpec) -> Scenario:
    """Return the scenario of a run.

    Keywords are made of tokens that have entries in beta, as the words of a text are; the vectors of the beams come
    from the golden model, and each beam goes on from one of them at random, as after a beam search's choice. Beams are
    numbered as they share work best: which beam is which is the host's choice, vectors are named by pointers.
    """
    rng = np.random.default_rng(spec.seed)
    eos = golden.packed.eos_token_id
    common = np.setdiff1d(np.flatnonzero(golden.nonempty_tokens), [eos])
    automaton = keyword_automaton([_keyword(rng, common) for _ in range(spec.keywords)])
    texts = _texts(rng, automaton, golden, spec.beams)
    vectors = golden.initial(spec.beams)
    for token in texts[:, :-1].T:
        vectors = golden.forward(vectors, token)
    parents = np.sort(rng.integers(0, spec.beams, spec.beams))
    tokens = texts[:, -1]
    states = np.array(
        [automaton.run((*texts[parent, :-1], token)) for parent, token in zip(parents, tokens, strict=True)], np.int64
    )
    order = sharing_order(automaton, states)
    parents, tokens, states = parents[order], tokens[order], states[order]
    table = backward_table(golden, automaton, LEAST_TOKENS, GREATEST_TOKENS, first=TOKENS_OUT + 1)
    beams = Beams(vectors, parents, tokens, states, TOKENS_OUT)
    return Scenario(automaton, table, beams, work_items(automaton, states, spec.sizes.config.lanes))


def _keyword(rng: np.random.Generator, common: Numbers) -> list[Pattern]:
    sizes = 1 + (rng.random(INFLECTIONS) < PAIR_SHARE)
    return [tuple(int(token) for token in rng.choice(common, size, replace=False)) for size in sizes]


def _texts(rng: np.random.Generator, automaton: Automaton, golden: GoldenModel, beams: int) -> Numbers:
    """Return [beams, TOKENS_OUT] tokens, none of them end-of-text."""
    packed = golden.packed
    others = np.setdiff1d(np.arange(packed.vocab_size), [packed.eos_token_id])
    texts = rng.choice(others, (beams, TOKENS_OUT))
    listed = sorted({token for exceptions in automaton.exceptions for token in exceptions})
    if listed:
        taken = rng.random(texts.shape) < KEYWORD_SHARE
        texts[taken] = rng.choice(np.array(listed), int(taken.sum()))
    return texts.astype(np.int64)
