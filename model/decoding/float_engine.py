"""The engine in floats: what the weights mean. float64 is the reference of all others."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .engine import EosMode, Lengths
from .float_table import Table
from .guide import Guide
from .stacked import Stacked


@dataclass(frozen=True, eq=False)
class FloatEngine:
    """A guide and its table (`engine.Engine`); A is a distribution."""

    guide: Guide
    table: Table

    @classmethod
    def of(cls, guide: Guide, stacked: Stacked, lengths: Lengths, mode: EosMode) -> "FloatEngine":
        """Compute the tables of all constraints."""
        return cls(guide, Table.of(guide, stacked, lengths, mode))

    @property
    def stacked(self) -> Stacked:
        """The constraints."""
        return self.table.stacked

    @property
    def lengths(self) -> Lengths:
        """Of the texts."""
        return self.table.lengths

    @property
    def mode(self) -> EosMode:
        """What end-of-text is."""
        return self.table.mode

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.guide.beta.shape[1]

    @property
    def eos_token_id(self) -> int:
        """End-of-text."""
        return self.guide.eos

    @property
    def table_bytes(self) -> int:
        """Bytes of the tables."""
        return self.table.nbytes

    def initial(self, beams: int) -> Tensor:
        """Return A of every beam before the first token, [N, B, H]."""
        return self.guide.gamma.expand(len(self.stacked.starts), beams, -1)

    def scores(self, a: Tensor, states: Tensor, out: int) -> tuple[Tensor, Tensor]:
        """Return p(token) and p(token, the constraint holds), each [N, B, V] float64, `out` tokens out."""
        return self.guide.scores(a).double(), self.numerators(a, states, out)

    def forward(self, a: Tensor, tokens: Tensor) -> Tensor:
        """Return A after tokens [N, B]."""
        return self.guide.forward(a, tokens)

    def numerators(self, a: Tensor, states: Tensor, out: int) -> Tensor:
        """Return p(token, the constraint holds) [N, B, V] float64."""
        if out < self.lengths.greatest:
            numerators = self._of_edges(a, states, out)
        else:
            numerators = torch.zeros(*states.shape, self.vocab_size, dtype=torch.float64)
        if self.mode is EosMode.EVENT:
            ends = self.stacked.accepting[states] & (out >= self.lengths.least)
            numerators[..., self.guide.eos] = (self.guide.quantized(a) @ self.guide.beta[:, self.guide.eos]) * ends
        return numerators

    def _of_edges(self, a: Tensor, states: Tensor, out: int) -> Tensor:
        guide, (groups, beams, hidden) = self.guide, a.shape
        c = self.table.at(out + 1)
        defaults = self.stacked.defaults[states]
        numerators = _scaled(guide.scores(a * c.values[defaults]), c.scales[defaults])
        rows, listed = self.stacked.exceptions(states.flatten())
        targets, tokens = self.stacked.targets[listed], self.stacked.tokens[listed]
        products = a.reshape(-1, hidden)[rows] * c.values[targets]
        products = _by_group(guide, products, rows // beams, groups)
        found = _scaled((products * guide.by_token[tokens]).sum(1), c.scales[targets])
        numerators.view(groups * beams, -1)[rows, tokens] = found
        return numerators


def _scaled(scores: Tensor, scales: Tensor) -> Tensor:
    """Return scores [..., V] or [...] times 2**scales [...] in float64; scores in float64 have no scales."""
    if scores.dtype == torch.float64:
        return scores
    factors = torch.exp2(scales)
    return scores.double() * (factors[..., None] if scores.dim() > scales.dim() else factors)


def _by_group(guide: Guide, x: Tensor, groups: Tensor, count: int) -> Tensor:
    if guide.activation is None or not len(x):
        return x
    counts = torch.bincount(groups, minlength=count).tolist()
    return torch.cat([guide.quantized(part[None])[0] if len(part) else part for part in x.split(counts)])
