"""Latent-state initialization of an HMM: clusters of a language model's hidden states (latent variable distillation).

Each token of the training text gets the cluster of the state from which the language model asked for it; counts of
those states are the first HMM (Ctrl-G, arXiv 2406.13892, initializes from k-means in the same place).
"""

import torch
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits
from torch import Tensor

from ..errors import TrainingError
from ..reference import MISSING
from .counts import Counts
from .tokenizer import END_OF_TEXT_ID

BATCH_POINTS = 4096
ROUNDS = 30
"""Most passes over the points; fewer where batches stop to improve."""


def cluster(points: Tensor, clusters: int, seed: int) -> Tensor:
    """Return [N] int64, the cluster 0..clusters - 1 of each of `points` [N, width] float32.

    On one thread, so that the result does not depend on how many there are, and in float64: a point between two
    centers would fall by the processor's rounding, and every later center would follow. Raises TrainingError for fewer
    points than clusters.
    """
    if len(points) < clusters:
        raise TrainingError(f"hidden: {clusters + 1} states asked of {len(points)} words, expected one a state")
    k_means = MiniBatchKMeans(clusters, batch_size=BATCH_POINTS, max_iter=ROUNDS, n_init="auto", random_state=seed)
    with threadpool_limits(1):
        return torch.from_numpy(k_means.fit_predict(points.double().numpy())).long()


def neighbors(hidden: Tensor) -> Tensor:
    """Return [N, T, 2 * width]: the state before each token is seen beside the state after it, of [N, T, width].

    The first tells what the context asks for, the second what the token made of it: with both, the clusters gave a
    lower perplexity than with either (dev, H=64, text alone, 10 EM iterations after a language model of one epoch: 211,
    against 238 and 221).
    """
    after = torch.cat([hidden[:, 1:], torch.zeros_like(hidden[:, :1])], dim=1)
    return torch.cat([hidden, after], dim=2)


def initial_states(tokens: Tensor, hidden: Tensor, states: int, seed: int, end: int = END_OF_TEXT_ID) -> Tensor:
    """Return [N, T] int64, a state for each token of rows [N, T] by its `hidden` [N, T, width]; MISSING beyond the end.

    End of text, token `end`, has state `states - 1`, no other token has it.
    """
    words = (tokens != MISSING) & (tokens != end)
    path = torch.full_like(tokens, MISSING)
    path[words] = cluster(hidden[words], states - 1, seed)
    path[tokens == end] = states - 1
    return path


def path_counts(tokens: Tensor, path: Tensor, states: int, vocab_size: int) -> Counts:
    """Return how often each start, transition and emission occurs in rows of tokens and states [N, T]."""
    moves = (path[:, :-1] != MISSING) & (path[:, 1:] != MISSING)
    known = path != MISSING
    return Counts(
        gamma=torch.bincount(path[:, 0], minlength=states).double(),
        alpha=_pairs(path[:, :-1][moves], path[:, 1:][moves], states, states),
        beta=_pairs(path[known], tokens[known], states, vocab_size),
    )


def _pairs(rows: Tensor, columns: Tensor, height: int, width: int) -> Tensor:
    return torch.bincount(rows * width + columns, minlength=height * width).reshape(height, width).double()
