"""Two engines in step: one guides, the other computes the same beams beside it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .engine import Engine, EosMode, Lengths
from .stacked import Stacked


@dataclass(frozen=True, eq=False)
class MirroredEngine:
    """An engine whose answers are those of `first` (`engine.Engine`); `second` sees every beam that it sees.

    A is that of both side by side, in float64, which holds floats of 32 bits and codes of 16 as they are.
    """

    first: Engine
    second: Engine

    @property
    def stacked(self) -> Stacked:
        """The constraints."""
        return self.first.stacked

    @property
    def lengths(self) -> Lengths:
        """Of the texts."""
        return self.first.lengths

    @property
    def mode(self) -> EosMode:
        """What end-of-text is."""
        return self.first.mode

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.first.vocab_size

    @property
    def eos_token_id(self) -> int:
        """End-of-text."""
        return self.first.eos_token_id

    @property
    def table_bytes(self) -> int:
        """Bytes of the tables of the engine that guides."""
        return self.first.table_bytes

    def initial(self, beams: int) -> Tensor:
        """Return A of every beam before the first token."""
        return _joined(self.first.initial(beams), self.second.initial(beams))

    def forward(self, a: Tensor, tokens: Tensor) -> Tensor:
        """Return A after tokens [N, B]."""
        one, other = self._parts(a)
        return _joined(self.first.forward(one, tokens), self.second.forward(other, tokens))

    def scores(self, a: Tensor, states: Tensor, out: int) -> tuple[Tensor, Tensor]:
        """Return the scores of the engine that guides."""
        one, other = self._parts(a)
        self.second.scores(other, states, out)
        return self.first.scores(one, states, out)

    def _parts(self, a: Tensor) -> tuple[Tensor, Tensor]:
        one, other = self.first.initial(1), self.second.initial(1)
        first, second = a.split([one.shape[-1], other.shape[-1]], dim=-1)
        return first.to(one.dtype).contiguous(), second.to(other.dtype).contiguous()


def _joined(first: Tensor, second: Tensor) -> Tensor:
    return torch.cat([first.double(), second.double()], dim=-1)
