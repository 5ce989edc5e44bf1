"""Scores of a corpus from those of its sets, so that they can be drawn again and resampled without any library."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Picks = npt.NDArray[np.int64]

ORDER = 4
"""Of BLEU's longest n-grams."""


@dataclass(frozen=True, eq=False)
class TextScores:
    """What the texts of one configuration score, set by set."""

    rouge: Floats
    """[sets] ROUGE-L F1, 0..1."""
    cider: Floats
    """[sets] CIDEr-D as its library gives it, 10 for a text equal to its reference; the mean is the corpus's."""
    bleu: Picks
    """[sets, 2 * ORDER + 2] n-grams matched and made, lengths of text and reference: sums give the corpus's BLEU."""

    def percent(self, picks: Picks | None = None) -> tuple[float, float, float]:
        """Return ROUGE-L and BLEU-4 in percent and CIDEr times 10, of all sets or of drawn ones."""
        chosen = np.arange(len(self.rouge)) if picks is None else picks
        return (
            100 * float(self.rouge[chosen].mean()),
            100 * bleu(self.bleu[chosen].sum(0)),
            10 * float(self.cider[chosen].mean()),
        )


def bleu(sums: Picks) -> float:
    """Return BLEU (Papineni et al., ACL 2002) of summed counts [2 * ORDER + 2], without smoothing."""
    matched, made, (length, reference) = sums[:ORDER], sums[ORDER : 2 * ORDER], sums[2 * ORDER :]
    if not matched.all():
        return 0.0
    brevity = min(0.0, 1 - reference / length)
    return float(np.exp(brevity + np.log(matched / made).mean()))
