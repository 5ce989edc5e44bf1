"""Automata of several constraints side by side, as arrays: a state has a number across all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .automaton import Automaton

TOKEN_BITS = 32
"""Room for a token's number."""


@dataclass(frozen=True, eq=False)
class Stacked:
    """S states, X exceptions and E edges (exceptions of a state that lead to one target) of N automata."""

    starts: Tensor
    """[N] int64."""
    first_states: tuple[int, ...]
    """[N + 1] the states of automaton n are first_states[n] .. first_states[n + 1] - 1."""
    accepting: Tensor
    """[S] bool."""
    defaults: Tensor
    """[S] int64."""
    tokens: Tensor
    """[X] int64."""
    targets: Tensor
    """[X] int64."""
    states: Tensor
    """[X] int64, where an exception leads from; they are in order of states, those of a state in order of tokens."""
    edges: Tensor
    """[X] int64, the edge an exception is of."""
    edge_states: Tensor
    """[E] int64, rising."""
    edge_targets: Tensor
    """[E] int64."""
    automaton: Automaton
    """All of them as one, with the same numbers of states; it starts where the first does."""

    def step(self, states: Tensor, tokens: Tensor) -> Tensor:
        """Return the states after `tokens` [B] in `states` [B]."""
        if not len(self.tokens):
            return self.defaults[states]
        wanted = (states << TOKEN_BITS) + tokens
        places = torch.searchsorted(self._keys, wanted).clamp(max=len(self.tokens) - 1)
        return torch.where(self._keys[places] == wanted, self.targets[places], self.defaults[states])

    @cached_property
    def _keys(self) -> Tensor:
        """[X] state and token of each exception as one number, rising."""
        return (self.states << TOKEN_BITS) + self.tokens


def stack(automata: Sequence[Automaton]) -> Stacked:
    """Return automata as arrays."""
    first = [0]
    for automaton in automata:
        first.append(first[-1] + automaton.states)
    listed = [
        (base + state, token, base + target)
        for base, automaton in zip(first, automata, strict=False)
        for state, exceptions in enumerate(automaton.exceptions)
        for token, target in sorted((t, after) for one, after in exceptions.items() for t in automaton.classes[one])
    ]
    numbers: dict[tuple[int, int], int] = {}
    edges = [numbers.setdefault((state, target), len(numbers)) for state, _, target in listed]
    states, tokens, targets = (torch.tensor([one[k] for one in listed], dtype=torch.int64) for k in range(3))
    accepting = torch.zeros(first[-1], dtype=torch.bool)
    for base, automaton in zip(first, automata, strict=False):
        accepting[[base + state for state in automaton.accepting]] = True
    pairs = torch.tensor(list(numbers), dtype=torch.int64).reshape(-1, 2)
    return Stacked(
        starts=torch.tensor([base + one.start for base, one in zip(first, automata, strict=False)]),
        first_states=tuple(first),
        accepting=accepting,
        defaults=torch.tensor(
            [base + state for base, one in zip(first, automata, strict=False) for state in one.defaults]
        ),
        tokens=tokens,
        targets=targets,
        states=states,
        edges=torch.tensor(edges, dtype=torch.int64),
        edge_states=pairs[:, 0].contiguous(),
        edge_targets=pairs[:, 1].contiguous(),
        automaton=_as_one(automata, first),
    )


def _as_one(automata: Sequence[Automaton], first: Sequence[int]) -> Automaton:
    if len(automata) == 1:
        return automata[0]
    defaults: list[int] = []
    exceptions: list[dict[int, int]] = []
    for base, one in zip(first, automata, strict=False):
        defaults += [base + target for target in one.defaults]
        exceptions += [
            {token: base + target for number, target in listed.items() for token in one.classes[number]}
            for listed in one.exceptions
        ]
    accepting = (base + state for base, one in zip(first, automata, strict=False) for state in one.accepting)
    return Automaton.of_tokens(first[0] + automata[0].start, accepting, defaults, exceptions)
