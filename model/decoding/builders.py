"""Automata of constraints on token sequences: what occurs in a text, how it begins and ends, how many words it has.

A pattern is tokens in a row. Tokens that no pattern names share one class, so that sizes do not depend on V.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import OptionError
from .automaton import Automaton, Pattern
from .classes import ClassTable, Table, minimized
from .combine import intersection

ANY_TEXT = Automaton(0, frozenset({0}), (0,), ({},), ())
"""No constraint."""


@dataclass(eq=False)
class _Trie:
    """The beginnings of patterns, a node each, 0 that of length 0."""

    children: list[dict[int, int]] = field(default_factory=lambda: [{}])
    ends: set[int] = field(default_factory=set[int])
    """Nodes that are whole patterns."""

    @classmethod
    def of(cls, what: str, patterns: Sequence[Pattern]) -> "_Trie":
        """Raises OptionError for no patterns or an empty one."""
        if not patterns or not all(patterns):
            raise OptionError(f"{what}: patterns are {list(patterns)!r}, expected at least one, none empty")
        trie = cls()
        for pattern in patterns:
            node = 0
            for token in pattern:
                if token not in trie.children[node]:
                    trie.children[node][token] = len(trie.children)
                    trie.children.append({})
                node = trie.children[node][token]
            trie.ends.add(node)
        return trie

    @property
    def tokens(self) -> list[int]:
        """All tokens, rising."""
        return sorted({token for children in self.children for token in children})


@dataclass(frozen=True, eq=False)
class _Matcher:
    """Aho and Corasick's automaton: a state is the longest end of the text that begins a pattern."""

    classes: dict[int, int]
    table: Table
    """[nodes, 1 + tokens]."""
    matched: list[int]
    """States at which a pattern ends."""

    @classmethod
    def of(cls, what: str, patterns: Sequence[Pattern]) -> "_Matcher":
        trie = _Trie.of(what, patterns)
        classes = {token: 1 + place for place, token in enumerate(trie.tokens)}
        table = np.zeros((len(trie.children), 1 + len(classes)), np.int64)
        # where the text goes on when it leaves the trie: from the longest shorter end that begins a pattern
        shorter, matched = [0] * len(trie.children), set(trie.ends)
        waiting = deque([0])
        while waiting:
            node = waiting.popleft()
            table[node] = table[shorter[node]]
            if shorter[node] in matched:
                matched.add(node)
            for token, child in trie.children[node].items():
                shorter[child] = int(table[node, classes[token]]) if node else 0
                table[node, classes[token]] = child
                waiting.append(child)
        return cls(classes, table, sorted(matched))

    def automaton(self, *, absorbing: bool) -> Automaton:
        """Return the automaton that accepts where a pattern ends; with `absorbing` it then accepts any rest."""
        table = self.table.copy()
        accepting = np.zeros(len(table), np.bool_)
        accepting[self.matched] = True
        if absorbing:
            table[self.matched] = np.array(self.matched)[:, np.newaxis]
        return ClassTable(self.classes, 0, accepting, table).automaton()


def contains_any(patterns: Sequence[Pattern]) -> Automaton:
    """Return the least automaton of texts in which one of the patterns occurs (Aho and Corasick, CACM 18(6), 1975).

    A phrase is one pattern of several words. Raises OptionError for no patterns or an empty one.
    """
    return _Matcher.of("keyword", patterns).automaton(absorbing=True)


def keyword_automaton(keywords: Sequence[Sequence[Pattern]]) -> Automaton:
    """Return the least automaton of texts in which every keyword occurs, as one of its patterns.

    Raises OptionError for a keyword without patterns or an empty one.
    """
    matchers = [_Matcher.of(f"keyword {number}", patterns) for number, patterns in enumerate(keywords)]
    return intersection([ANY_TEXT, *(matcher.automaton(absorbing=True) for matcher in matchers)])


def keywords_in_order(keywords: Sequence[Sequence[Pattern]]) -> Automaton:
    """Return the least automaton of texts in which the keywords occur one behind the other, without overlap.

    Raises OptionError as `keyword_automaton`.
    """
    matchers = [_Matcher.of(f"keyword {number}", patterns) for number, patterns in enumerate(keywords)]
    tokens = sorted({token for matcher in matchers for token in matcher.classes})
    classes = {token: 1 + place for place, token in enumerate(tokens)}
    offsets = np.concatenate([[0], np.cumsum([len(matcher.table) for matcher in matchers])]).astype(np.int64)
    last = int(offsets[-1])
    table = np.full((last + 1, 1 + len(tokens)), last, np.int64)
    for matcher, offset, following in zip(matchers, offsets, offsets[1:], strict=False):
        targets = np.arange(offset, following)
        targets[matcher.matched] = following
        # tokens of other keywords are other tokens to this one
        table[offset:following] = targets[matcher.table[:, [0, *(matcher.classes.get(token, 0) for token in tokens)]]]
    return ClassTable(classes, 0, np.arange(last + 1) == last, table).automaton()


def begins_with(patterns: Sequence[Pattern]) -> Automaton:
    """Return the least automaton of texts that begin with one of the patterns. Raises OptionError as `contains_any`."""
    trie = _Trie.of("beginning", patterns)
    refused = len(trie.children)
    rest = ({} if node in trie.ends else children for node, children in enumerate(trie.children))
    defaults = [node if node in trie.ends else refused for node in range(refused)]
    return minimized(Automaton.of_tokens(0, trie.ends, (*defaults, refused), (*rest, {})))


def ends_with(patterns: Sequence[Pattern]) -> Automaton:
    """Return the least automaton of texts that end with one of the patterns. Raises OptionError as `contains_any`."""
    return _Matcher.of("end", patterns).automaton(absorbing=False)


def whole_word(patterns: Sequence[Pattern], continuing: Collection[int]) -> Automaton:
    """Return the least automaton of texts in which a pattern occurs that no token of `continuing` follows.

    `continuing` (`words.WordTokens`) are the tokens that go on with a word; that a pattern begins one is its first
    token's affair, which carries the space. Raises OptionError as `contains_any`.
    """
    matcher = _Matcher.of("whole word", patterns)
    found = len(matcher.table)
    classes = dict(matcher.classes)
    width = matcher.table.shape[1]
    # other tokens that go on share one class
    classes.update({token: width for token in continuing if token not in classes})
    table = np.column_stack([matcher.table, matcher.table[:, 0]])
    table = np.vstack([table, np.full(width + 1, found)])
    ending = [0, *(place for token, place in matcher.classes.items() if token not in continuing)]
    table[np.ix_(matcher.matched, ending)] = found
    accepting = np.zeros(found + 1, np.bool_)
    accepting[[*matcher.matched, found]] = True
    return ClassTable(classes, 0, accepting, table).automaton()


def token_count(counted: Collection[int], least: int, most: int) -> Automaton:
    """Return the least automaton of texts with `least` to `most` tokens of `counted`.

    Words are counted by the tokens that begin them (`words.WordTokens`). Raises OptionError unless 0 <= least <= most.
    """
    if not 0 <= least <= most:
        raise OptionError(f"count: least {least}, most {most} given, expected 0 <= least <= most")
    states = np.arange(most + 2)
    table = np.column_stack([states, np.minimum(states + 1, most + 1)])
    return ClassTable(dict.fromkeys(counted, 1), 0, (states >= least) & (states <= most), table).automaton()
