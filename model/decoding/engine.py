"""What a search, or a language model's logits processor, asks of an engine: an HMM under the constraints of N texts."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from torch import Tensor

from ..errors import OptionError
from .stacked import Stacked


class EosMode(Enum):
    """What end-of-text is to the constraint."""

    EVENT = "event"
    """The text has a length L in [least, greatest], no end-of-text among its tokens, and end-of-text follows."""
    CTRLG = "ctrlg"
    """An ordinary token: the automaton accepts at some length in [least, greatest] (arXiv 2406.13892's code)."""


@dataclass(frozen=True)
class Lengths:
    """Tokens of a text, without end-of-text. Raises OptionError unless 0 <= least <= greatest and greatest > 0."""

    least: int = 4
    greatest: int = 20

    def __post_init__(self) -> None:
        if not (0 <= self.least <= self.greatest and self.greatest > 0):
            given = f"least {self.least}, greatest {self.greatest} given"
            raise OptionError(f"lengths: {given}, expected 0 <= least <= greatest, greatest at least 1")

    def steps(self, mode: EosMode) -> int:
        """Return the tokens to generate: in EVENT end-of-text comes last, in CTRLG a text may be cut."""
        return self.greatest + (mode is EosMode.EVENT)


class Engine(Protocol):
    """An HMM under the constraints of N texts, for B beams of each.

    A, the predictive distribution of a beam's next hidden state, is [N, B, H] in the engine's own representation:
    whoever holds it selects and repeats rows of it, no more.
    """

    @property
    def stacked(self) -> Stacked:
        """The constraints."""
        ...

    @property
    def lengths(self) -> Lengths:
        """Of the texts."""
        ...

    @property
    def mode(self) -> EosMode:
        """What end-of-text is."""
        ...

    @property
    def vocab_size(self) -> int:
        """V."""
        ...

    @property
    def eos_token_id(self) -> int:
        """End-of-text."""
        ...

    @property
    def table_bytes(self) -> int:
        """Bytes of the backward tables of all constraints, as the engine holds them."""
        ...

    def initial(self, beams: int) -> Tensor:
        """Return A of every beam before the first token."""
        ...

    def scores(self, a: Tensor, states: Tensor, out: int) -> tuple[Tensor, Tensor]:
        """Return p(token), and p(token, the constraint holds), each [N, B, V] float64, of beams in `states` [N, B].

        `out` tokens are out. Both are relative to one scale for each beam.
        """
        ...

    def forward(self, a: Tensor, tokens: Tensor) -> Tensor:
        """Return A after `tokens` [N, B]."""
        ...
