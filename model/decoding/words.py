"""Where words begin and go on, token by token, for constraints on whole words and on their number."""

from collections.abc import Sequence
from dataclasses import dataclass

SPACES = {"\u0120": " ", "\u2581": " ", "\u010a": "\n", "\u0109": "\t"}
"""How vocabularies write white space: byte-level BPE all three, SentencePiece the second."""


@dataclass(frozen=True)
class WordTokens:
    """Tokens of a vocabulary by what they do to a word; those in neither set stand between words, as punctuation does.

    Texts are taken to begin with a token that carries a space.
    """

    beginning: frozenset[int]
    """Tokens that begin a word: a space, then a letter or digit."""
    continuing: frozenset[int]
    """Tokens that go on with one: a letter or digit first."""

    @classmethod
    def of(cls, vocabulary: Sequence[str]) -> "WordTokens":
        """Sort the tokens of a vocabulary, as it writes them, in order of their numbers."""
        # written in bytes, a letter beyond ASCII begins with a character that is a letter, too
        texts = [SPACES.get(text[:1], text[:1]) + text[1:] for text in vocabulary]
        beginning = {number for number, text in enumerate(texts) if text[:1] == " " and text[1:2].isalnum()}
        continuing = {number for number, text in enumerate(texts) if text[:1].isalnum()}
        return cls(frozenset(beginning), frozenset(continuing))
