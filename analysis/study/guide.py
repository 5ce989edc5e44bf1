"""What an HMM says of the next token under a constraint, in float64, for beams of several constraints at once.

C: the text has a length L in [least, greatest], its tokens have no end-of-text, the automaton accepts them, and
end-of-text follows. W[g][u] is the probability of the rest of C, g tokens out, for each hidden state that emits the
next. In the mode CTRLG (the published code's) end-of-text is an ordinary token and only acceptance within the lengths
counts. Elements of zero are zero, products of them too: nothing is smoothed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from torch import Tensor

from ...model.quantize.layerwise import ActivationQuantizer
from ...model.weights import FloatWeights
from .stacked import Stacked

Activation = Callable[[Tensor], Tensor]
"""Applied to the vectors [groups, vectors, n] of a product, a group an operand."""


class EosMode(Enum):
    """What end-of-text is to the constraint."""

    EVENT = "event"
    CTRLG = "ctrlg"


@dataclass(frozen=True)
class Lengths:
    """Tokens of a text, without end-of-text."""

    least: int = 4
    greatest: int = 20


@dataclass(frozen=True, eq=False)
class Guide:
    """The weights of an HMM for products with vectors in rows."""

    alpha: Tensor
    """[H, H] float64."""
    beta: Tensor
    """[H, V] float64."""
    by_token: Tensor
    """[V, H], beta's columns in rows."""
    gamma: Tensor
    """[H]."""
    eos: int
    activation: ActivationQuantizer | None = None

    @classmethod
    def of(cls, weights: FloatWeights, activation: ActivationQuantizer | None = None) -> "Guide":
        """Take weights as they are."""
        alpha, beta, gamma = (torch.from_numpy(t.copy()) for t in (weights.alpha, weights.beta, weights.gamma))
        return cls(alpha, beta, beta.T.contiguous(), gamma, weights.eos_token_id, activation)

    def quantized(self, x: Tensor) -> Tensor:
        """Return the vectors [groups, vectors, n] as a product is to see them."""
        return torch.from_numpy(self.activation(x.numpy())) if self.activation else x

    def scores(self, x: Tensor) -> Tensor:
        """Return x @ beta [groups, vectors, V]."""
        return self.quantized(x) @ self.beta

    def forward(self, a: Tensor, tokens: Tensor) -> Tensor:
        """Return the normalized next vectors of a [groups, vectors, H], whose states emitted tokens; 0 stays 0."""
        after = self.quantized(a * self.by_token[tokens]) @ self.alpha
        sums = after.sum(-1, keepdim=True)
        return after / torch.where(sums > 0, sums, 1)


