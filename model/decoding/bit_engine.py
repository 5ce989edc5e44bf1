"""The engine on a datapath of integers: every product as the accelerator computes it.

A is handed around as its codes; its exponent is dropped, for a next-token ratio does not depend on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..formats import ZERO_EXPONENT
from ..golden.vectors import Codes, Floats, Scores, Vectors, score_values
from ..packing.bitmap import unpack_bitmap
from .automaton import Automaton
from .constraint import BackwardTable, backward_table
from .datapath import Datapath, ListedProducts, Numbers, Products, joined
from .engine import EosMode, Lengths
from .stacked import Stacked, stack
from .step import PassItem, StepWork, step_work


@dataclass(frozen=True, eq=False)
class BitEngine:
    """Packed weights under the constraints of N texts (`engine.Engine`)."""

    datapath: Datapath
    stacked: Stacked
    lengths: Lengths
    mode: EosMode
    tables: tuple[BackwardTable, ...]
    lanes: int | None
    """Beams that share a list of scores; all of them where None."""
    longest_list: int
    """Tokens of a list at most; a pass over the vocabulary takes the place of longer ones."""

    @classmethod
    def of(
        cls,
        datapath: Datapath,
        automata: Sequence[Automaton],
        lengths: Lengths,
        mode: EosMode = EosMode.EVENT,
        lanes: int | None = None,
        longest_list: int | None = None,
    ) -> "BitEngine":
        """Compute the backward tables of all constraints. Lists are as long as the datapath has it where None."""
        least, greatest = lengths.least, lengths.greatest
        tables = tuple(backward_table(datapath, one, least, greatest, 1, mode) for one in automata)
        longest = datapath.longest_list if longest_list is None else longest_list
        return cls(datapath, stack(automata), lengths, mode, tables, lanes, longest)

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.datapath.packed.vocab_size

    @property
    def eos_token_id(self) -> int:
        """End-of-text."""
        return self.datapath.packed.eos_token_id

    @property
    def table_bytes(self) -> int:
        """Bytes of the tables in memory."""
        return sum(table.nbytes for table in self.tables)

    def initial(self, beams: int) -> Tensor:
        """Return the codes of the initial vector of every beam, [N, B, H]."""
        return _tensor(self.datapath.initial().codes).expand(len(self.tables), beams, -1)

    def forward(self, a: Tensor, tokens: Tensor) -> Tensor:
        """Return the codes of the next vectors."""
        after = self.datapath.forward(_vectors(a), tokens.flatten().numpy())
        return _tensor(after.codes).view(a.shape)

    def scores(self, a: Tensor, states: Tensor, out: int) -> tuple[Tensor, Tensor]:
        """Return p(token) and p(token, the constraint holds), each [N, B, V] float64 up to the vector's scale.

        One pass over the vocabulary for each, the second under the default edges, and one for each other successor of
        a beam whose edge has more tokens than a list; other edges are listed scores.
        """
        shape, flat = (*states.shape, -1), states.flatten()
        eos = self.eos_token_id
        if out < self.lengths.greatest:
            c = joined([table.at(out + 1) for table in self.tables])
            work = step_work(self.stacked.automaton, flat.numpy(), self.lanes or len(flat), self.longest_list)
            passes = [Products(item.beams, c.take(item.targets)) for item in work.passes]
            lists = [ListedProducts(item.beams, c.take(item.targets), item.tokens) for item in work.lists]
            default = c.take(self.stacked.defaults[flat].numpy())
            ends = self._ends(default)
            found = self.datapath.step(_vectors(a), default, passes, [*lists, *ends])
        else:
            work, ends, found = StepWork((), ()), [], self.datapath.step(_vectors(a), None, (), ())
        denominators = self._values(found.denominators)
        numerators = np.zeros_like(denominators) if found.numerators is None else self._values(found.numerators)
        for item, scores in zip(work.passes, found.passes, strict=True):
            self._write(numerators, item, self._values(scores), None, flat.numpy())
        for item, listed in zip(work.lists, found.listed, strict=False):
            values = np.ldexp(score_values(listed.codes), listed.exponents).T
            self._write(numerators, item, values, item.tokens, flat.numpy())
        for end, listed in zip(ends, found.listed[len(work.lists) :], strict=True):
            numerators[end.rows, eos] = np.ldexp(score_values(listed.codes[0]), listed.exponents)
        if self.mode is EosMode.EVENT:
            may_end = self.stacked.accepting[flat].numpy() & (out >= self.lengths.least)
            numerators[:, eos] = denominators[:, eos] * may_end
        return torch.from_numpy(denominators).view(shape), torch.from_numpy(numerators).view(shape)

    def _ends(self, default: Vectors) -> list[ListedProducts]:
        """Return the lists for end-of-text, where it is an ordinary token and the pass over all tokens leaves it out.

        That is with hmm_guard (`GoldenModel.product_scores`).
        """
        if self.mode is EosMode.EVENT or self.datapath.packed.end_state is None:
            return []
        tokens, lanes = np.array([self.eos_token_id]), self.lanes or default.batch
        groups = np.split(np.arange(default.batch), range(lanes, default.batch, lanes))
        return [ListedProducts(rows, default.take(rows), tokens, ends=True) for rows in groups]

    def _write(
        self, numerators: Floats, item: PassItem, values: Floats, listed: Numbers | None, states: Numbers
    ) -> None:
        """Write scores [lanes, tokens] over those of the default edge, of each lane those of its own edge.

        They are of `listed` tokens, or of all.
        """
        for lane in np.flatnonzero(item.has_edge):
            tokens = self.stacked.automaton.edge_tokens(int(states[item.beams[lane]]), int(item.targets[lane]))
            places = tokens if listed is None else np.searchsorted(listed, tokens)
            numerators[item.beams[lane], tokens] = values[lane, places]

    def _values(self, scores: Scores) -> Floats:
        bitmap = self.datapath.packed.beta_by_token.nonempty
        nonempty = unpack_bitmap(bitmap, self.vocab_size) if bitmap.size else np.ones(self.vocab_size, np.bool_)
        return np.ldexp(score_values(scores.expand(nonempty)), scores.exponents[:, np.newaxis])


def _vectors(a: Tensor) -> Vectors:
    codes = a.reshape(-1, a.shape[-1]).numpy().astype(np.uint16)
    return Vectors(codes, np.where(codes.any(axis=1), 0, ZERO_EXPONENT).astype(np.int32))


def _tensor(codes: Codes) -> Tensor:
    # torch selects rows of no type of 16 bits without a sign
    return torch.from_numpy(codes.astype(np.int32))
