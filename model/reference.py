"""Float reference of what an HMM computes, in torch float64 on any device; no quantized arithmetic.

The state at position t emits token t, then moves on: A_0 = gamma, A_{t+1} = (A_t * beta[:, token_t]) @ alpha
(arXiv 2406.13892). A MISSING token has probability 1 in every state. Vectors are rows.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import OptionError
from .hmm import HMM
from .quantize.dequantize import float_weights
from .quantize.tensor import QuantizedHMM

MISSING = -1
"""Token that was not observed."""


@dataclass(frozen=True, eq=False)
class ScaledVectors:
    """Vectors under binary exponents, so that nothing underflows: vector n, t is values[n, t] * 2**exponents[n, t]."""

    values: Tensor
    """[N, T + 1, H] float64; the greatest of a vector lies in [0.5, 1), or all are 0."""
    exponents: Tensor
    """[N, T + 1] int64."""


@dataclass(frozen=True, eq=False)
class ReferenceModel:
    """The three tensors in float64 on one device; rows sum to 1 as well as their source does."""

    alpha: Tensor
    """[H, H]."""
    beta: Tensor
    """[H, V]."""
    gamma: Tensor
    """[H]."""

    @classmethod
    def of(cls, hmm: HMM, device: torch.device | str = "cpu") -> "ReferenceModel":
        """Take the float32 tensors of a model as they are, without normalizing them again."""
        return cls(*(torch.tensor(t, dtype=torch.float64, device=device) for t in (hmm.alpha, hmm.beta, hmm.gamma)))

    @classmethod
    def of_quantized(cls, model: QuantizedHMM, device: torch.device | str = "cpu") -> "ReferenceModel":
        """Take the probabilities that the levels of a quantized model stand for, to float64."""
        weights = float_weights(model)
        return cls(*(torch.from_numpy(t).to(device) for t in (weights.alpha, weights.beta, weights.gamma)))

    def emission(self, tokens: Tensor) -> Tensor:
        """Return p(token | state) [N, H] of tokens [N] int64; 1 where a token is MISSING. Raises OptionError."""
        vocab = self.beta.shape[1]
        wrong = (tokens < MISSING) | (tokens >= vocab)
        if wrong.any():
            raise OptionError(
                f"tokens: {int(tokens[wrong][0])} given, expected 0..{vocab - 1} or {MISSING} for missing"
            )
        columns = self.beta[:, tokens.clamp(min=0)].T
        return columns.masked_fill((tokens == MISSING)[:, None], 1.0)

    def forward_step(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Return (x * beta[:, token]) @ alpha, [N, H], of x [N, H] and tokens [N]."""
        return (x * self.emission(tokens)) @ self.alpha

    def backward_step(self, x: Tensor) -> Tensor:
        """Return alpha @ x, [N, H], of x [N, H]."""
        return x @ self.alpha.T

    def scores(self, x: Tensor) -> Tensor:
        """Return x @ beta, [N, V], of x [N, H]: of A_t the normalizer, of A_t * C the next-token numerators."""
        return x @ self.beta

    def edge_weights(self, masks: Tensor) -> Tensor:
        """Return beta @ mask, [E, H], of token masks [E, V]."""
        return masks.to(self.beta) @ self.beta.T

    def forward(self, tokens: Tensor) -> ScaledVectors:
        """Return A_0 .. A_T of sequences [N, T] int64: p(tokens before t, state at t). Raises OptionError."""
        rows = [_rescale(self.gamma.expand(len(tokens), -1), _no_exponents(tokens))]
        for token in tokens.T:
            values, exponents = rows[-1]
            rows.append(_rescale(self.forward_step(values, token), exponents))
        return _stack(rows)

    def backward(self, tokens: Tensor) -> ScaledVectors:
        """Return B_0 .. B_T of sequences [N, T] int64: p(tokens from t on | state at t). Raises OptionError."""
        ones = torch.ones_like(self.gamma).expand(len(tokens), -1)
        rows = [_rescale(ones, _no_exponents(tokens))]
        for token in tokens.T.flip(0):
            values, exponents = rows[-1]
            rows.append(_rescale(self.backward_step(values) * self.emission(token), exponents))
        return _stack(rows[::-1])

    def log_likelihood(self, tokens: Tensor) -> Tensor:
        """Return the natural log of p(sequence), [N] float64, -inf where it is impossible. Raises OptionError."""
        last = self.forward(tokens)
        return last.values[:, -1].sum(1).log() + math.log(2) * last.exponents[:, -1].double()


def _no_exponents(tokens: Tensor) -> Tensor:
    return torch.zeros(len(tokens), dtype=torch.int64, device=tokens.device)


def _rescale(values: Tensor, exponents: Tensor) -> tuple[Tensor, Tensor]:
    """Move each row's power of two into its exponent, without rounding."""
    shift = torch.frexp(values.amax(1)).exponent
    # float64 exponents scale exactly over the whole range; tests hold torch to it
    return torch.ldexp(values, -shift[:, None].double()), exponents + shift


def _stack(rows: list[tuple[Tensor, Tensor]]) -> ScaledVectors:
    return ScaledVectors(torch.stack([row[0] for row in rows], 1), torch.stack([row[1] for row in rows], 1))
