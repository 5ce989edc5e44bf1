"""Token sequences of any length, the chunks that EM takes of them, and token dropout."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import TrainingError
from ..reference import MISSING
from .tokenizer import Tokens


@dataclass(frozen=True, eq=False)
class Sequences:
    """Rows of tokens, each up to its own length; on the CPU."""

    tokens: Tensor
    """[N, T] int64, MISSING where a token was not observed; what stands beyond a row's length means nothing."""
    lengths: Tensor
    """[N] int64, 1..T."""

    @classmethod
    def of_rows(cls, rows: Tokens) -> "Sequences":
        """Take rows [N, T] that are filled up with MISSING: a row ends with its last token. Raises TrainingError."""
        known = rows != MISSING
        empty = ~known.any(axis=1)
        if empty.any():
            raise TrainingError(f"tokens: row {int(np.argmax(empty))} holds no token, expected one at least in each")
        lengths = rows.shape[1] - np.argmax(known[:, ::-1], axis=1)
        return cls(torch.from_numpy(np.ascontiguousarray(rows, np.int64)), torch.from_numpy(lengths.astype(np.int64)))

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: Tensor) -> "Sequences":
        """Return the rows of these numbers [n] int64, in their order."""
        lengths = self.lengths[rows]
        longest = int(lengths.max()) if len(lengths) else 0
        return Sequences(self.tokens[rows, :longest], lengths)

    @property
    def token_count(self) -> int:
        """Observed tokens."""
        inside = torch.arange(self.tokens.shape[1]) < self.lengths[:, None]
        return int((inside & (self.tokens != MISSING)).sum())


def chunk_rows(available: int, size: int, number: int, seed: int) -> Tensor:
    """Return the row numbers [size] int64 of chunk `number`, from 0: `available` rows, permuted anew each time round.

    Known from its arguments alone, so that a run can go on from any chunk.
    """
    first = number * size
    rows = np.empty(size, np.int64)
    filled = 0
    while filled < size:
        turn, offset = divmod(first + filled, available)
        order = np.random.default_rng([seed, turn]).permutation(available)[offset : offset + size - filled]
        rows[filled : filled + len(order)] = order
        filled += len(order)
    return torch.from_numpy(rows)


def dropped(sequences: Sequences, share: float, eos_token_id: int, number: int, seed: int) -> Sequences:
    """Return `sequences` with about a `share` of their tokens MISSING, drawn for chunk `number`; never end of text.

    Ctrl-G trains with such dropout (arXiv 2406.13892) on sequences that repeat end of text up to a fixed length. Here
    it stands once, and no other token says that a text ended.
    """
    if not share:
        return sequences
    draw = np.random.default_rng([seed, number, 1])
    hit = torch.from_numpy(draw.random(tuple(sequences.tokens.shape)) < share)
    tokens = sequences.tokens.masked_fill(hit & (sequences.tokens != eos_token_id), MISSING)
    return Sequences(tokens, sequences.lengths)
