"""The operations that guidance asks of a datapath, bit by bit; golden computes them here, sim/decoding.py runs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..formats import VectorCode
from ..golden.edges import Term, edge_sums, edge_weights, other_edge_weights
from ..golden.operations import GoldenModel, Tokens
from ..golden.vectors import ListedScores, Scores, Vectors
from ..packing.matrix import PackedModel
from .automaton import Numbers

LISTS_IN_PASS = 4
"""Golden takes as long for a list of a quarter of the vocabulary as for all of it; measured at V = 4096, sparse."""


@dataclass(frozen=True, eq=False)
class Products:
    """Scores of every token under products of two vectors, L of them."""

    rows: Numbers
    """[L] which of the step's vectors is the first factor."""
    second: Vectors
    """[L, H]."""


@dataclass(frozen=True, eq=False)
class ListedProducts(Products):
    """Scores of listed tokens only."""

    tokens: Numbers
    """Rising."""
    ends: bool = False
    """Whether the tokens are end-of-text alone, as an ordinary token: with hmm_guard its state counts."""


@dataclass(frozen=True, eq=False)
class StepProducts:
    """All scores of a token step."""

    denominators: Scores
    numerators: Scores | None
    """None where no default edge can be taken."""
    passes: tuple[Scores, ...]
    listed: tuple[ListedScores, ...]


class Datapath(Protocol):
    """A packed model to compute with. Vectors come and go as codes and exponents."""

    @property
    def packed(self) -> PackedModel:
        """The model."""
        ...

    @property
    def code(self) -> VectorCode:
        """Format of vectors."""
        ...

    @property
    def longest_list(self) -> int:
        """Tokens of which listed scores take no longer than a pass over the vocabulary; the bits are the same."""
        ...

    def initial(self) -> Vectors:
        """Return A before the first token, one vector."""
        ...

    def forward(self, vectors: Vectors, tokens: Tokens) -> Vectors:
        """Return A after `tokens`, one of each vector."""
        ...

    def backward(self, vectors: Vectors) -> Vectors:
        """Return alpha times column vectors."""
        ...

    def step(
        self, a: Vectors, default: Vectors | None, passes: Sequence[Products], items: Sequence[ListedProducts]
    ) -> StepProducts:
        """Return the scores of A, of A .* default, and of all and of listed tokens under other products with A."""
        ...

    def edge_weights(self, edges: Sequence[Tokens]) -> Vectors:
        """Return the weight of each edge [E, H]."""
        ...

    def other_edge_weights(self, listed: Sequence[Tokens]) -> Vectors:
        """Return for each list the weight of the edge of all tokens not in it, [E, H]."""
        ...

    def edge_sums(self, sums: Sequence[Sequence[Term]]) -> Vectors:
        """Return the sum of each list of terms, whose factors are single vectors."""
        ...


@dataclass(frozen=True, eq=False)
class GoldenDatapath:
    """The golden model."""

    golden: GoldenModel

    @property
    def packed(self) -> PackedModel:
        """The model."""
        return self.golden.packed

    @property
    def code(self) -> VectorCode:
        """Format of vectors."""
        return self.golden.code

    @property
    def longest_list(self) -> int:
        """Tokens of which listed scores take no longer than a pass over the vocabulary."""
        return self.packed.vocab_size // LISTS_IN_PASS

    def initial(self) -> Vectors:
        """Return A before the first token, one vector."""
        return self.golden.initial()

    def forward(self, vectors: Vectors, tokens: Tokens) -> Vectors:
        """Return A after `tokens`, one of each vector."""
        return self.golden.forward(vectors, tokens)

    def backward(self, vectors: Vectors) -> Vectors:
        """Return alpha times column vectors."""
        return self.golden.backward(vectors)

    def step(
        self, a: Vectors, default: Vectors | None, passes: Sequence[Products], items: Sequence[ListedProducts]
    ) -> StepProducts:
        """Return the scores of A, of A .* default, and of all and of listed tokens under other products with A."""
        return StepProducts(
            self.golden.scores(a),
            None if default is None else self.golden.product_scores(a, default),
            tuple(self.golden.product_scores(a.take(item.rows), item.second) for item in passes),
            tuple(
                self.golden.listed_scores(a.take(item.rows), item.tokens, item.second, ends=item.ends) for item in items
            ),
        )

    def edge_weights(self, edges: Sequence[Tokens]) -> Vectors:
        """Return the weight of each edge [E, H]."""
        return edge_weights(self.golden, edges)

    def other_edge_weights(self, listed: Sequence[Tokens]) -> Vectors:
        """Return for each list the weight of the edge of all tokens not in it, [E, H]."""
        return other_edge_weights(self.golden, listed)

    def edge_sums(self, sums: Sequence[Sequence[Term]]) -> Vectors:
        """Return the sum of each list of terms, whose factors are single vectors."""
        return joined([edge_sums(terms, self.golden.code) for terms in sums])


def joined(parts: Sequence[Vectors]) -> Vectors:
    """Return the vectors of all parts, in order."""
    return Vectors(np.concatenate([part.codes for part in parts]), np.concatenate([part.exponents for part in parts]))
