"""Automata over classes of tokens that no state tells apart: products and minimization, their cost independent of V."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .automaton import Automaton

Table = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Join = Callable[[Flags, Flags], Flags]
"""Whether a pair of states accepts, of whether each does."""


@dataclass(frozen=True, eq=False)
class ClassTable:
    """A deterministic automaton of S states over K classes of tokens."""

    classes: Mapping[int, int]
    """Token -> class, 1..K - 1; all other tokens are of class 0."""
    start: int
    accepting: Flags
    """[S]."""
    table: Table
    """[S, K] the state after a token of each class."""

    @classmethod
    def of(cls, automaton: Automaton) -> "ClassTable":
        """Return an automaton over its classes as a table."""
        table = np.repeat(np.array(automaton.defaults, np.int64)[:, np.newaxis], 1 + len(automaton.classes), axis=1)
        for state, listed in enumerate(automaton.exceptions):
            if listed:
                table[state, [1 + number for number in listed]] = list(listed.values())
        accepting = np.zeros(automaton.states, np.bool_)
        accepting[list(automaton.accepting)] = True
        classes = {token: 1 + number for token, number in automaton.class_of.items()}
        return cls(classes, automaton.start, accepting, table)

    def automaton(self) -> Automaton:
        """Return the least automaton that accepts the same texts.

        There is one for each set of texts: states are numbered in order of discovery from the start, along the default
        edge first, then along tokens, rising.
        """
        least = self.least()
        order = _discovery(least)
        numbers = np.empty(len(order), np.int64)
        numbers[order] = np.arange(len(order))
        table = numbers[least.table[order]]
        exceptions: list[dict[int, int]] = []
        for row in table:
            there = np.flatnonzero(row != row[0])
            exceptions.append(dict(zip((there - 1).tolist(), row[there].tolist(), strict=True)))
        classes: list[list[int]] = [[] for _ in range(table.shape[1] - 1)]
        for token, number in sorted(least.classes.items()):
            classes[number - 1].append(token)
        accepting = frozenset(np.flatnonzero(least.accepting[order]).tolist())
        return Automaton(0, accepting, tuple(table[:, 0].tolist()), tuple(exceptions), tuple(map(tuple, classes)))

    def least(self) -> "ClassTable":
        """Return a table with the fewest states and classes that accepts the same texts."""
        return _merged(_reachable(self))


def minimized(automaton: Automaton) -> Automaton:
    """Return the least automaton that accepts the same texts (`ClassTable.automaton`): equal for equal texts."""
    return ClassTable.of(automaton).automaton()


def product(first: ClassTable, second: ClassTable, join: Join) -> ClassTable:
    """Return the automaton of pairs of states that the start reaches; it accepts where `join` says so."""
    pairs: dict[tuple[int, int], int] = {(0, 0): 0}
    classes: dict[int, int] = {}
    for token in sorted({*first.classes, *second.classes}):
        pair = (first.classes.get(token, 0), second.classes.get(token, 0))
        classes[token] = pairs.setdefault(pair, len(pairs))
    left, right = (np.array([pair[side] for pair in pairs]) for side in range(2))
    width = len(second.accepting)
    start = first.start * width + second.start
    numbers = {start: 0}
    rows: list[Table] = []
    frontier = np.array([start], np.int64)
    while frontier.size:
        after = first.table[np.ix_(frontier // width, left)] * width + second.table[np.ix_(frontier % width, right)]
        rows.append(after)
        fresh = [code for code in np.unique(after).tolist() if code not in numbers]
        numbers.update(zip(fresh, range(len(numbers), len(numbers) + len(fresh)), strict=True))
        frontier = np.array(fresh, np.int64)
    codes = np.array(list(numbers), np.int64)
    # codes stand in order of number, not of size
    by_size = np.argsort(codes)
    table = by_size[np.searchsorted(codes[by_size], np.concatenate(rows))]
    accepting = join(first.accepting[codes // width], second.accepting[codes % width])
    return ClassTable(classes, 0, accepting, table)


def _with_fewest_classes(classes: Mapping[int, int], start: int, accepting: Flags, table: Table) -> ClassTable:
    """Merge classes with equal columns; numbers rise with the least token of a class, 0 stays that of all others."""
    columns: dict[bytes, int] = {table[:, 0].tobytes(): 0}
    kept = [0]
    by_old: dict[int, int] = {0: 0}
    merged: dict[int, int] = {}
    for token, old in sorted(classes.items()):
        if old not in by_old:
            by_old[old] = columns.setdefault(table[:, old].tobytes(), len(columns))
            if by_old[old] == len(kept):
                kept.append(old)
        if by_old[old]:
            merged[token] = by_old[old]
    return ClassTable(merged, start, accepting, table[:, kept])


def _reachable(whole: ClassTable) -> ClassTable:
    there = np.zeros(len(whole.accepting), np.bool_)
    frontier = np.array([whole.start])
    while frontier.size:
        there[frontier] = True
        after = np.unique(whole.table[frontier])
        frontier = after[~there[after]]
    numbers = np.cumsum(there) - 1
    table = numbers[whole.table[there]]
    return ClassTable(whole.classes, int(numbers[whole.start]), whole.accepting[there], table)


def _merged(whole: ClassTable) -> ClassTable:
    """Merge states that accept the same continuations (Moore's refinement), then classes that have become equal."""
    blocks = whole.accepting.astype(np.int64)
    count = np.unique(blocks).size
    while True:
        signatures = np.column_stack([blocks, blocks[whole.table]])
        first, inverse = np.unique(signatures, axis=0, return_index=True, return_inverse=True)[1:]
        blocks = inverse.reshape(-1)
        if first.size == count:
            break
        count = first.size
    table = blocks[whole.table[first]]
    return _with_fewest_classes(whole.classes, int(blocks[whole.start]), whole.accepting[first], table)


def _discovery(whole: ClassTable) -> Table:
    """Return the states in the order in which a search in breadth from the start meets them."""
    met = {whole.start: None}
    queue = [whole.start]
    for state in queue:
        fresh = [target for target in dict.fromkeys(whole.table[state].tolist()) if target not in met]
        met.update(dict.fromkeys(fresh))
        queue.extend(fresh)
    return np.array(queue, np.int64)
