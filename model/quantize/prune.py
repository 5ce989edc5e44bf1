"""Magnitude pruning of alpha and beta, each by its own threshold; gamma stays. For float engines only.

The smallest entries go, and all that equal the greatest of them; no row is exempt, that of end-of-text neither.
"""

from enum import Enum
from math import ceil

import numpy as np

from ..errors import QuantizationError
from ..formats import PSEUDOCOUNT
from ..hmm import HMM, Probabilities
from ..weights import FloatWeights, Weights


class Renormalization(Enum):
    """What is done with the rows that are left."""

    NONE = "prune"
    ROWS = "prune-normalized"
    """Rows are divided by their sums; an empty one stays empty."""
    PSEUDOCOUNT = "prune-normalized-pseudocount"
    """Norm-Q's pseudocount is added first; an empty row becomes uniform."""


def prune(hmm: HMM, share: float, renormalization: Renormalization) -> FloatWeights:
    """Return the weights without the smallest `share` of alpha and of beta. Raises QuantizationError."""
    alpha, beta = (_pruned(p, share, renormalization) for p in (hmm.alpha, hmm.beta))
    return FloatWeights(alpha, beta, hmm.gamma.astype(np.float64), hmm.eos_token_id)


def _pruned(p: Probabilities, share: float, renormalization: Renormalization) -> Weights:
    weights = np.where(p > _threshold(p, share), p, 0).astype(np.float64)
    if renormalization is Renormalization.NONE:
        return weights
    if renormalization is Renormalization.PSEUDOCOUNT:
        weights += float(PSEUDOCOUNT) / p.shape[1]
    sums = weights.sum(axis=1, keepdims=True)
    return weights / np.where(sums > 0, sums, 1)


def _threshold(p: Probabilities, share: float) -> float:
    """Return the greatest entry that goes."""
    if not 0 < share < 1:
        raise QuantizationError(f"share to prune: {share!r} given, expected a number above 0 and below 1")
    last = ceil(share * p.size) - 1
    return float(np.partition(p, last, axis=None)[last])
