"""Baum-Welch: expected counts of many sequences at once, in torch float32 with float64 sums.

The state at position t emits token t, then moves on. A MISSING token has probability 1 in every state and adds nothing
to the emission counts (token dropout of Ctrl-G, arXiv 2406.13892); the transitions around it are counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..reference import MISSING
from .counts import PSEUDOCOUNT, Counts, Parameters

CHUNK_TOKENS = 1 << 14
"""Tokens whose vectors of states are in memory at once: three of [CHUNK_TOKENS, H] float32."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """What one pass over the sequences found."""

    counts: Counts
    log_likelihood: float
    """Natural log of p(all sequences), under the model that the pass ran with."""


def expected_counts(model: Parameters, groups: Sequence[Tensor]) -> Expectation:
    """Return the events expected in sequences, in groups [N, T] int64 of equal length T >= 1 within each."""
    emission = model.beta.T.contiguous()
    gamma, alpha, beta = (torch.zeros_like(t, dtype=torch.float64) for t in (model.gamma, model.alpha, emission))
    total = 0.0
    for group in groups:
        for tokens in group.split(max(1, CHUNK_TOKENS // group.shape[1])):
            seen = _emission(emission, tokens)
            filtered, scale = _forward(model, seen)
            following, posterior = _backward(model, seen, filtered, scale)
            total += float(scale.double().log().sum())
            gamma += posterior[0].sum(0)
            alpha += torch.einsum("tni,tnj->ij", filtered[:-1], following).double()
            _count_emissions(beta, tokens.T, posterior)
    return Expectation(Counts(gamma, alpha * model.alpha, beta.T), total)


def _emission(emission: Tensor, tokens: Tensor) -> Tensor:
    """Return p(token | state) [T, N, H] of tokens [N, T]."""
    columns = emission[tokens.T.clamp(min=0)]
    return columns.masked_fill_((tokens.T == MISSING)[..., None], 1.0)


def _forward(model: Parameters, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return p(state at t | tokens to t) [T, N, H], and p(token t | tokens before it) [T, N]."""
    filtered, scale = torch.empty_like(seen), seen.new_empty(seen.shape[:2])
    prior = model.gamma.expand(seen.shape[1], -1)
    for t, emission in enumerate(seen):
        joint = prior * emission
        scale[t] = joint.sum(1)
        filtered[t] = joint / scale[t, :, None]
        prior = filtered[t] @ model.alpha
    return filtered, scale


def _backward(model: Parameters, seen: Tensor, filtered: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Return what position t's transitions are weighted by [T - 1, N, H], and p(state at t | all tokens) [T, N, H]."""
    following, posterior = torch.empty_like(seen[1:]), torch.empty_like(seen)
    posterior[-1] = filtered[-1]
    after = torch.ones_like(seen[0])
    for t in range(len(seen) - 2, -1, -1):
        following[t] = after * seen[t + 1] / scale[t + 1, :, None]
        after = following[t] @ model.alpha.T
        posterior[t] = filtered[t] * after
    return following, posterior


def _count_emissions(beta: Tensor, tokens: Tensor, posterior: Tensor) -> None:
    observed = tokens != MISSING
    # one chunk in float32, then into the float64 sum: ids repeat, and float64 copies of all vectors are not needed
    chunk = torch.zeros(beta.shape).index_add_(0, tokens[observed], posterior[observed])
    beta += chunk


def fit(
    model: Parameters,
    groups: Sequence[Tensor],
    extra: Counts,
    iterations: int,
    report: Callable[[int, float], None],
    pseudocount: float = PSEUDOCOUNT,
) -> Parameters:
    """Return `model` after some EM iterations; `extra` is added to the counts of each.

    `report` gets the number of each iteration, from 1, and the log-likelihood under the model it started from.
    """
    for iteration in range(1, iterations + 1):
        found = expected_counts(model, groups)
        report(iteration, found.log_likelihood)
        model = (found.counts + extra).maximize(pseudocount)
    return model


def equal_lengths(tokens: Tensor, lengths: Tensor) -> list[Tensor]:
    """Return the rows of tokens [N, T], without what is beyond `lengths` [N], grouped by length, shortest first."""
    return [tokens[lengths == length, :length] for length in sorted(set(lengths.tolist()))]
