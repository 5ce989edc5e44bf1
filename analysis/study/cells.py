"""Cells that several tables share: all that is told of one configuration."""

from .markdown import NONE
from .summary import Outcome, p_value, share

TEXT_SCORES = ("ROUGE-L", "BLEU-4", "CIDEr")
TEXTS = ("success %", "whole words %", "p", *TEXT_SCORES, "dead beams")
HMM = ("nat/token", "impossible %", "KL nat", "KL infinite %", "below 1e-5 %", "bits/weight")
WHOLE = (*TEXTS, *HMM)
"""Headings of `whole`."""


def whole(one: Outcome | None, base: Outcome | None) -> list[str]:
    """Return all of one configuration; p is against the success of `base`."""
    if one is None:
        return [NONE] * len(WHOLE)
    texts = [NONE] * len(TEXTS)
    if one.sets:
        p = p_value(one, base) if base else NONE
        texts = [share(one.success), share(one.whole_words), p, *scores(one), str(one.dead)]
    size = f"{one.bits_per_weight:.3g}" if one.bits_per_weight else NONE
    return [
        *texts,
        likelihood(one),
        figure(one, "impossible_share", ".2f", 100),
        figure(one, "kl_nat", ".3f"),
        figure(one, "kl_infinite_share", ".2f", 100),
        figure(one, "below_share", ".1f", 100),
        size,
    ]


def scores(one: Outcome) -> list[str]:
    """Return ROUGE-L, BLEU-4 and CIDEr."""
    return [f"{value:.1f}" for value in one.scores.percent()] if one.sets else [NONE] * len(TEXT_SCORES)


def success(one: Outcome | None) -> str:
    """Return the success with its interval."""
    return share(one.success) if one else NONE


def likelihood(one: Outcome) -> str:
    """Return nat a token."""
    return figure(one, "log_likelihood_nat", ".3f")


def figure(one: Outcome, name: str, form: str, factor: float = 1) -> str:
    """Return a metric of the HMM."""
    value = one.hmm.get(name)
    return NONE if value is None else f"{factor * value:{form}}"
