"""Intervals and tests of the study: Wilson for shares, exact McNemar and paired bootstrap for two configurations."""

from math import comb, sqrt

import numpy as np
import numpy.typing as npt

from .corpus import TextScores

Z = 1.959963984540054
"""Quantile of the normal distribution at 97.5 %."""
DRAWS, SEED = 1000, 1


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, JASA 22, 1927)."""
    share, square = successes / trials, Z * Z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = Z / (1 + square / trials) * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def mcnemar(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    """Return the exact two-sided p of equal success on the same sets; 1 where no set differs."""
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    total, least = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(total, k) for k in range(least + 1)) / 2**total
    return min(1.0, 2 * tail)


def paired_bootstrap(scores: TextScores, base: TextScores) -> list[tuple[float, float]]:
    """Return the 95 % intervals of ROUGE-L, BLEU-4 and CIDEr minus those of `base`, sets drawn alike for both."""
    rng = np.random.default_rng(SEED)
    count = len(base.rouge)
    differences: list[list[float]] = []
    for _ in range(DRAWS):
        picks = rng.integers(0, count, count)
        pairs = zip(scores.percent(picks), base.percent(picks), strict=True)
        differences.append([a - b for a, b in pairs])
    low, high = np.quantile(np.array(differences), (0.025, 0.975), axis=0)
    return [(float(a), float(b)) for a, b in zip(low, high, strict=True)]
