"""The engine in floats: what the weights mean. float64 is the reference of all others."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .edge_lists import EdgeLists
from .engine import EosMode, Lengths
from .float_table import Table
from .guide import Guide
from .stacked import Stacked

LISTS_IN_PASS = 16
"""A list of a sixteenth of the vocabulary takes about as long as a pass over it.

Measured on one core at H = 256 and 1024, V = 4096 and 8192, both types, and products of 1 to 16 vectors: the two
meet between V / 42 and V / 6, at V / 16 in the geometric mean.
"""


@dataclass(frozen=True, eq=False)
class FloatEngine:
    """A guide and its table (`engine.Engine`); A is a distribution.

    Scores of a list and of a pass are sums of the same products in another order: equal to rounding, not to the bit.
    """

    guide: Guide
    table: Table
    edges: EdgeLists

    @classmethod
    def of(
        cls, guide: Guide, stacked: Stacked, lengths: Lengths, mode: EosMode, longest_list: int | None = None
    ) -> "FloatEngine":
        """Compute the tables of all constraints.

        The numerators of an edge of more than `longest_list` tokens come from one pass over the vocabulary for its
        successor; where it is None, of more than V / LISTS_IN_PASS.
        """
        longest = guide.beta.shape[1] // LISTS_IN_PASS if longest_list is None else longest_list
        return cls(guide, Table.of(guide, stacked, lengths, mode), EdgeLists.of(stacked, longest))

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
        rows, edges = self.edges.of_state.take(states.flatten())
        targets = self.edges.targets[edges]
        products = a.reshape(-1, hidden)[rows] * c.values[targets]
        products = _by_group(guide, products, rows // beams, groups)
        scales, is_long, by_beam = c.scales[targets], self.edges.is_long[edges], numerators.view(groups * beams, -1)
        self._write_lists(by_beam, *(part[~is_long] for part in (rows, edges, products, scales)))
        self._write_passes(by_beam, *(part[is_long] for part in (rows, edges, products, scales)))
        return numerators

    def _write_lists(self, numerators: Tensor, rows: Tensor, edges: Tensor, products: Tensor, scales: Tensor) -> None:
        """Write the scores of the tokens of edges [R], gathered token by token, each to its row."""
        places, numbers = self.edges.of_edge.take(edges)
        tokens = self.edges.tokens[numbers]
        found = (products[places] * self.guide.by_token[tokens]).sum(1)
        numerators[rows[places], tokens] = _scaled(found, scales[places])

    def _write_passes(self, numerators: Tensor, rows: Tensor, edges: Tensor, products: Tensor, scales: Tensor) -> None:
        """Write the same out of the scores of every token, one pass an edge: a state has one for each successor."""
        if not len(edges):
            return
        places, numbers = self.edges.of_edge.take(edges)
        tokens = self.edges.tokens[numbers]
        scores = _scaled(self.guide.vocabulary_pass(products), scales)
        numerators[rows[places], tokens] = scores[places, tokens]


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