@dataclass(frozen=True, eq=False)
class Table:
    """alpha @ W[g] of every state, for g from 1 to `lengths.greatest`."""

    stacked: Stacked
    lengths: Lengths
    mode: EosMode
    after: tuple[Tensor, ...]
    """[greatest + 1] of [S, H]; entry 0 is empty."""

    @classmethod
    def of(cls, guide: Guide, stacked: Stacked, lengths: Lengths, mode: EosMode) -> "Table":
        """Compute the table of all constraints."""
        weights = _EdgeWeights.of(guide, stacked, mode)
        build = _event_table if mode is EosMode.EVENT else _ctrlg_table
        return cls(stacked, lengths, mode, build(guide, stacked, weights, lengths))

    def numerators(self, guide: Guide, a: Tensor, states: Tensor, out: int) -> Tensor:
        """Return p(constraint holds, next token) [N, B, V] of A [N, B, H] in `states` [N, B], `out` tokens out."""
        groups, beams, hidden = a.shape
        if out < self.lengths.greatest:
            c = self.after[out + 1]
            numerators = guide.scores(a * c[self.stacked.defaults[states]])
            flat = numerators.view(groups * beams, -1)
            rows, listed = self.stacked.exceptions(states.flatten())
            products = a.reshape(-1, hidden)[rows] * c[self.stacked.targets[listed]]
            products = _by_group(guide, products, rows // beams, groups)
            tokens = self.stacked.tokens[listed]
            flat[rows, tokens] = (products * guide.by_token[tokens]).sum(1)
        else:
            numerators = torch.zeros(groups, beams, guide.beta.shape[1], dtype=torch.float64)
        if self.mode is EosMode.EVENT:
            ends = self.stacked.accepting[states] & (out >= self.lengths.least)
            numerators[..., guide.eos] = (guide.quantized(a) @ guide.beta[:, guide.eos]) * ends
        return numerators


@dataclass(frozen=True, eq=False)
class FloatEngine:
    """A guide and its table, as the beam search wants them."""

    guide: Guide
    table: Table

    @property
    def stacked(self) -> Stacked:
        """The constraints."""
        return self.table.stacked

    @property
    def mode(self) -> EosMode:
        """What end-of-text is."""
        return self.table.mode

    def initial(self, beams: int) -> Tensor:
        """Return A of every beam before the first token, [N, B, H]."""
        return self.guide.gamma.expand(len(self.stacked.starts), beams, -1)

    def denominators(self, a: Tensor) -> Tensor:
        """Return p(token) [N, B, V]."""
        return self.guide.scores(a)

    def numerators(self, a: Tensor, states: Tensor, out: int) -> Tensor:
        """Return p(constraint holds, token) [N, B, V], `out` tokens out."""
        return self.table.numerators(self.guide, a, states, out)

    def forward(self, a: Tensor, tokens: Tensor) -> Tensor:
        """Return A after tokens [N, B]."""
        return self.guide.forward(a, tokens)


@dataclass(frozen=True, eq=False)
class _EdgeWeights:
    default: Tensor
    """[S, H]."""
    listed: Tensor
    """[E, H]."""

    @classmethod
    def of(cls, guide: Guide, stacked: Stacked, mode: EosMode) -> "_EdgeWeights":
        hidden = guide.gamma.shape[0]
        columns = guide.by_token[stacked.tokens]
        listed = torch.zeros(len(stacked.edge_states), hidden, dtype=torch.float64)
        listed.index_add_(0, stacked.edges, columns)
        all_tokens = guide.beta.sum(1)
        if mode is EosMode.EVENT:
            all_tokens = all_tokens - guide.by_token[guide.eos]
        exceptions = torch.zeros(len(stacked.defaults), hidden, dtype=torch.float64)
        exceptions.index_add_(0, stacked.states, columns)
        # a difference that should be 0 may come out below
        return cls((all_tokens - exceptions).clamp(min=0), listed)

    def sums(self, stacked: Stacked, c: Tensor) -> Tensor:
        """Return the sum over the edges of each state of w .* c[target], [S, H], of c [S, H]."""
        total = self.default * c[stacked.defaults]
        return total.index_add_(0, stacked.edge_states, self.listed * c[stacked.edge_targets])


def _event_table(guide: Guide, stacked: Stacked, weights: _EdgeWeights, lengths: Lengths) -> tuple[Tensor, ...]:
    end = stacked.accepting[:, None] * guide.by_token[guide.eos]
    after: list[Tensor] = []
    w = end
    for out in range(lengths.greatest, 0, -1):
        after.append(_times_alpha(guide, stacked, w))
        w = weights.sums(stacked, after[-1])
        if out - 1 >= lengths.least:
            w = w + end
    return (torch.empty(0), *reversed(after))


def _ctrlg_table(guide: Guide, stacked: Stacked, weights: _EdgeWeights, lengths: Lengths) -> tuple[Tensor, ...]:
    left = stacked.accepting[:, None].double().expand(-1, guide.gamma.shape[0])
    by_length: list[Tensor] = []
    for _ in range(lengths.greatest):
        by_length.append(_times_alpha(guide, stacked, left))
        left = weights.sums(stacked, by_length[-1])
    chosen = [
        by_length[max(0, lengths.least - out) : lengths.greatest - out + 1] for out in range(1, lengths.greatest + 1)
    ]
    return (torch.empty(0), *(torch.stack(part).sum(0) for part in chosen))


def _times_alpha(guide: Guide, stacked: Stacked, w: Tensor) -> Tensor:
    if guide.activation is None:
        return w @ guide.alpha.T
    # an operand is the states of one constraint
    parts = [guide.quantized(part[None])[0] for part in w.split(list(np.diff(stacked.first_states)))]
    return torch.cat(parts) @ guide.alpha.T


def _by_group(guide: Guide, x: Tensor, groups: Tensor, count: int) -> Tensor:
    if guide.activation is None or not len(x):
        return x
    counts = torch.bincount(groups, minlength=count).tolist()
    return torch.cat([guide.quantized(part[None])[0] if len(part) else part for part in x.split(counts)])
