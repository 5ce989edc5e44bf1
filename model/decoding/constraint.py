"""The backward table of a constraint: how likely the rest of it is, from each automaton state and length."""

from dataclasses import dataclass

import numpy as np

from ..errors import OptionError
from ..golden.edges import Term, edge_sums, edge_weights, other_edge_weights
from ..golden.operations import GoldenModel
from ..golden.vectors import Vectors
from .automaton import Automaton


@dataclass(frozen=True, eq=False)
class BackwardTable:
    """alpha @ W[g][u] of each automaton state u, for the numbers g of tokens given out from `first` to `greatest`.

    W[g][u] is the probability of the rest of the constraint, for each hidden state that emits the next token: the
    automaton accepts what comes before end-of-text, which ends the text after `least` to `greatest` tokens.
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


def backward_table(
    golden: GoldenModel, automaton: Automaton, least: int, greatest: int, first: int = 0
) -> BackwardTable:
    """Return the table down to `first` tokens; end-of-text is on no edge.

    Raises OptionError for lengths in no such order, and for an edge that lists end-of-text.
    """
    if not (0 <= least <= greatest and 0 <= first <= greatest):
        given = f"least {least}, greatest {greatest}, first {first} given"
        raise OptionError(f"lengths: {given}, expected 0 <= least, first <= greatest")
    eos = golden.packed.eos_token_id
    if eos in automaton.class_of:
        raise OptionError(f"end-of-text ({eos}) is on an edge, expected it on none")
    listed = {state: automaton.edges(state) for state in range(automaton.states)}
    exceptional = [edge for edges in listed.values() for edge in edges if not edge.is_default]
    weights = {edge: row for row, edge in enumerate(dict.fromkeys(exceptional))}
    listed_weights = edge_weights(golden, [edge.tokens for edge in weights]) if weights else None
    default_weights = other_edge_weights(golden, [(*listed[state][0].tokens, eos) for state in listed])
    end = edge_weights(golden, [[eos]])
    levels: list[Vectors] = []
    nothing = Vectors.zeros(1, golden.packed.hidden_states)
    for tokens_out in range(greatest, first - 1, -1):
        rows: list[Vectors] = []
        for state, edges in listed.items():
            terms = [Term(end)] if tokens_out >= least and state in automaton.accepting else []
            if tokens_out < greatest:
                after = levels[-1]
                for edge in edges:
                    weight = default_weights if edge.is_default or listed_weights is None else listed_weights
                    row = state if edge.is_default else weights[edge]
                    terms.append(Term(_row(weight, row), _row(after, edge.target)))
            rows.append(edge_sums(terms, golden.code) if terms else nothing)
        levels.append(golden.backward(_stacked(rows)))
    return BackwardTable(automaton, least, greatest, first, tuple(reversed(levels)))


def _row(vectors: Vectors, row: int) -> Vectors:
    return vectors.take(np.array([row]))


def _stacked(rows: list[Vectors]) -> Vectors:
    return Vectors(np.concatenate([row.codes for row in rows]), np.concatenate([row.exponents for row in rows]))
