"""The shipped files of the default model."""

import json
from pathlib import Path

from tokenizers import Tokenizer

from ..errors import OptionError
from ..hmm import HMM
from .compact import read_compact

HIDDEN_STATES = (64, 256)
"""Sizes that are shipped."""

FOLDER = Path(__file__).parent
TOKENIZER_FILE = "tokenizer.json"
SENTENCES_FILE = "test_sentences.txt"
METRICS_FILE = "metrics.json"
LICENSE_FILE = "LICENSE-WordNet"
LANGUAGE_MODEL_FOLDER = "lm"


def hmm_file(hidden: int) -> str:
    """Return the name of the file of one size."""
    return f"hmm-{hidden}.safetensors"


def default_hmm(hidden: int = 256) -> HMM:
    """Return the trained HMM of H = `hidden` states, V = 4096, end of text 0. Raises OptionError."""
    if hidden not in HIDDEN_STATES:
        raise OptionError(f"hidden states: {hidden!r} asked of the default model, expected one of {HIDDEN_STATES}")
    return read_compact(FOLDER / hmm_file(hidden))


def default_tokenizer() -> Tokenizer:
    """Return the byte-level BPE tokenizer of the default models."""
    return Tokenizer.from_file(str(FOLDER / TOKENIZER_FILE))


def default_sentences() -> list[str]:
    """Return 200 sentences that no part of the training has seen."""
    return (FOLDER / SENTENCES_FILE).read_text(encoding="utf-8").splitlines()


def default_metrics() -> dict[str, float]:
    """Return what was measured of the shipped files when they were made, by name; README.md says what each means."""
    return json.loads((FOLDER / METRICS_FILE).read_text(encoding="utf-8"))["metrics"]
