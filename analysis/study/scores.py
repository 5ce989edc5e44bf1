"""Scores of texts against fixed references by the field's libraries, set by set.

Tokens are those of a lower-cased regular expression, for the usual CIDEr tokenizer needs Java. ROUGE-L is F1 by
rouge-score, BLEU-4 by sacrebleu, CIDEr (CIDEr-D, inverse document frequencies from the references) by pycocoevalcap.
SPICE is unavailable: it needs a Java archive that no package brings.
"""

import re
from collections.abc import Sequence

import numpy as np
from pycocoevalcap.cider.cider_scorer import CiderScorer
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU

from .corpus import ORDER, TextScores

_TOKENS = re.compile(r"[a-z0-9]+|[^\sa-z0-9]")


def spaced(text: str) -> str:
    """Return the tokens of a text with single spaces between them."""
    return " ".join(_TOKENS.findall(text.lower()))


def text_scores(texts: Sequence[str], references: Sequence[str]) -> TextScores:
    """Score texts against one reference each."""
    found, wanted = [spaced(text) for text in texts], [spaced(text) for text in references]
    rouge = RougeScorer(["rougeL"])
    cider = CiderScorer(n=ORDER, sigma=6.0)
    for text, reference in zip(found, wanted, strict=True):
        cider += (text, [reference])
    return TextScores(
        np.array([rouge.score(b, a)["rougeL"].fmeasure for a, b in zip(found, wanted, strict=True)]),
        np.asarray(cider.compute_score()[1], np.float64),
        np.array([_bleu_sums(a, b) for a, b in zip(found, wanted, strict=True)]),
    )


def _bleu_sums(text: str, reference: str) -> list[int]:
    score = BLEU(tokenize="none").corpus_score([text], [[reference]])
    return [*score.counts, *score.totals, score.sys_len, score.ref_len]
