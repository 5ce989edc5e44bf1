"""Concept sets for constrained decoding: 3 to 5 content words of a sentence that no part of the training has seen.

A content word is a noun, verb, adjective or adverb whose lemma occurs often enough in the training text; its
inflections are those of `lemminflect`. The sentence is the set's reference. The drawn sets ship beside this file;
`normq quality --draw-sets` draws them again.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import lemminflect

from ...model.errors import OptionError

FILE = Path(__file__).parent / "concepts.json"

SETS = 200
LEAST_OCCURRENCES = 5
LEAST_LETTERS = 3
FEWEST, MOST = 3, 5

WORDS = re.compile(r"[a-z]+")
PARTS_OF_SPEECH = ("NOUN", "VERB", "ADJ", "ADV")
_FUNCTION_WORDS = (
    "about above after again all also and any are because been before being between both but can could did does doing "
    "down during each ever every few for from further had has have having her here hers him his how into its itself "
    "just let many may might more most much must never nor not now off once one only other our out over own same "
    "shall she should some such than that the their them then there these they this those through too under until "
    "upon very was were what when where which while who whom whose why will with would yet you your"
)
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())


@dataclass(frozen=True)
class ConceptSet:
    """One constraint and its reference."""

    concepts: tuple[tuple[str, ...], ...]
    """For each concept its inflections, the lemma first."""
    reference: str
    """The sentence that the concepts are of."""

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The concepts by name."""
        return tuple(forms[0] for forms in self.concepts)


def draw_sets(train: Iterable[str], held_out: Sequence[str], count: int, seed: int) -> list[ConceptSet]:
    """Return `count` sets of different sentences of `held_out`, in a drawn order. Raises OptionError for too few."""
    occurrences = Counter(lemma for text in train for word in WORDS.findall(text) if (lemma := lemma_of(word)))
    rng = random.Random(seed)
    sentences = list(dict.fromkeys(held_out))
    rng.shuffle(sentences)
    sets: list[ConceptSet] = []
    for sentence in sentences:
        found = list(dict.fromkeys(lemma for word in WORDS.findall(sentence) if (lemma := lemma_of(word))))
        found = [lemma for lemma in found if occurrences[lemma] >= LEAST_OCCURRENCES]
        size = rng.randint(FEWEST, MOST)
        if len(found) < size:
            continue
        chosen = rng.sample(found, size)
        sets.append(ConceptSet(tuple(inflections(lemma) for lemma in chosen), sentence))
        if len(sets) == count:
            return sets
    raise OptionError(f"concept sets: {len(sets)} found in {len(sentences)} sentences, expected {count}")


def lemma_of(word: str) -> str | None:
    """Return the lemma of a content word, None for any other."""
    if len(word) < LEAST_LETTERS or word in FUNCTION_WORDS:
        return None
    lemmas = lemminflect.getAllLemmas(word)
    for part in PARTS_OF_SPEECH:
        if part in lemmas:
            lemma = str(lemmas[part][0])
            return lemma if len(lemma) >= LEAST_LETTERS and WORDS.fullmatch(lemma) else None
    return None


def inflections(lemma: str) -> tuple[str, ...]:
    """Return the lemma and its other forms, sorted."""
    forms = {form for group in lemminflect.getAllInflections(lemma).values() for form in group}
    return (lemma, *sorted(str(form) for form in forms - {lemma} if WORDS.fullmatch(form)))


def write_sets(sets: Sequence[ConceptSet], file: Path = FILE) -> None:
    """Write sets as JSON."""
    file.write_text(json.dumps([asdict(one) for one in sets], indent=1) + "\n", encoding="utf-8")


def read_sets(file: Path = FILE) -> list[ConceptSet]:
    """Return the sets of a file."""
    return [
        ConceptSet(tuple(tuple(forms) for forms in one["concepts"]), one["reference"])
        for one in json.loads(file.read_text(encoding="utf-8"))
    ]


def has_all(text: str, concepts: Iterable[Sequence[str]]) -> bool:
    """Return whether a form of every concept is a substring of the text: success as the paper counts it."""
    return all(any(form in text for form in forms) for forms in concepts)


def has_all_words(text: str, concepts: Iterable[Sequence[str]]) -> bool:
    """Return whether a form of every concept is a whole word of the text."""
    words = set(WORDS.findall(text))
    return all(not words.isdisjoint(forms) for forms in concepts)
