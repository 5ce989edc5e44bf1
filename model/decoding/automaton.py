"""Finite automata over classes of tokens: per state a default edge and exceptions, so that sizes do not depend on V."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Pattern = tuple[int, ...]
"""Tokens in a row."""


@dataclass(frozen=True)
class Edge:
    """All tokens that lead from one state to another."""

    target: int
    tokens: tuple[int, ...]
    """The tokens of the edge, rising; of the default edge, those that are not on it."""
    is_default: bool


@dataclass(frozen=True)
class Automaton:
    """A deterministic automaton; every token but end-of-text leads somewhere from every state.

    Raises ValueError when the parts do not fit each other.
    """

    start: int
    accepting: frozenset[int]
    defaults: tuple[int, ...]
    """[states] where tokens lead that are no exception."""
    exceptions: tuple[Mapping[int, int], ...]
    """[states] class -> state, for classes that lead elsewhere than the default."""
    classes: tuple[tuple[int, ...], ...]
    """[classes] tokens that no state tells apart, rising; tokens in none always follow the default edge."""

    def __post_init__(self) -> None:
        states, classes = range(self.states), range(len(self.classes))
        if len(self.exceptions) != self.states or self.start not in states:
            raise ValueError(f"{self.states} defaults, {len(self.exceptions)} maps of exceptions, start {self.start}")
        for state, (default, listed) in enumerate(zip(self.defaults, self.exceptions, strict=True)):
            if default not in states or any(target not in states for target in listed.values()):
                raise ValueError(f"state {state} leads outside the {self.states} states")
            if any(number not in classes for number in listed):
                raise ValueError(f"state {state}: an exception is outside the {len(classes)} classes")
            if default in listed.values():
                raise ValueError(f"state {state}: an exception leads to {default}, as the default does")
        if len(self.class_of) != sum(map(len, self.classes)):
            raise ValueError("a token is in two classes")

    @classmethod
    def of_tokens(
        cls, start: int, accepting: Iterable[int], defaults: Sequence[int], exceptions: Sequence[Mapping[int, int]]
    ) -> "Automaton":
        """Return the automaton whose exceptions are token -> state, each token a class of its own.

        Raises ValueError as the constructor.
        """
        tokens = sorted({token for listed in exceptions for token in listed})
        numbers = {token: number for number, token in enumerate(tokens)}
        by_class = tuple({numbers[token]: target for token, target in sorted(one.items())} for one in exceptions)
        return cls(start, frozenset(accepting), tuple(defaults), by_class, tuple((token,) for token in tokens))

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.defaults)

    @cached_property
    def class_of(self) -> Mapping[int, int]:
        """Token -> class."""
        return {token: number for number, tokens in enumerate(self.classes) for token in tokens}

    @cached_property
    def fewest_tokens(self) -> int | None:
        """Tokens of the shortest text that is accepted, None where none is."""
        seen, count, frontier = {self.start}, 0, {self.start}
        while frontier:
            if not self.accepting.isdisjoint(frontier):
                return count
            after = {
                target for state in frontier for target in (self.defaults[state], *self.exceptions[state].values())
            }
            frontier = after - seen
            seen |= frontier
            count += 1
        return None

    def step(self, state: int, token: int) -> int:
        """Return the state after a token."""
        number = self.class_of.get(token)
        return self.defaults[state] if number is None else self.exceptions[state].get(number, self.defaults[state])

    def run(self, tokens: Iterable[int]) -> int:
        """Return the state after tokens, from the start."""
        state = self.start
        for token in tokens:
            state = self.step(state, token)
        return state

    def edges(self, state: int) -> tuple[Edge, ...]:
        """Return the edges out of a state: the default edge first, then one for each other successor, rising."""
        if state not in self._edges:
            self._edges[state] = self._edges_of(state)
        return self._edges[state]

    def edge_tokens(self, state: int, target: int) -> Numbers:
        """Return the tokens of the edge between two states that is no default edge; raises ValueError for none."""
        if (state, target) not in self._tokens:
            found = [edge.tokens for edge in self.edges(state)[1:] if edge.target == target]
            if not found:
                raise ValueError(f"no edge but the default one leads from state {state} to {target}")
            self._tokens[state, target] = np.array(found[0], np.int64)
        return self._tokens[state, target]

    @cached_property
    def _edges(self) -> dict[int, tuple[Edge, ...]]:
        """Those asked for so far."""
        return {}

    @cached_property
    def _tokens(self) -> dict[tuple[int, int], Numbers]:
        """Those asked for so far."""
        return {}

    def _edges_of(self, state: int) -> tuple[Edge, ...]:
        by_target: dict[int, list[int]] = {}
        for number, target in self.exceptions[state].items():
            by_target.setdefault(target, []).extend(self.classes[number])
        listed = tuple(Edge(target, tuple(sorted(by_target[target])), False) for target in sorted(by_target))
        others = tuple(sorted(token for edge in listed for token in edge.tokens))
        return (Edge(self.defaults[state], others, True), *listed)
