"""The edges of many automata that are no default edges, and their tokens, as ragged arrays."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .stacked import Stacked


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of different lengths: those of row r are numbered offsets[r] .. offsets[r + 1] - 1."""

    offsets: Tensor
    """[R + 1] int64."""

    @classmethod
    def of(cls, rows: Tensor, count: int) -> "Ragged":
        """Return the rows that elements are in, rising."""
        return cls(torch.searchsorted(rows, torch.arange(count + 1)))

    @property
    def lengths(self) -> Tensor:
        """[R]."""
        return self.offsets.diff()

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return every element of `rows` [B]: its place in 0..B - 1 and its number, in order of places."""
        begins, counts = self.offsets[rows], self.lengths[rows]
        places = torch.repeat_interleave(torch.arange(len(rows)), counts)
        ends = torch.cumsum(counts, 0)
        within = torch.arange(len(places)) - (ends - counts)[places]
        return places, begins[places] + within


@dataclass(frozen=True, eq=False)
class EdgeLists:
    """E edges with their tokens."""

    of_state: Ragged
    """Edges of each state."""
    of_edge: Ragged
    """Places in `tokens` of each edge."""
    tokens: Tensor
    """[X] int64, edge by edge."""
    targets: Tensor
    """[E] int64."""
    is_long: Tensor
    """[E] bool: of more tokens than a list is to have."""

    @classmethod
    def of(cls, stacked: Stacked, longest_list: int) -> "EdgeLists":
        """Sort the exceptions of all automata by edge."""
        edges = len(stacked.edge_states)
        order = torch.argsort(stacked.edges, stable=True)
        of_edge = Ragged.of(stacked.edges[order], edges)
        of_state = Ragged.of(stacked.edge_states, len(stacked.defaults))
        is_long = of_edge.lengths > longest_list
        return cls(of_state, of_edge, stacked.tokens[order], stacked.edge_targets, is_long)
