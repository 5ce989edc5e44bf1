"""The bit-accurate datapath as an engine of the beam search: every product as the accelerator computes it.

A vector is handed around as its fix values, which float64 holds exactly; its exponent is dropped, for a next-token
ratio does not depend on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...model.decoding.automaton import Automaton
from ...model.decoding.constraint import BackwardTable, backward_table
from ...model.golden.operations import GoldenModel
from ...model.golden.vectors import Codes, Floats, Scores, Vectors, code_values, score_values
from .guide import EosMode, Lengths
from .stacked import Stacked, stack


@dataclass(frozen=True, eq=False)
class GoldenEngine:
    """Packed weights under the constraints of N texts; end-of-text is that of the event."""

    golden: GoldenModel
    stacked: Stacked
    lengths: Lengths
    tables: tuple[BackwardTable, ...]
    fix_values: Floats
    """[codes] value of every code, rising."""

    @classmethod
    def of(cls, golden: GoldenModel, automata: Sequence[Automaton], lengths: Lengths) -> "GoldenEngine":
        """Compute the backward tables of all constraints."""
        tables = tuple(backward_table(golden, one, lengths.least, lengths.greatest, 1) for one in automata)
        bits = golden.code.exponent_bits + golden.code.significand_bits - 1
        codes = np.arange(1 << bits, dtype=np.uint16)
        return cls(golden, stack(automata), lengths, tables, code_values(codes, golden.code))

    @property
    def mode(self) -> EosMode:
        """What end-of-text is."""
        return EosMode.EVENT

    def initial(self, beams: int) -> Tensor:
        """Return the initial vector of every beam [N, B, H]."""
        first = self._values(self.golden.initial(1).codes)
        return first.expand(len(self.tables), beams, -1)

    def denominators(self, a: Tensor) -> Tensor:
        """Return p(token) [N, B, V] up to the vector's scale."""
        return self._scores(self.golden.scores(self._vectors(a))).view(*a.shape[:2], -1)

    def numerators(self, a: Tensor, states: Tensor, out: int) -> Tensor:
        """Return p(constraint holds, token) [N, B, V] up to the same scale."""
        groups, beams, _ = a.shape
        vectors, flat = self._vectors(a), states.flatten()
        if out < self.lengths.greatest:
            c = self._successors(out + 1)
            found = self._scores(self.golden.product_scores(vectors, c.take(self.stacked.defaults[flat].numpy())))
            self._exceptions(found, vectors, c, flat)
        else:
            found = torch.zeros(groups * beams, self.golden.packed.vocab_size, dtype=torch.float64)
        eos = self.golden.packed.eos_token_id
        ends = self.stacked.accepting[flat] & (out >= self.lengths.least)
        listed = self.golden.listed_scores(vectors, [eos])
        end = np.ldexp(score_values(listed.codes[0]), listed.exponents)
        found[:, eos] = torch.from_numpy(end) * ends
        return found.view(groups, beams, -1)

    def forward(self, a: Tensor, tokens: Tensor) -> Tensor:
        """Return the next vectors, their exponents dropped."""
        after = self.golden.forward(self._vectors(a), tokens.flatten().numpy())
        return self._values(after.codes).view(a.shape)

    def _exceptions(self, found: Tensor, vectors: Vectors, c: Vectors, states: Tensor) -> None:
        """Write over `found` [rows, V] the tokens of edges other than the default one, one product for each edge."""
        rows, listed = self.stacked.exceptions(states)
        if not len(rows):
            return
        edges, pairs = torch.unique(torch.stack([rows, self.stacked.targets[listed]], 1), dim=0, return_inverse=True)
        products = self.golden.product_scores(vectors.take(edges[:, 0].numpy()), c.take(edges[:, 1].numpy()))
        tokens = self.stacked.tokens[listed]
        found[rows, tokens] = self._scores(products)[pairs, tokens]

    def _successors(self, out: int) -> Vectors:
        parts = [table.at(out) for table in self.tables]
        return Vectors(
            np.concatenate([part.codes for part in parts]), np.concatenate([part.exponents for part in parts])
        )

    def _scores(self, scores: Scores) -> Tensor:
        values = score_values(scores.expand(self.golden.nonempty_tokens))
        return torch.from_numpy(np.ldexp(values, scores.exponents[:, np.newaxis]))

    def _vectors(self, a: Tensor) -> Vectors:
        codes = np.searchsorted(self.fix_values, a.reshape(-1, a.shape[-1]).numpy()).astype(np.uint16)
        zero = np.where(codes.any(axis=1), 0, Vectors.zeros(1, 1).exponents[0])
        return Vectors(codes, zero.astype(np.int32))

    def _values(self, codes: Codes) -> Tensor:
        return torch.from_numpy(self.fix_values[codes])
