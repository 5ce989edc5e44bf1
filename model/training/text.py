"""Example sentences of WordNet 3.0, from its data files.

A line of a data file ends with `| definition; "example"; "example"` (wndb(5WN)); its first lines, indented, are the
licence. Kept: the quoted parts of 4 to 24 words.
"""

import random
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import OptionError

PARTS = ("noun", "verb", "adj", "adv")
LEAST_WORDS, MOST_WORDS = 4, 24
HELD_OUT = 3000
"""Sentences of the dev part, and of the test part."""

_QUOTED = re.compile(r'"([^"]+)"')
_STOPS = (".", "?", "!")


@dataclass(frozen=True)
class Corpus:
    """Three parts without a sentence in common."""

    train: list[str]
    dev: list[str]
    test: list[str]


def read_corpus(folder: Path, seed: int) -> Corpus:
    """Return the sentences of a WordNet folder, shuffled by `seed` and split. Raises OptionError."""
    sentences = read_sentences(folder)
    if len(sentences) <= 2 * HELD_OUT:
        raise OptionError(
            f"{folder}: holds {len(sentences)} example sentences, expected more than {2 * HELD_OUT}: the whole WordNet"
        )
    random.Random(seed).shuffle(sentences)
    return Corpus(sentences[2 * HELD_OUT :], sentences[:HELD_OUT], sentences[HELD_OUT : 2 * HELD_OUT])


def read_sentences(folder: Path) -> list[str]:
    """Return the example sentences of data.noun, .verb, .adj, .adv in this order, each once. Raises OptionError."""
    found: dict[str, None] = {}
    for part in PARTS:
        file = folder / f"data.{part}"
        if not file.is_file():
            raise OptionError(f"{file}: no such file, expected a WordNet folder with data.{', data.'.join(PARTS)}")
        for line in file.read_text(encoding="latin-1").splitlines():
            found.update(dict.fromkeys(examples(line)))
    return list(found)


def examples(line: str) -> list[str]:
    """Return the example sentences of one line of a data file, normalized; none for a line of the licence."""
    if line.startswith(" "):
        return []
    quoted = _QUOTED.findall(line.partition(" | ")[2])
    return [normalized(text) for text in quoted if LEAST_WORDS <= len(text.split()) <= MOST_WORDS]


def normalized(text: str) -> str:
    """Return the text in lower case, with single spaces and a stop at its end."""
    text = " ".join(text.lower().split()).rstrip(",;:")
    return text if text.endswith(_STOPS) else text + "."
