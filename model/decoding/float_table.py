"""The backward tables of many constraints in floats.

W[g][u] is the probability of the rest of the event (engine.py), g tokens out in state u, for each hidden state that
emits the next. Elements of zero are zero, products of them too: nothing is smoothed.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .engine import EosMode, Lengths
from .guide import Guide
from .stacked import Stacked

COLUMNS_AT_ONCE = 1 << 14
"""Columns of beta gathered at a time."""
ZERO_ROW = -1e5
"""Logarithm of the scale of a row of zeros: below every other."""


@dataclass(frozen=True, eq=False)
class Level:
    """Rows values[s] * 2**scales[s]. float64 holds every probability of a text by itself: its scales are 0."""

    values: Tensor
    """[S, H]."""
    scales: Tensor
    """[S] float64, whole numbers."""

    @classmethod
    def of(cls, values: Tensor, scales: Tensor) -> "Level":
        """Scale rows of float32 so that their greatest elements are in 1/2..1."""
        if values.dtype == torch.float64:
            return cls(values, scales)
        greatest = values.amax(1)
        exponents = torch.frexp(greatest)[1]
        found = torch.where(greatest > 0, scales + exponents, ZERO_ROW)
        return cls(torch.ldexp(values, -exponents[:, None]), found)

    def under(self, scales: Tensor) -> Tensor:
        """Return the rows in units of 2**scales [S], none below its own."""
        return self.values * torch.exp2(self.scales - scales).to(self.values.dtype)[:, None]


@dataclass(frozen=True, eq=False)
class Table:
    """alpha @ W[g] of every state, for g from 1 to `lengths.greatest`."""

    stacked: Stacked
    lengths: Lengths
    mode: EosMode
    after: tuple[Level | None, ...]
    """[greatest + 1]; entry 0 is None."""

    @classmethod
    def of(cls, guide: Guide, stacked: Stacked, lengths: Lengths, mode: EosMode) -> "Table":
        """Compute the table of all constraints."""
        weights = _EdgeWeights.of(guide, stacked, mode)
        build = _event_table if mode is EosMode.EVENT else _ctrlg_table
        return cls(stacked, lengths, mode, (None, *build(guide, stacked, weights, lengths)))

    def at(self, out: int) -> Level:
        """Return alpha @ W[out]; raises ValueError for a number of tokens that the table lacks."""
        level = self.after[out] if 0 < out < len(self.after) else None
        if level is None:
            raise ValueError(f"tokens out must be 1..{self.lengths.greatest}, got {out!r}")
        return level

    @property
    def nbytes(self) -> int:
        """Bytes of all its rows."""
        return sum(level.values.nbytes for level in self.after if level is not None)


@dataclass(frozen=True, eq=False)
class _EdgeWeights:
    default: Tensor
    """[S, H]."""
    listed: Tensor
    """[E, H]."""

    @classmethod
    def of(cls, guide: Guide, stacked: Stacked, mode: EosMode) -> "_EdgeWeights":
        hidden = guide.gamma.shape[0]
        listed = torch.zeros(len(stacked.edge_states), hidden, dtype=guide.dtype)
        all_tokens = guide.beta.sum(1)
        if mode is EosMode.EVENT:
            all_tokens = all_tokens - guide.by_token[guide.eos]
        exceptions = torch.zeros(len(stacked.defaults), hidden, dtype=guide.dtype)
        # a part at a time: large masks of many states are more columns than memory should hold
        parts = (part.split(COLUMNS_AT_ONCE) for part in (stacked.tokens, stacked.edges, stacked.states))
        for tokens, edges, states in zip(*parts, strict=True):
            columns = guide.by_token[tokens]
            listed.index_add_(0, edges, columns)
            exceptions.index_add_(0, states, columns)
        # a difference that should be 0 may come out below
        return cls((all_tokens - exceptions).clamp(min=0), listed)

    def sums(self, stacked: Stacked, c: Level, end: Tensor | None = None) -> Level:
        """Return the sum over the edges of each state of w .* c[target], and `end` [S, H] of scale 0 added."""
        scales = c.scales[stacked.defaults]
        scales = scales.scatter_reduce(0, stacked.edge_states, c.scales[stacked.edge_targets], "amax")
        # rows of zeros in `end` would be scaled by more than a float holds
        ends = torch.where(stacked.accepting, 0.0, ZERO_ROW)
        if end is not None:
            scales = torch.maximum(scales, ends)
        default = Level(c.values[stacked.defaults], c.scales[stacked.defaults])
        listed = Level(c.values[stacked.edge_targets], c.scales[stacked.edge_targets])
        total = self.default * default.under(scales)
        total.index_add_(0, stacked.edge_states, self.listed * listed.under(scales[stacked.edge_states]))
        if end is not None:
            total = total + Level(end, ends).under(scales)
        return Level.of(total, scales)


def _event_table(guide: Guide, stacked: Stacked, weights: _EdgeWeights, lengths: Lengths) -> list[Level]:
    end = stacked.accepting[:, None] * guide.by_token[guide.eos]
    after: list[Level] = []
    w = Level.of(end, torch.zeros(len(end), dtype=torch.float64))
    for out in range(lengths.greatest, 0, -1):
        after.append(_times_alpha(guide, stacked, w))
        w = weights.sums(stacked, after[-1], end if out - 1 >= lengths.least else None)
    return after[::-1]


def _ctrlg_table(guide: Guide, stacked: Stacked, weights: _EdgeWeights, lengths: Lengths) -> list[Level]:
    ones = stacked.accepting[:, None].to(guide.dtype).expand(-1, guide.gamma.shape[0])
    left = Level.of(ones, torch.zeros(len(ones), dtype=torch.float64))
    by_length: list[Level] = []
    for _ in range(lengths.greatest):
        by_length.append(_times_alpha(guide, stacked, left))
        left = weights.sums(stacked, by_length[-1])
    return [
        _sum(by_length[max(0, lengths.least - out) : lengths.greatest - out + 1])
        for out in range(1, lengths.greatest + 1)
    ]


def _sum(levels: list[Level]) -> Level:
    scales = torch.stack([level.scales for level in levels]).amax(0)
    return Level.of(torch.stack([level.under(scales) for level in levels]).sum(0), scales)


def _times_alpha(guide: Guide, stacked: Stacked, w: Level) -> Level:
    if guide.activation is None:
        return Level.of(w.values @ guide.alpha.T, w.scales)
    # an operand is the states of one constraint
    parts = [guide.quantized(part[None])[0] for part in w.values.split(list(np.diff(stacked.first_states)))]
    return Level.of(torch.cat(parts) @ guide.alpha.T, w.scales)
