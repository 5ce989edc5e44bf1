"""What the number formats and the quantization cost: distance of next-token distributions and of values."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..model.golden.operations import GoldenModel
from ..model.golden.vectors import Floats, Vectors, code_values, score_values
from ..model.hmm import HMM
from ..model.reference import ReferenceModel, ScaledVectors
from .stimuli import Tokens

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Quality:
    """Means and maxima over all positions of all sequences."""

    kl_arithmetic_nat: float
    """Mean KL of the next-token distribution: float64 of the same quantized model, from it golden."""
    worst_relative_error: float
    """Greatest |golden / float64 - 1| of any vector element or score, absolute scale included."""
    kl_quantization_nat: float
    """Mean KL of the next-token distribution: the unquantized model, from it golden."""


def sample(hmm: HMM, sequences: int, steps: int, seed: int) -> Tokens:
    """Return tokens [sequences, steps] drawn from the model itself; never end-of-text, after which nothing happens."""
    rng = np.random.default_rng(seed)
    x = np.repeat(hmm.gamma.astype(np.float64)[np.newaxis], sequences, axis=0)
    tokens = np.empty((sequences, steps), np.int64)
    for step in range(steps):
        p = x @ hmm.beta
        p[:, hmm.eos_token_id] = 0
        cumulated = np.cumsum(p, axis=1)
        draws = rng.random(sequences) * cumulated[:, -1]
        tokens[:, step] = [np.searchsorted(c, d, side="right") for c, d in zip(cumulated, draws, strict=True)]
        x = (x * hmm.beta[:, tokens[:, step]].T) @ hmm.alpha
        x /= x.sum(axis=1, keepdims=True)
    return tokens


def quality(
    golden: GoldenModel, states: Vectors, tokens: Tokens, exact: ReferenceModel, original: ReferenceModel
) -> Quality:
    """Compare golden's states A_0 .. A_T of sequences `tokens` [N, T], as one batch, with two float64 models.

    `exact` is the same quantized model, `original` the model before quantization.
    """
    scores = golden.scores(states)
    expanded = score_values(scores.expand(golden.nonempty_tokens))
    found = _normalized(expanded)
    wanted, wanted_scores = _reference(exact, tokens)
    errors = (
        _relative(code_values(states.codes, golden.code), states.exponents, wanted.values, wanted.exponents),
        _relative(expanded, scores.exponents, wanted_scores, wanted.exponents),
    )
    _, original_scores = _reference(original, tokens)
    return Quality(
        kl_arithmetic_nat=mean_kl(_normalized(wanted_scores), found),
        worst_relative_error=max(errors),
        kl_quantization_nat=mean_kl(_normalized(original_scores), found),
    )


def mean_kl(p: Floats, q: Floats) -> float:
    """Return the mean over rows of sum p log(p / q), distributions [N, V]; 0 log 0 is 0."""
    support = p > 0
    terms = np.zeros_like(p)
    # log1p keeps digits where q is near p: the sum of p - q is 0
    np.divide(q - p, p, out=terms, where=support)
    small = np.abs(terms) < 0.5
    logs = np.where(small, np.log1p(np.where(small, terms, 0)) - np.where(small, terms, 0), 0)
    far = support & ~small
    logs[far] = np.log(q[far] / p[far]) - terms[far]
    # where p is 0, q - p alone is left of the sum
    return float(-(p * logs).sum(axis=1).mean() + np.where(support, 0, q).sum(axis=1).mean())


@dataclass(frozen=True, eq=False)
class _Rows:
    values: Floats
    exponents: npt.NDArray[np.int64]


def _reference(model: ReferenceModel, tokens: Tokens) -> tuple[_Rows, Floats]:
    """Return A_0 .. A_T as one batch, and the scores under the same exponents."""
    scaled: ScaledVectors = model.forward(torch.from_numpy(tokens))
    values = scaled.values.flatten(0, 1)
    return _Rows(values.numpy(), scaled.exponents.flatten().numpy()), model.scores(values).numpy()


def _normalized(values: Floats) -> Floats:
    return values / values.sum(axis=1, keepdims=True)


def _relative(
    found: Floats, exponents: npt.NDArray[np.int32], wanted: Floats, wanted_exponents: npt.NDArray[np.int64]
) -> float:
    shifts = (exponents - wanted_exponents).astype(np.int64)[:, np.newaxis]
    return float(np.abs(np.ldexp(found, shifts.astype(np.int32)) / wanted - 1).max())
