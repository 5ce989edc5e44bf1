"""Guidance of any causal language model of `transformers` (5): an engine's constraints as a logits processor.

The next token x has log p_LM(x) + log p(C | prefix, x) - log p(C | prefix) (Ctrl-G, arXiv 2406.13892), normalized over
x unless that is turned off. p(C | prefix) is the engine's sum of p(x, C) over its sum of p(x).

`generate` passes log-probabilities under beam search and raw logits otherwise, and never which beam a row was: a row is
known by what it has generated, and goes on from the row of the last call that had all but its last token. The prompt
does not enter the HMM.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import LogitsProcessor

from ..errors import DeadConstraint, OptionError
from .engine import Engine

Prefix = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Rows:
    """R = N * B rows of one call, those of a constraint side by side."""

    prefixes: list[Prefix]
    """[R] what each has generated."""
    a: Tensor
    """[N, B, H]."""
    states: Tensor
    """[N, B]."""
    open: Tensor
    """[R] bool. The others are no texts in the making: they have ended, or a step that was impossible made them."""


class GuidedLogits(LogitsProcessor):
    """Guides texts under the N constraints of an engine: the k-th part of a batch's rows is under constraint k.

    `beams` rows side by side compete for one text in beam search; it is 1 for greedy search and sampling. Give
    `max_new_tokens` to `generate`, for the constraint knows no longer text; end of text is the engine's token.
    A dead row, one whose every next token is impossible, gets -inf everywhere and is counted.
    """

    def __init__(self, engine: Engine, prompt_length: int, beams: int = 1, *, renormalize: bool = True) -> None:
        """`prompt_length` counts the tokens of a row before the generated ones, padding among them."""
        if beams < 1 or prompt_length < 0:
            given = f"beams {beams}, prompt length {prompt_length} given"
            raise OptionError(f"guidance: {given}, expected at least 1 and at least 0")
        self.engine, self.prompt_length, self.beams, self.renormalize = engine, prompt_length, beams, renormalize
        self.dead: list[int] = []
        """Dead beams of each text since generation began, each prefix once."""
        self._last: _Rows | None = None
        self._possible = torch.empty(0)

    @property
    def max_new_tokens(self) -> int:
        """Tokens to generate at most, end of text included."""
        return self.engine.lengths.steps(self.engine.mode)

    @property
    def constraints(self) -> int:
        """N."""
        return len(self.engine.stacked.starts)

    @torch.no_grad()
    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return guided log-probabilities [R, LM's vocabulary] of rows [R, prompt + generated].

        Raises DeadConstraint when every live beam of a text is dead; OptionError for rows that do not fit the engine.
        """
        self._check(input_ids, scores)
        tokens = input_ids[:, self.prompt_length :].cpu()
        rows = self._rows(tokens)
        lm = scores.cpu().double().log_softmax(-1)
        guided = torch.full_like(lm, -torch.inf)
        if rows.open.any():
            found = self._guided(rows, lm, tokens.shape[1])
            guided = torch.where(rows.open[:, None], found, guided)
        self._possible = guided > -torch.inf
        self._count_dead(rows)
        self._last = rows
        if self.beams == 1:
            # rows that have ended are still sampled from, and then padded
            guided[~rows.open, self.engine.eos_token_id] = 0
        return guided.to(scores)

    # --- parts ------------------------------------------------------------------------------------------------

    def _check(self, input_ids: Tensor, scores: Tensor) -> None:
        count, length = input_ids.shape
        if length < self.prompt_length:
            raise OptionError(f"guidance: rows of {length} tokens, expected a prompt of {self.prompt_length}")
        if count % (self.constraints * self.beams):
            expected = f"a multiple of {self.constraints} constraints times {self.beams} beams"
            raise OptionError(f"guidance: {count} rows, expected {expected}")
        if scores.shape[1] < self.engine.vocab_size:
            has = f"the language model has {scores.shape[1]} tokens"
            raise OptionError(f"guidance: {has}, expected at least the HMM's {self.engine.vocab_size}")

    def _rows(self, tokens: Tensor) -> _Rows:
        """Return the rows with generated `tokens` [R, out], gone on from those of the last call."""
        prefixes = [tuple(row) for row in tokens.tolist()]
        each = len(prefixes) // self.constraints
        open_ = (tokens != self.engine.eos_token_id).all(1) & (tokens < self.engine.vocab_size).all(1)
        # what stands in a row that has ended may be padding, which the HMM need not know
        tokens = torch.where(open_[:, None], tokens, self.engine.eos_token_id)
        if not tokens.shape[1]:
            self.dead = [0] * (len(prefixes) // self.beams)
            # all rows of a constraint are one row
            return _Rows(prefixes, self.engine.initial(1), self.engine.stacked.starts[:, None], open_)
        parents = self._parents(prefixes, each)
        if self._last is None or parents is None:
            return self._replayed(prefixes, tokens, open_)
        open_ = open_ & self._possible[parents, tokens[:, -1]]
        before = self._last
        groups, within = (part.view(self.constraints, -1) for part in (parents // each, parents % each))
        within = within.clamp(max=before.a.shape[1] - 1)
        a, states = self._stepped(before.a[groups, within], before.states[groups, within], tokens[:, -1])
        return _Rows(prefixes, a, states, open_)

    def _parents(self, prefixes: list[Prefix], each: int) -> Tensor | None:
        """Return the rows [R] of the last call that rows go on from, None where one is not there."""
        before = self._last.prefixes if self._last is not None else []
        if len(before) != len(prefixes):
            return None
        places = {(row // each, prefix): row for row, prefix in reversed(list(enumerate(before)))}
        found = [places.get((row // each, prefix[:-1])) for row, prefix in enumerate(prefixes)]
        known = [row for row in found if row is not None]
        return torch.tensor(known) if len(known) == len(found) else None

    def _replayed(self, prefixes: list[Prefix], tokens: Tensor, open_: Tensor) -> _Rows:
        """Return rows that do not go on from the last call: computed from the first token."""
        each = len(prefixes) // self.constraints
        a, states = self.engine.initial(each), self.engine.stacked.starts[:, None].expand(-1, each)
        for column in tokens.T:
            a, states = self._stepped(a, states, column)
        self.dead = [0] * (len(prefixes) // self.beams)
        return _Rows(prefixes, a, states, open_)

    def _stepped(self, a: Tensor, states: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        after = self.engine.stacked.step(states.flatten(), tokens).view(states.shape)
        return self.engine.forward(a, tokens.view(states.shape)), after

    def _guided(self, rows: _Rows, lm: Tensor, out: int) -> Tensor:
        """Return guided log-probabilities [R, LM's vocabulary] of open rows, of others something."""
        if out >= self.max_new_tokens:
            asked = f"token {out + 1} of a text that has not ended was asked for"
            raise OptionError(f"guidance: {asked}, expected max_new_tokens of at most {self.max_new_tokens}")
        denominators, numerators = self.engine.scores(rows.a, rows.states, out)
        whole = numerators.sum(-1, keepdim=True) / denominators.sum(-1, keepdim=True)
        may_follow = (numerators > 0) & (denominators > 0)
        weight = torch.where(may_follow, (numerators / denominators).log() - whole.log(), -torch.inf)
        count, vocab = len(rows.prefixes), self.engine.vocab_size
        weight = weight.expand(-1, count // self.constraints, -1).reshape(count, vocab)
        guided = torch.full_like(lm, -torch.inf)
        guided[:, :vocab] = lm[:, :vocab] + weight
        if self.renormalize:
            total = guided.logsumexp(-1, keepdim=True)
            guided = torch.where(total > -torch.inf, guided - total, guided)
        return guided

    def _count_dead(self, rows: _Rows) -> None:
        dead = rows.open & ~self._possible.any(1)
        for text in range(len(self.dead)):
            part = slice(text * self.beams, (text + 1) * self.beams)
            there = dead[part]
            found = {prefix for prefix, died in zip(rows.prefixes[part], there.tolist(), strict=True) if died}
            self.dead[text] += len(found)
            if there.any() and bool((there == rows.open[part]).all()):
                after = f"after {len(rows.prefixes[part.start])} tokens no beam of {self.beams}"
                raise DeadConstraint(f"text {text}: {after} has a possible next token, the constraint cannot be met")
