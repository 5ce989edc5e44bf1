"""Beam search of a small language model under an HMM's guidance, several constraints in lockstep.

A beam's next token x has the language model's p(x) * p(C | prefix, x), normalized over x (Ctrl-G, arXiv 2406.13892).
At each step the best 2 K continuations of a constraint's beams are taken: those that end the text are finished if they
are among the first K, the best K others go on. Of the K best finished texts by mean guided log-probability the one
with the greatest mean log-probability under the language model alone is the result.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache, GPT2LMHeadModel

from ..training.tokenizer import END_OF_TEXT_ID
from .engine import Engine, EosMode, Lengths


@dataclass(frozen=True)
class Text:
    """The result for one constraint."""

    tokens: tuple[int, ...]
    """Without end-of-text; empty where every beam died."""
    lm_mean: float
    """Mean natural log-probability of the tokens and the end under the language model; of the tokens alone where
    `ctrlg` cuts the text at its greatest length, and 0 without a result."""
    dead: int
    """Beams that had no possible next token."""


@dataclass(frozen=True)
class _Finished:
    tokens: tuple[int, ...]
    guided_mean: float
    lm_mean: float


@torch.no_grad()
def search(model: GPT2LMHeadModel, engine: Engine | None, groups: int, beams: int, lengths: Lengths) -> list[Text]:
    """Return the text of each of `groups` constraints; without an engine the language model writes alone."""
    eos = END_OF_TEXT_ID
    state = _Beams.start(engine, groups, beams, eos)
    cache = DynamicCache(config=model.config)
    finished: list[list[_Finished]] = [[] for _ in range(groups)]
    cut = engine is not None and engine.mode is EosMode.CTRLG
    # a text that is cut at its greatest length has no end-of-text of its own
    for out in range(lengths.greatest + (not cut)):
        logits = model(state.last.view(-1, 1), past_key_values=cache, use_cache=True).logits[:, -1]
        lm = logits.double().softmax(-1).view(groups, beams, -1)
        p, alive = _guided(lm, engine, state, out)
        state.dead += ((state.scores > -torch.inf) & ~alive).sum(1)
        state = state.grown(lm, p, finished, eos, engine)
        cache.batch_select_indices(state.parents.flatten())
    if cut:
        state.close(finished)
    return [_best(texts, beams, int(dead)) for texts, dead in zip(finished, state.dead, strict=True)]


def _guided(lm: Tensor, engine: Engine | None, state: "_Beams", out: int) -> tuple[Tensor, Tensor]:
    """Return the guided next-token distribution [N, B, V] and whether a beam has any next token [N, B]."""
    if engine is None:
        return lm, torch.ones(lm.shape[:2], dtype=torch.bool)
    denominators, numerators = engine.scores(state.a, state.states, out)
    p = torch.where(denominators > 0, numerators / denominators, 0).mul_(lm)
    sums = p.sum(-1, keepdim=True)
    alive = sums[..., 0] > 0
    return p / torch.where(sums > 0, sums, 1), alive


@dataclass(eq=False)
class _Beams:
    """[N, B] beams and their histories; a score of -inf marks a place without a beam."""

    last: Tensor
    scores: Tensor
    lm_scores: Tensor
    texts: Tensor
    """[N, B, tokens out]."""
    parents: Tensor
    """[N, B] rows of the step before."""
    dead: Tensor
    """[N]."""
    a: Tensor
    """[N, B, H]; empty without a guide."""
    states: Tensor

    @classmethod
    def start(cls, engine: Engine | None, groups: int, beams: int, eos: int) -> "_Beams":
        scores = torch.full((groups, beams), -torch.inf, dtype=torch.float64)
        scores[:, 0] = 0
        return cls(
            last=torch.full((groups, beams), eos),
            scores=scores,
            lm_scores=torch.zeros_like(scores),
            texts=torch.zeros(groups, beams, 0, dtype=torch.int64),
            parents=torch.zeros(groups, beams, dtype=torch.int64),
            dead=torch.zeros(groups, dtype=torch.int64),
            a=engine.initial(beams) if engine else torch.empty(0),
            states=(engine.stacked.starts if engine else torch.zeros(groups).long())[:, None].expand(-1, beams),
        )

    def grown(
        self,
        lm: Tensor,
        p: Tensor,
        finished: list[list[_Finished]],
        eos: int,
        engine: Engine | None,
    ) -> "_Beams":
        groups, beams, vocab = p.shape
        best = self.scores.amax(1, keepdim=True)
        # linear and relative to a constraint's best beam: no logarithm of every token
        share = torch.where(self.scores > -torch.inf, (self.scores - best).exp(), 0)
        taken = (p * share[..., None]).view(groups, -1).topk(2 * beams, dim=1)
        numbers = taken.indices
        source, tokens = numbers // vocab, numbers % vocab
        scores = self.scores.gather(1, source) + p.view(groups, -1).gather(1, numbers).log()
        scores = torch.where(taken.values > 0, scores, -torch.inf)
        lm_scores = self.lm_scores.gather(1, source) + lm.reshape(groups, -1).gather(1, numbers).log()
        ends = tokens == eos
        self._finish(finished, source, scores, lm_scores, ends & (torch.arange(2 * beams) < beams), end=1)
        order = torch.argsort((ends | (scores == -torch.inf)).int(), dim=1, stable=True)[:, :beams]
        source, tokens, scores, lm_scores = (t.gather(1, order) for t in (source, tokens, scores, lm_scores))
        scores = torch.where(ends.gather(1, order), -torch.inf, scores)
        rows = torch.arange(groups)[:, None]
        grown = _Beams(
            last=tokens,
            scores=scores,
            lm_scores=lm_scores,
            texts=torch.cat([self.texts[rows, source], tokens[..., None]], 2),
            parents=source + rows * beams,
            dead=self.dead,
            a=self.a,
            states=self.states,
        )
        if engine is not None:
            grown.a = engine.forward(self.a[rows, source], tokens)
            grown.states = engine.stacked.step(self.states[rows, source].flatten(), tokens.flatten()).view(
                groups, beams
            )
        return grown

    def _finish(
        self,
        finished: list[list[_Finished]],
        source: Tensor,
        scores: Tensor,
        lm_scores: Tensor,
        chosen: Tensor,
        *,
        end: int,
    ) -> None:
        """Take chosen places as finished; `end` tokens that the text does not keep are in their scores."""
        for group, rank in torch.nonzero(chosen & (scores > -torch.inf)).tolist():
            tokens = tuple(self.texts[group, source[group, rank]].tolist())
            count = len(tokens) + end
            finished[group].append(
                _Finished(tokens, float(scores[group, rank]) / count, float(lm_scores[group, rank]) / count)
            )

    def close(self, finished: list[list[_Finished]]) -> None:
        """Take beams that are cut at the greatest length as finished."""
        places = torch.arange(self.scores.shape[1]).expand_as(self.scores)
        everywhere = torch.ones_like(self.scores, dtype=torch.bool)
        self._finish(finished, places, self.scores, self.lm_scores, everywhere, end=0)


def _best(texts: list[_Finished], beams: int, dead: int) -> Text:
    kept = sorted(texts, key=lambda text: text.guided_mean, reverse=True)[:beams]
    if not kept:
        return Text((), 0.0, dead)
    best = max(kept, key=lambda text: text.lm_mean)
    return Text(best.tokens, best.lm_mean, dead)
