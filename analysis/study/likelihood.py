"""What an HMM alone loses: likelihood of held-out text, and distance of its next-token distribution.

A model whose rows do not sum to 1 is judged by its next-token distribution divided by its sum. After a token of
probability 0 nothing is known: that position and the rest of its sentence count as impossible, and so do all positions
from which a vector is zero.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...model.decoding.guide import Guide
from ...model.default.compact import LEAST_WEIGHT
from ...model.reference import MISSING
from ...model.weights import FloatWeights


@dataclass(frozen=True)
class HmmMetrics:
    """Means over the positions of held-out sentences, each sentence's end-of-text among them."""

    log_likelihood_nat: float
    """Mean of ln p(token) over possible positions."""
    impossible_share: float
    """Positions whose token has probability 0."""
    kl_nat: float
    """Mean KL(float || model) of the next token over positions where it is finite."""
    kl_infinite_share: float
    """Positions where it is infinite."""
    below_share: float
    """Weights of alpha and beta below 1e-5."""


def next_tokens(guide: Guide, tokens: Tensor) -> Tensor:
    """Return p(token | tokens before it) [N, T, V] of rows [N, T]; 0 throughout where nothing is possible."""
    a = guide.gamma.expand(1, len(tokens), -1)
    found: list[Tensor] = []
    for column in tokens.T:
        scores = guide.scores(a)[0]
        sums = scores.sum(1, keepdim=True)
        found.append(scores / torch.where(sums > 0, sums, 1))
        a = guide.forward(a, column.clamp(min=0)[None])
    return torch.stack(found, 1)


def hmm_metrics(guide: Guide, weights: FloatWeights, original: Tensor, tokens: Tensor) -> HmmMetrics:
    """Return the metrics on rows [N, T], MISSING beyond their end; `original` is `next_tokens` of the float model."""
    observed = tokens != MISSING
    p, q = original[observed], next_tokens(guide, tokens)[observed]
    chosen = q.gather(1, tokens[observed][:, None])[:, 0]
    possible = chosen > 0
    ratio = torch.where(p > 0, p.log() - q.log(), 0)
    kl = torch.where(p > 0, p * ratio, 0).sum(1)
    finite = kl.isfinite()
    small = [float(np.count_nonzero(t < LEAST_WEIGHT)) for t in (weights.alpha, weights.beta)]
    return HmmMetrics(
        log_likelihood_nat=float(chosen[possible].log().mean()) if possible.any() else -float("inf"),
        impossible_share=1 - float(possible.double().mean()),
        kl_nat=float(kl[finite].mean()) if finite.any() else float("inf"),
        kl_infinite_share=1 - float(finite.double().mean()),
        below_share=sum(small) / (weights.alpha.size + weights.beta.size),
    )
