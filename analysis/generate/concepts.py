"""Concepts as a user writes them, their inflections, and the automaton of texts that hold them all."""

import re
from collections.abc import Collection, Sequence

from ...model.decoding.automaton import Automaton, Pattern
from ...model.decoding.builders import keyword_automaton, whole_word
from ...model.decoding.combine import intersection
from ...model.errors import OptionError
from ..study.concepts import WORDS, inflections, lemma_of
from .tokens import TextTokens

Concepts = tuple[tuple[str, ...], ...]
"""For each concept the forms of which one must occur."""

FORMS = "|"
LETTER_OR_DIGIT = r"[^\W_]"
"""As str.isalnum has it, which tells the tokens that go on with a word, too (`words.WordTokens`)."""


def parse_concepts(text: str) -> Concepts:
    """Return the concepts of words with spaces between: "dog run field"; forms that are given, "run|ran", stay alone.

    A word alone stands for all inflections of its lemma. Raises OptionError.
    """
    found = tuple(_forms(word) for word in text.split())
    if not found:
        raise OptionError(
            f"--concepts: {text!r} holds no word, expected words with spaces between, as in 'dog run field'"
        )
    return found


def _forms(word: str) -> tuple[str, ...]:
    if FORMS in word:
        forms = word.split(FORMS)
        if not all(forms):
            raise OptionError(f"--concepts: {word!r} has an empty form, expected words with {FORMS} between")
        return tuple(dict.fromkeys(forms))
    if not WORDS.fullmatch(word):
        # what is no plain word has no inflections that anybody knows of
        return (word,)
    lemma = lemma_of(word) or word
    return tuple(dict.fromkeys((word, *inflections(lemma))))


def constraint(concepts: Concepts, tokens: TextTokens, *, whole_words: bool) -> Automaton:
    """Return the automaton of texts in which a form of each concept occurs, or is a word of its own.

    Raises OptionError for a form that the tokenizer makes nothing of.
    """
    if whole_words:
        continuing = tokens.words.continuing
        return intersection([_whole(forms, tokens, continuing) for forms in concepts])
    return keyword_automaton([[p for form in forms for p in _patterns(form, tokens)] for forms in concepts])


def holds(text: str, concepts: Concepts, tokens: TextTokens) -> bool:
    """Return whether a form of each concept is part of a text, letter by letter as it was given.

    Or as the tokenizer writes it: some know no capitals.
    """
    return all(any(form in text for form in _spelled(forms, tokens)) for forms in concepts)


def holds_words(text: str, concepts: Concepts, tokens: TextTokens) -> bool:
    """Return whether a form of each concept is part of a text with no letter or digit beside its own first and last.

    A form that begins or ends otherwise, as C++ does, may stand beside anything there.
    """
    return all(any(re.search(_word(form), text) for form in _spelled(forms, tokens)) for forms in concepts)


def _spelled(forms: Sequence[str], tokens: TextTokens) -> list[str]:
    written = [tokens.decode(tokens.encode(form)) for form in forms]
    return [*forms, *(form for form in written if form)]


def _word(form: str) -> str:
    before = rf"(?<!{LETTER_OR_DIGIT})" if form[0].isalnum() else ""
    behind = rf"(?!{LETTER_OR_DIGIT})" if form[-1].isalnum() else ""
    return before + re.escape(form) + behind


def _whole(forms: Sequence[str], tokens: TextTokens, continuing: Collection[int]) -> Automaton:
    return whole_word([_patterns(form, tokens)[0] for form in forms], continuing)


def _patterns(form: str, tokens: TextTokens) -> list[Pattern]:
    patterns = tokens.patterns(form)
    if not all(patterns):
        raise OptionError(f"--concepts: the tokenizer makes no token of {form!r}")
    return patterns
