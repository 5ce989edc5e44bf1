"""Automata of constraints against their definition over every short text, and against automata-lib."""

import random
import re
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from automata.fa.dfa import DFA

from normq.model.decoding.automaton import Automaton, Pattern
from normq.model.decoding.builders import (
    ANY_TEXT,
    begins_with,
    contains_any,
    ends_with,
    keyword_automaton,
    keywords_in_order,
    token_count,
    whole_word,
)
from normq.model.decoding.classes import minimized
from normq.model.decoding.combine import intersection, negation, union
from normq.model.decoding.words import WordTokens
from normq.model.errors import OptionError

ALPHABET = range(5)
"""Token 4 is in no pattern: it stands for all others."""
PATTERNS: list[Pattern] = [(0, 0, 1, 0), (0, 1), (1, 2, 0, 0)]
CONTINUING = {1, 4}


def parts(text: Pattern) -> set[Pattern]:
    places = range(len(text) + 1)
    return {text[start:end] for start in places for end in places if start <= end}


def in_order(text: Pattern, keywords: list[list[Pattern]]) -> bool:
    if not keywords:
        return True
    ends = [
        start + len(pattern)
        for pattern in keywords[0]
        for start in range(len(text))
        if text[start : start + len(pattern)] == pattern
    ]
    return any(in_order(text[end:], keywords[1:]) for end in ends)


def is_word_in(text: Pattern, patterns: list[Pattern]) -> bool:
    return any(
        text[start:end] in patterns and (end == len(text) or text[end] not in CONTINUING)
        for start in range(len(text))
        for end in range(start, len(text) + 1)
    )


BUILT: dict[str, tuple[Automaton, Callable[[Pattern], bool]]] = {
    "any": (contains_any(PATTERNS), lambda text: any(one in parts(text) for one in PATTERNS)),
    "one token": (contains_any([(3,)]), lambda text: 3 in text),
    "begins": (begins_with(PATTERNS), lambda text: any(text[: len(one)] == one for one in PATTERNS)),
    "ends": (ends_with(PATTERNS), lambda text: any(text[-len(one) :] == one for one in PATTERNS)),
    "count": (token_count({1, 3}, 2, 3), lambda text: 2 <= sum(token in (1, 3) for token in text) <= 3),
    "none counted": (token_count({1}, 0, 0), lambda text: 1 not in text),
    "in order": (
        keywords_in_order([[(0, 1), (2,)], [(1, 1), (0,)]]),
        lambda text: in_order(text, [[(0, 1), (2,)], [(1, 1), (0,)]]),
    ),
    "word": (whole_word([(0,), (2, 1)], CONTINUING), lambda text: is_word_in(text, [(0,), (2, 1)])),
    "all": (ANY_TEXT, lambda text: True),
}


def texts(most: int) -> list[Pattern]:
    return [text for size in range(most + 1) for text in product(ALPHABET, repeat=size)]


def as_dfa(automaton: Automaton) -> DFA:
    # its stubs name the states' type by a variable that nothing binds
    transitions: Any = {
        state: {token: automaton.step(state, token) for token in ALPHABET} for state in range(automaton.states)
    }
    states: Any = set(range(automaton.states))
    symbols: Any = set(ALPHABET)
    accepting: Any = set(automaton.accepting)
    return DFA(
        states=states,
        input_symbols=symbols,
        transitions=transitions,
        initial_state=automaton.start,
        final_states=accepting,
    )


@pytest.mark.parametrize("name", BUILT)
def test_accepts_by_definition(name: str) -> None:
    automaton, holds = BUILT[name]
    for text in texts(6):
        assert (automaton.run(text) in automaton.accepting) == holds(text), text


@pytest.mark.parametrize("name", BUILT)
def test_is_as_small_as_automata_lib_makes_it(name: str) -> None:
    automaton = BUILT[name][0]
    assert automaton.states == len(as_dfa(automaton).minify(retain_names=False).states)
    assert minimized(automaton) == automaton


@pytest.mark.parametrize("name", BUILT)
def test_fewest_tokens_are_those_of_the_shortest_text(name: str) -> None:
    automaton, holds = BUILT[name]
    assert automaton.fewest_tokens == min(len(text) for text in texts(4) if holds(text))
    assert intersection([automaton, negation(automaton)]).fewest_tokens is None


@pytest.mark.parametrize("first", ["any", "count", "word"])
@pytest.mark.parametrize("second", ["ends", "begins", "none counted", "in order"])
def test_combined_as_automata_lib_combines(first: str, second: str) -> None:
    a, b = BUILT[first][0], BUILT[second][0]
    left, right = as_dfa(a), as_dfa(b)
    for ours, theirs in (
        (intersection([a, b]), left & right),
        (union([a, b]), left | right),
        (negation(a), ~left),
    ):
        assert as_dfa(ours) == theirs
        assert ours.states == len(theirs.minify(retain_names=False).states)


def test_equal_texts_give_equal_automata() -> None:
    a, b, c = (BUILT[name][0] for name in ("any", "count", "ends"))
    assert intersection([a, b, c]) == intersection([c, intersection([b, a])])
    assert negation(negation(a)) == a
    assert negation(union([a, b])) == intersection([negation(b), negation(a)])
    assert intersection([a, negation(a)]) == Automaton(0, frozenset(), (0,), ({},), ())
    assert keyword_automaton([[(0, 1)], [(3,)]]) == intersection([contains_any([(3,)]), contains_any([(0, 1)])])


def test_classes_are_as_few_as_possible() -> None:
    """Words of a vocabulary of 50257 are counted with one class, not with a token for each."""
    counted = token_count(range(0, 50257, 3), 5, 12)
    assert (counted.states, [len(tokens) for tokens in counted.classes]) == (14, [16753])
    both = intersection([counted, keyword_automaton([[(3, 4)], [(9,), (10, 10)]])])
    assert [tokens[0] for tokens in both.classes] == [0, 3, 4, 9, 10]


def test_five_concepts_over_a_large_vocabulary_take_less_than_two_seconds() -> None:
    """Of up to 8 inflections of up to 3 tokens, and a word count: thousands of states."""
    rng = random.Random(0)
    concepts = [[tuple(rng.choices(range(1, 50257), k=1 + form % 3)) for form in range(8)] for _ in range(5)]
    begun = time.process_time()
    keywords = keyword_automaton(concepts)
    counted = intersection([keywords, token_count(range(0, 50257, 3), 5, 12)])
    assert time.process_time() - begun < 2
    assert keywords.states > 100
    assert counted.states > 1000


def test_words_by_the_spelling_of_their_tokens() -> None:
    found = WordTokens.of(["<|end|>", "\u0120run", "ning", "\u2581dog", "\u0120", "\u0120,", ".", "\u010aa", "7th", ""])
    assert found == WordTokens(frozenset({1, 3}), frozenset({2, 8}))


def test_refuses_what_is_no_constraint() -> None:
    cases: list[tuple[Callable[[], Automaton], str]] = [
        (lambda: contains_any([]), "keyword: patterns are [], expected at least one, none empty"),
        (lambda: begins_with([()]), "beginning: patterns are [()], expected at least one, none empty"),
        (lambda: token_count({1}, 3, 2), "count: least 3, most 2 given, expected 0 <= least <= most"),
        (lambda: intersection([]), "intersection: of no automata, expected at least one"),
    ]
    for build, message in cases:
        with pytest.raises(OptionError, match=f"^{re.escape(message)}$"):
            build()
    with pytest.raises(ValueError, match=r"^a token is in two classes$"):
        Automaton(0, frozenset(), (0,), ({},), ((1, 2), (2,)))
