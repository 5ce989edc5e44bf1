"""Baum-Welch: expected counts of many sequences at once, in torch float32 with float64 sums, on any device.

The state at position t emits token t, then moves on. A MISSING token has probability 1 in every state and adds nothing
to the emission counts (token dropout of Ctrl-G, arXiv 2406.13892); the transitions around it are counted.

Sequences are sorted by length, longest first: those that go on at a position are the first rows, and all vectors of a
batch lie one position after another in one matrix.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from ..errors import TrainingError
from ..reference import MISSING
from .counts import PSEUDOCOUNT, Counts, Parameters
from .sequences import Sequences

BATCH_TOKENS = 1 << 14
"""Tokens whose vectors of states are in memory at once: three of [BATCH_TOKENS, H] float32."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """What one pass over the sequences found."""

    counts: Counts
    log_likelihood: float
    """Natural log of p(all sequences), under the model that the pass ran with."""

    def __add__(self, other: "Expectation") -> "Expectation":
        return Expectation(self.counts + other.counts, self.log_likelihood + other.log_likelihood)


@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences side by side, longest first."""

    tokens: Tensor
    """[M] int64: the tokens at position 0 of all sequences, then those at position 1 of those that go on, ..."""
    starts: list[int]
    """[T + 1]: where each position starts in `tokens`; the last is M."""

    def positions(self) -> list[slice]:
        """Return where in `tokens` each position is."""
        return [slice(start, end) for start, end in pairwise(self.starts)]


def expected_counts(model: Parameters, sequences: Sequences) -> Expectation:
    """Return the events expected in `sequences`. Raises TrainingError where one of them has probability 0."""
    emission = model.beta.T.contiguous()
    gamma, alpha, beta = (torch.zeros_like(t, dtype=torch.float64) for t in (model.gamma, model.alpha, emission))
    total = 0.0
    for batch in batches(sequences, model.beta.device):
        seen = _emission(emission, batch.tokens)
        filtered, scale = _forward(model, batch, seen)
        posterior = _backward(model, batch, seen, filtered, scale)
        total += float(scale.double().log().sum())
        gamma += posterior[batch.positions()[0]].sum(0)
        alpha += (filtered[_before(batch)].T @ seen[batch.starts[1] :]).double()
        _count_emissions(beta, batch.tokens, posterior)
    return Expectation(Counts(gamma, alpha * model.alpha, beta.T), total)


def log_likelihood(model: Parameters, sequences: Sequences) -> float:
    """Return the natural log of p(all sequences). Raises TrainingError where one of them has probability 0."""
    emission = model.beta.T.contiguous()
    total = 0.0
    for batch in batches(sequences, model.beta.device):
        scale = _forward(model, batch, _emission(emission, batch.tokens))[1]
        total += float(scale.double().log().sum())
    return total


def fit(
    model: Parameters,
    sequences: Sequences,
    extra: Counts,
    iterations: int,
    report: Callable[[int, float], None],
    pseudocount: float = PSEUDOCOUNT,
) -> Parameters:
    """Return `model` after some EM iterations over all of `sequences`; `extra` is added to the counts of each.

    `report` gets the number of each iteration, from 1, and the log-likelihood under the model it started from.
    """
    for iteration in range(1, iterations + 1):
        found = expected_counts(model, sequences)
        report(iteration, found.log_likelihood)
        model = (found.counts + extra).maximize(pseudocount)
    return model


def batches(sequences: Sequences, device: torch.device | str = "cpu") -> Iterator[Batch]:
    """Yield all of `sequences`, longest first, in batches of BATCH_TOKENS tokens, or of one longer sequence."""
    order = torch.argsort(sequences.lengths, descending=True, stable=True)
    ends = sequences.lengths[order].cumsum(0)
    first = 0
    while first < len(order):
        used = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(torch.searchsorted(ends, used + BATCH_TOKENS, right=True)))
        yield _batch(sequences.take(order[first:last]), device)
        first = last


def _batch(sequences: Sequences, device: torch.device | str) -> Batch:
    """Lay out sequences that are sorted by length."""
    inside = torch.arange(sequences.tokens.shape[1])[:, None] < sequences.lengths
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), inside.sum(1).cumsum(0)])
    return Batch(sequences.tokens.T[inside].to(device), starts.tolist())


def _before(batch: Batch) -> Tensor:
    """Return which vectors stand before those from position 1 on [M - N]."""
    went_on = [torch.arange(now.start, now.start + after.stop - after.start) for now, after in _pairs(batch)]
    return torch.cat([torch.zeros(0, dtype=torch.int64), *went_on]).to(batch.tokens.device)


def _pairs(batch: Batch) -> Iterator[tuple[slice, slice]]:
    return pairwise(batch.positions())


def _emission(emission: Tensor, tokens: Tensor) -> Tensor:
    """Return p(token | state) [M, H] of tokens [M]."""
    columns = emission[tokens.clamp(min=0)]
    return columns.masked_fill_((tokens == MISSING)[:, None], 1.0)


def _forward(model: Parameters, batch: Batch, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return p(state | tokens to here) [M, H], and p(token | tokens before it) [M]."""
    filtered, scale = torch.empty_like(seen), seen.new_empty(len(seen))
    prior = model.gamma[None]
    for here in batch.positions():
        joint = prior[: here.stop - here.start] * seen[here]
        scale[here] = joint.sum(1)
        filtered[here] = joint / scale[here, None]
        prior = filtered[here] @ model.alpha
    if not bool((scale > 0).all()):
        raise TrainingError("sequences: one has probability 0 under the model, expected a pseudocount above 0 before")
    return filtered, scale


def _backward(model: Parameters, batch: Batch, seen: Tensor, filtered: Tensor, scale: Tensor) -> Tensor:
    """Return p(state | all tokens) [M, H].

    `seen` becomes what the transitions into a position are weighted by.
    """
    posterior = filtered.clone()  # where a sequence ends, nothing follows
    after = torch.ones_like(seen[batch.positions()[-1]])
    for now, here in reversed(list(_pairs(batch))):
        seen[here] *= after / scale[here, None]
        going_on = here.stop - here.start
        after = torch.ones_like(seen[now])
        after[:going_on] = seen[here] @ model.alpha.T
        posterior[now] *= after
    return posterior


def _count_emissions(beta: Tensor, tokens: Tensor, posterior: Tensor) -> None:
    observed = tokens != MISSING
    # one batch in float32, then into the float64 sum: ids repeat, and float64 copies of all vectors are not needed
    batch = torch.zeros_like(beta, dtype=torch.float32).index_add_(0, tokens[observed], posterior[observed])
    beta += batch
