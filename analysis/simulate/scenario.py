"""A constraint and beams under way with it, drawn from a seed."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...model.decoding.automaton import Automaton, Pattern
from ...model.decoding.builders import keyword_automaton
from ...model.decoding.constraint import BackwardTable, backward_table
from ...model.decoding.datapath import GoldenDatapath
from ...model.decoding.step import Beams, Numbers, WorkItem, sharing_order, work_items
from ...model.golden.operations import GoldenModel
from ...model.packing.matrix import PackedModel
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


class Drawn(Protocol):
    """What a cast is drawn from."""

    @property
    def seed(self) -> int:
        """Of keywords and beams."""
        ...

    @property
    def keywords(self) -> int:
        """That the text must contain."""
        ...

    @property
    def beams(self) -> int:
        """B."""
        ...


@dataclass(frozen=True, eq=False)
class Scenario:
    """Everything that a token step starts from."""

    automaton: Automaton
    table: BackwardTable
    beams: Beams
    items: tuple[WorkItem, ...]


@dataclass(frozen=True, eq=False)
class Cast:
    """What a scenario's control depends on; all but the vectors."""

    automaton: Automaton
    texts: Numbers
    """[beams, TOKENS_OUT] of the beams before the choice."""
    parents: Numbers
    """[beams] the beam that each goes on from."""
    tokens: Numbers
    """[beams] its last token."""
    states: Numbers
    """[beams] its state of the automaton."""


def draw_cast(packed: PackedModel, common: Numbers, spec: Drawn) -> Cast:
    """Draw keywords, texts and a beam search's choice; `common` are the tokens that keywords are made of.

    Keywords are made of tokens that have entries in beta, as the words of a text are; each beam goes on from another
    one at random. Beams are numbered as they share work best: which beam is which is the host's choice, vectors are
    named by pointers.
    """
    rng = np.random.default_rng(spec.seed)
    automaton = keyword_automaton([_keyword(rng, common) for _ in range(spec.keywords)])
    texts = _texts(rng, automaton, packed, spec.beams)
    parents = np.sort(rng.integers(0, spec.beams, spec.beams))
    tokens = texts[:, -1]
    states = np.array(
        [automaton.run((*texts[parent, :-1], token)) for parent, token in zip(parents, tokens, strict=True)], np.int64
    )
    order = sharing_order(automaton, states)
    return Cast(automaton, texts, parents[order], tokens[order], states[order])


def common_tokens(packed: PackedModel, nonempty: npt.NDArray[np.bool_]) -> Numbers:
    """Return the tokens with entries, end-of-text left out."""
    return np.setdiff1d(np.flatnonzero(nonempty), [packed.eos_token_id])


def scenario(golden: GoldenModel, spec: StepSpec) -> Scenario:
    """Return the scenario of a run: its cast (`draw_cast`), with vectors and table from the golden model."""
    cast = draw_cast(golden.packed, common_tokens(golden.packed, golden.nonempty_tokens), spec)
    vectors = golden.initial(spec.beams)
    for token in cast.texts[:, :-1].T:
        vectors = golden.forward(vectors, token)
    table = backward_table(GoldenDatapath(golden), cast.automaton, LEAST_TOKENS, GREATEST_TOKENS, first=TOKENS_OUT + 1)
    beams = Beams(vectors, cast.parents, cast.tokens, cast.states, TOKENS_OUT)
    return Scenario(cast.automaton, table, beams, work_items(cast.automaton, cast.states, spec.sizes.config.lanes))


def _keyword(rng: np.random.Generator, common: Numbers) -> list[Pattern]:
    sizes = 1 + (rng.random(INFLECTIONS) < PAIR_SHARE)
    return [tuple(int(token) for token in rng.choice(common, size, replace=False)) for size in sizes]


def _texts(rng: np.random.Generator, automaton: Automaton, packed: PackedModel, beams: int) -> Numbers:
    """Return [beams, TOKENS_OUT] tokens, none of them end-of-text."""
    others = np.setdiff1d(np.arange(packed.vocab_size), [packed.eos_token_id])
    texts = rng.choice(others, (beams, TOKENS_OUT))
    listed = sorted(automaton.class_of)
    if listed:
        taken = rng.random(texts.shape) < KEYWORD_SHARE
        texts[taken] = rng.choice(np.array(listed), int(taken.sum()))
    return texts.astype(np.int64)
