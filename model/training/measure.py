"""What is recorded of a trained HMM."""

import math
from collections.abc import Mapping

import numpy as np
import torch

from ..default.compact import LEAST_WEIGHT
from ..hmm import HMM
from ..reference import MISSING, ReferenceModel
from .tokenizer import Tokens


def hmm_perplexity(hmm: HMM, tokens: Tokens) -> float:
    """Return exp(mean -ln p) over all tokens of rows [N, T], MISSING beyond their end of text."""
    total = float(ReferenceModel.of(hmm).log_likelihood(torch.from_numpy(tokens)).sum())
    return math.exp(-total / np.count_nonzero(tokens != MISSING))


def hmm_metrics(hmm: HMM, parts: Mapping[str, Tokens]) -> dict[str, float]:
    """Return the perplexity of each part, the shares of weights below LEAST_WEIGHT, and how text ends."""
    metrics = {f"{part}_perplexity": round(hmm_perplexity(hmm, tokens), 3) for part, tokens in parts.items()}
    return {
        **metrics,
        "alpha_below_1e-5": round(float(np.mean(hmm.alpha < LEAST_WEIGHT)), 4),
        "beta_below_1e-5": round(float(np.mean(hmm.beta < LEAST_WEIGHT)), 4),
        "end_of_text_escape": float(f"{hmm.alpha[-1, :-1].sum(dtype=np.float64):.3g}"),
    }
