"""A sequence of tokens through the golden model, every vector and score kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .operations import GoldenModel
from .vectors import Codes, Exponents


@dataclass(frozen=True, eq=False)
class GoldenRun:
    """A forward run over T tokens; row 0 belongs to the initial vector. A value is the code's times 2**exponent."""

    codes: Codes
    """[T + 1, H] vector codes of A_0 .. A_T."""
    exponents: Exponents
    """[T + 1]."""
    scores: Codes
    """[T + 1, V] SCORE16 codes of every token after A_t."""
    score_exponents: Exponents
    """[T + 1]."""


def run_tokens(golden: GoldenModel, tokens: Sequence[int]) -> GoldenRun:
    """Run `tokens`, each 0..V - 1, from the initial distribution.

    Raises OptionError for a token outside the vocabulary, ArithmeticRangeError where an exponent leaves its range.
    """
    golden.check_tokens(tokens)
    vectors = golden.initial()
    steps = [vectors]
    for token in tokens:
        vectors = golden.forward(vectors, [token])
        steps.append(vectors)
    nonempty = golden.nonempty_tokens
    scores = [golden.scores(step) for step in steps]
    return GoldenRun(
        np.concatenate([step.codes for step in steps]),
        np.concatenate([step.exponents for step in steps]),
        np.concatenate([score.expand(nonempty) for score in scores]),
        np.concatenate([score.exponents for score in scores]),
    )
