"""Counts of a hidden Markov model's events, and the model that they make."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..hmm import HMM

PSEUDOCOUNT = 0.001
"""Added to each row of counts, spread evenly (Ctrl-G and Norm-Q, arXiv 2509.25439)."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """The three tensors of an HMM, float32 on one device; rows sum to 1."""

    gamma: Tensor
    """[H]."""
    alpha: Tensor
    """[H, H]."""
    beta: Tensor
    """[H, V]."""

    @classmethod
    def of_hmm(cls, hmm: HMM, device: torch.device | str = "cpu") -> "Parameters":
        """Take the float32 tensors of a model."""
        return cls(*(torch.tensor(tensor, device=device) for tensor in (hmm.gamma, hmm.alpha, hmm.beta)))

    def to(self, device: torch.device | str) -> "Parameters":
        """Return them on a device."""
        return Parameters(self.gamma.to(device), self.alpha.to(device), self.beta.to(device))

    def to_hmm(self, eos_token_id: int, provenance: dict[str, str]) -> HMM:
        """Return them as a validated model; raises ModelError."""
        alpha, beta, gamma = (tensor.cpu().numpy() for tensor in (self.alpha, self.beta, self.gamma))
        return HMM(alpha=alpha, beta=beta, gamma=gamma, eos_token_id=eos_token_id, provenance=provenance)


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each event occurred, or is expected to have; float64."""

    gamma: Tensor
    """[H], sequences that started in a state."""
    alpha: Tensor
    """[H, H], transitions from one state to another."""
    beta: Tensor
    """[H, V], tokens seen in a state."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.gamma + other.gamma, self.alpha + other.alpha, self.beta + other.beta)

    def to(self, device: torch.device | str) -> "Counts":
        """Return them on a device."""
        return Counts(self.gamma.to(device), self.alpha.to(device), self.beta.to(device))

    def maximize(self, pseudocount: float = PSEUDOCOUNT) -> Parameters:
        """Return the model of greatest likelihood; a row without counts becomes uniform."""
        return Parameters(*(_normalized(tensor, pseudocount) for tensor in (self.gamma, self.alpha, self.beta)))

    def frequencies(self) -> Parameters:
        """Return each row divided by its sum, in float32; a row without counts stays 0."""
        return Parameters(*(_divided(tensor) for tensor in (self.gamma, self.alpha, self.beta)))


def random_parameters(hidden: int, vocab_size: int, eos_token_id: int, seed: int) -> Parameters:
    """Return rows drawn evenly from all distributions, but that end of text belongs to the last state, which keeps it.

    EM keeps those zeros, up to the pseudocount.
    """
    draw = torch.Generator().manual_seed(seed)
    shapes = ((hidden,), (hidden, hidden), (hidden, vocab_size))
    gamma, alpha, beta = (torch.empty(shape).double().exponential_(generator=draw) for shape in shapes)
    beta[:-1, eos_token_id] = 0
    for row, column in ((alpha[-1], -1), (beta[-1], eos_token_id)):
        row.zero_()[column] = 1
    gamma[-1] = 0
    return Counts(gamma, alpha, beta).maximize()


def padding_counts(lengths: Tensor, padded_length: int, states: int, vocab_size: int, eos_token_id: int) -> Counts:
    """Return the events of filling sequences up to `padded_length` with end of text in the last state.

    Ctrl-G trains on such sequences, and they are what keeps the state of end of text from being left: a row's
    pseudocount is shared with them. `lengths` [N] int64 counts the tokens with the first end of text; longer sequences
    than `padded_length` have no padding.
    """
    padding = (padded_length - lengths).clamp(min=0).sum().double()
    counts = Counts(*(torch.zeros(shape).double() for shape in ((states,), (states, states), (states, vocab_size))))
    counts.alpha[-1, -1] = padding
    counts.beta[-1, eos_token_id] = padding
    return counts


def _normalized(counts: Tensor, pseudocount: float) -> Tensor:
    empty = counts.sum(-1, keepdim=True) == 0
    smoothed = (counts + pseudocount / counts.shape[-1]).masked_fill(empty, 1.0)
    return _divided(smoothed)


def _divided(counts: Tensor) -> Tensor:
    sums = counts.sum(-1, keepdim=True)
    return (counts / sums.masked_fill(sums == 0, 1.0)).float()
