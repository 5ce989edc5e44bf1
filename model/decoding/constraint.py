"""The backward table of a constraint, packed: how likely the rest of it is, from each automaton state and length."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError
from ..golden.edges import Term
from ..golden.vectors import Vectors
from .automaton import Automaton
from .datapath import Datapath
from .engine import EosMode

EXPONENT_BYTES = 2
"""Of a vector in memory."""


@dataclass(frozen=True, eq=False)
class BackwardTable:
    """alpha @ W[g][u] of each automaton state u, for the numbers g of tokens given out from `first` to `greatest`.

    W[g][u] is the probability of the rest of the constraint, for each hidden state that emits the next token: the
    automaton accepts what comes before end-of-text, which ends the text after `least` to `greatest` tokens
    (`engine.EosMode` has the other reading).
    """

    automaton: Automaton
    least: int
    greatest: int
    first: int
    successors: tuple[Vectors, ...]
    """[greatest - first + 1] of [states, H]: what the product with A needs, for g from `first` on."""

    def at(self, tokens_out: int) -> Vectors:
        """Return alpha @ W[tokens_out], [states, H]; raises ValueError for a number that the table lacks."""
        if not self.first <= tokens_out <= self.greatest:
            raise ValueError(f"tokens_out must be {self.first}..{self.greatest}, got {tokens_out!r}")
        return self.successors[tokens_out - self.first]

    @property
    def nbytes(self) -> int:
        """Bytes of all its vectors in memory, codes and exponents."""
        return sum(level.codes.nbytes + EXPONENT_BYTES * level.batch for level in self.successors)


def backward_table(
    datapath: Datapath,
    automaton: Automaton,
    least: int,
    greatest: int,
    first: int = 0,
    mode: EosMode = EosMode.EVENT,
) -> BackwardTable:
    """Return the table down to `first` tokens; end-of-text is on no edge that names its tokens.

    Raises OptionError for lengths in no such order, and for an edge that lists end-of-text.
    """
    if not (0 <= least <= greatest and 0 <= first <= greatest):
        given = f"least {least}, greatest {greatest}, first {first} given"
        raise OptionError(f"lengths: {given}, expected 0 <= least, first <= greatest")
    eos = datapath.packed.eos_token_id
    if eos in automaton.class_of:
        raise OptionError(f"end-of-text ({eos}) is on an edge, expected it on none")
    sums = _EdgeSums.of(datapath, automaton, mode)
    build = _event_levels if mode is EosMode.EVENT else _ctrlg_levels
    return BackwardTable(automaton, least, greatest, first, build(datapath, sums, least, greatest, first))


@dataclass(frozen=True, eq=False)
class _EdgeSums:
    """The edges of an automaton with their weights."""

    datapath: Datapath
    automaton: Automaton
    weights: tuple[tuple[tuple[Vectors, int], ...], ...]
    """[states] weight and target of every edge, the default one first."""

    @classmethod
    def of(cls, datapath: Datapath, automaton: Automaton, mode: EosMode) -> "_EdgeSums":
        """Compute the weight of every mask once, however many edges have it."""
        edges = [automaton.edges(state) for state in range(automaton.states)]
        apart = (datapath.packed.eos_token_id,) if mode is EosMode.EVENT else ()
        defaults = _numbered((*own[0].tokens, *apart) for own in edges)
        others = datapath.other_edge_weights(list(defaults))
        listed = _numbered(edge.tokens for own in edges for edge in own[1:])
        named = datapath.edge_weights(list(listed)) if listed else others
        weights = tuple(
            (
                (_row(others, defaults[(*own[0].tokens, *apart)]), own[0].target),
                *((_row(named, listed[edge.tokens]), edge.target) for edge in own[1:]),
            )
            for own in edges
        )
        return cls(datapath, automaton, weights)

    def of_level(self, after: Vectors | None, end: Vectors | None) -> Vectors:
        """Return per state the sum over its edges of w .* after[target], and `end` where it accepts."""
        terms = [
            [
                *([Term(end)] if end is not None and state in self.automaton.accepting else []),
                *((Term(weight, _row(after, target)) for weight, target in own) if after is not None else ()),
            ]
            for state, own in enumerate(self.weights)
        ]
        return _sums(self.datapath, terms)


def _event_levels(datapath: Datapath, sums: _EdgeSums, least: int, greatest: int, first: int) -> tuple[Vectors, ...]:
    end = datapath.edge_weights([[datapath.packed.eos_token_id]])
    levels: list[Vectors] = []
    for out in range(greatest, first - 1, -1):
        w = sums.of_level(levels[-1] if levels else None, end if out >= least else None)
        levels.append(datapath.backward(w))
    return tuple(reversed(levels))


def _ctrlg_levels(datapath: Datapath, sums: _EdgeSums, least: int, greatest: int, first: int) -> tuple[Vectors, ...]:
    hidden = datapath.packed.hidden_states
    one = Vectors(
        np.full((1, hidden), 1 << datapath.code.fraction_bits, np.uint16),
        np.full(1, -datapath.code.fraction_bits, np.int32),
    )
    left = sums.of_level(None, one)
    by_length: list[Vectors] = []
    for _ in range(greatest - first + 1):
        by_length.append(datapath.backward(left))
        left = sums.of_level(by_length[-1], None)
    states = range(sums.automaton.states)
    found: list[Vectors] = []
    for out in range(first, greatest + 1):
        parts = by_length[max(0, least - out) : greatest - out + 1]
        found.append(_sums(datapath, [[Term(_row(part, state)) for part in parts] for state in states]))
    return tuple(found)


def _sums(datapath: Datapath, terms: Sequence[Sequence[Term]]) -> Vectors:
    """Return the sums of all lists, zero for empty ones."""
    there = np.array([number for number, own in enumerate(terms) if own], np.int64)
    total = Vectors.zeros(len(terms), datapath.packed.hidden_states)
    if there.size:
        found = datapath.edge_sums([terms[number] for number in there])
        total.codes[there], total.exponents[there] = found.codes, found.exponents
    return total


def _numbered(masks: Iterable[tuple[int, ...]]) -> dict[tuple[int, ...], int]:
    return {mask: number for number, mask in enumerate(dict.fromkeys(masks))}


def _row(vectors: Vectors, row: int) -> Vectors:
    return vectors.take(np.array([row]))
