"""What decides the rows of a study's store and is not in their keys: rows of another study are refused, never reused.

The source code is not in it, for a study takes hours and most changes leave every number as it is: who changes what a
row holds raises COMPUTATION. Nor are versions of packages and the processor, which change last bits.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...model.default.load import FOLDER, LANGUAGE_MODEL_FOLDER, SENTENCES_FILE, TOKENIZER_FILE, hmm_file
from ...model.errors import OptionError
from . import training
from .concepts import FILE
from .spec import BEAMS, CHUNK, LENGTHS
from .summary import HIDDEN

COMPUTATION = 2
"""Raised by hand whenever the code computes other numbers than before."""

Identity = Mapping[str, str]


def identity() -> dict[str, str]:
    """Return what decides the rows of a study that this code computes, by field."""
    model = (hmm_file(HIDDEN), TOKENIZER_FILE, SENTENCES_FILE, LANGUAGE_MODEL_FOLDER)
    return {
        "computation": str(COMPUTATION),
        "concept sets": _digest([FILE]),
        "embedded model": _digest([FOLDER / name for name in model]),
        "search": f"{BEAMS} beams, {LENGTHS.least} to {LENGTHS.greatest} tokens, {CHUNK} sets a piece",
        "training": _training(),
    }


def check_identity(place: Path, found: Identity) -> None:
    """Raise OptionError where what decided the rows of a place is not what decides them here.

    A field that it lacks was not written yet when its rows were computed, and is taken as it is here.
    """
    for field, wanted in identity().items():
        if found.get(field, wanted) != wanted:
            raise OptionError(
                f"{place}: holds rows of another study: {field} is {found[field]!r}, expected {wanted!r}; "
                "take another folder, or remove it"
            )


def _training() -> str:
    drawn = f"{training.SENTENCES} and {training.DEV_SENTENCES} sentences of {training.PADDED_LENGTH} tokens"
    aware = f"{training.CHUNKS} chunks of {training.CHUNK_SENTENCES}"
    return f"{training.HIDDEN} states, {drawn}, {training.PASSES} passes, {aware}"


def _digest(paths: Iterable[Path]) -> str:
    """Return the first digits of SHA-256 over files, and over those of folders by name."""
    found = hashlib.sha256()
    for path in paths:
        for file in sorted(path.iterdir()) if path.is_dir() else (path,):
            found.update(file.name.encode())
            found.update(file.read_bytes())
    return found.hexdigest()[:12]
