"""Finite automata over tokens: per state a default edge and exceptions, so that their size is independent of V."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from ..errors import OptionError

Pattern = tuple[int, ...]
"""Tokens in a row."""

Progress = tuple[frozenset[int], Pattern]
"""Keywords that are missing, and the longest end of the text that begins one of their patterns."""


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
    """[states] token -> state, for tokens that lead elsewhere than the default."""

    def __post_init__(self) -> None:
        states = range(self.states)
        if len(self.exceptions) != self.states or self.start not in states:
            raise ValueError(f"{self.states} defaults, {len(self.exceptions)} maps of exceptions, start {self.start}")
        for state, (default, listed) in enumerate(zip(self.defaults, self.exceptions, strict=True)):
            if default not in states or any(target not in states for target in listed.values()):
                raise ValueError(f"state {state} leads outside the {self.states} states")
            if default in listed.values():
                raise ValueError(f"state {state}: an exception leads to {default}, as the default does")

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.defaults)

    def step(self, state: int, token: int) -> int:
        """Return the state after a token."""
        return self.exceptions[state].get(token, self.defaults[state])

    def run(self, tokens: Iterable[int]) -> int:
        """Return the state after tokens, from the start."""
        state = self.start
        for token in tokens:
            state = self.step(state, token)
        return state

    def edges(self, state: int) -> tuple[Edge, ...]:
        """Return the edges out of a state: the default edge first, then one for each other successor, rising."""
        by_target: dict[int, list[int]] = {}
        for token, target in sorted(self.exceptions[state].items()):
            by_target.setdefault(target, []).append(token)
        listed = tuple(Edge(target, tuple(by_target[target]), False) for target in sorted(by_target))
        return (Edge(self.defaults[state], tuple(sorted(self.exceptions[state])), True), *listed)


def keyword_automaton(keywords: Sequence[Sequence[Pattern]]) -> Automaton:
    """Return the least automaton that accepts the texts in which every keyword occurs, as one of its patterns.

    A state remembers which keywords are still missing and the longest end of the text that begins one of their
    patterns (Aho and Corasick, CACM 18(6), 1975). Raises OptionError for a keyword without patterns or an empty one.
    """
    for number, patterns in enumerate(keywords):
        if not patterns or not all(patterns):
            raise OptionError(f"keyword {number}: patterns are {list(patterns)!r}, expected at least one, none empty")
    first: Progress = (frozenset(range(len(keywords))), ())
    numbers: dict[Progress, int] = {first: 0}
    waiting: list[Progress] = [first]
    defaults: list[int] = []
    exceptions: list[dict[int, int]] = []
    while waiting:
        missing, end = waiting.pop(0)
        alphabet = {token for keyword in missing for pattern in keywords[keyword] for token in pattern}
        default: Progress = (missing, ())
        successors = {token: _after(keywords, missing, (*end, token)) for token in sorted(alphabet)}
        for successor in (default, *successors.values()):
            if successor not in numbers:
                numbers[successor] = len(numbers)
                waiting.append(successor)
        defaults.append(numbers[default])
        exceptions.append({token: numbers[after] for token, after in successors.items() if after != default})
    accepting = frozenset(number for (missing, _), number in numbers.items() if not missing)
    return minimized(Automaton(0, accepting, tuple(defaults), tuple(exceptions)))


def minimized(automaton: Automaton) -> Automaton:
    """Return the least automaton that accepts the same texts (Moore's refinement), states in order of their first."""
    classes = [int(state in automaton.accepting) for state in range(automaton.states)]
    while True:
        signatures = [(classes[state], *_signature(automaton, classes, state)) for state in range(automaton.states)]
        found = dict(zip(dict.fromkeys(signatures), count(), strict=False))
        refined = [found[signature] for signature in signatures]
        if len(found) == len(set(classes)):
            break
        classes = refined
    first = {number: state for state, number in reversed(list(enumerate(refined)))}
    exceptions = tuple(
        {
            token: refined[target]
            for token, target in automaton.exceptions[state].items()
            if refined[target] != refined[automaton.defaults[state]]
        }
        for _, state in sorted(first.items())
    )
    return Automaton(
        refined[automaton.start],
        frozenset(refined[state] for state in automaton.accepting),
        tuple(refined[automaton.defaults[state]] for _, state in sorted(first.items())),
        exceptions,
    )


def _signature(automaton: Automaton, classes: Sequence[int], state: int) -> tuple[int, frozenset[tuple[int, int]]]:
    default = classes[automaton.defaults[state]]
    listed = ((token, classes[target]) for token, target in automaton.exceptions[state].items())
    return default, frozenset((token, target) for token, target in listed if target != default)


def _after(
    keywords: Sequence[Sequence[Pattern]], missing: frozenset[int], text: Pattern
) -> tuple[frozenset[int], Pattern]:
    """Return which keywords are missing after `text`, and its longest end that begins a pattern of theirs."""
    ends = [text[start:] for start in range(len(text) + 1)]
    done = {keyword for keyword in missing if any(pattern in ends for pattern in keywords[keyword])}
    left = missing - done
    begun = {tuple(pattern[:size]) for keyword in left for pattern in keywords[keyword] for size in range(len(pattern))}
    return left, next((end for end in ends if end in begun), ())
