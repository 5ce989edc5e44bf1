"""Latent-state initialization of an HMM: clusters of a language model's hidden states (latent variable distillation).

Each token of the training text gets the cluster of the state from which the language model asked for it; counts of
those states are the first HMM (Ctrl-G, arXiv 2406.13892, initializes from k-means in the same place). Lloyd's k-means
is here in torch: one use, and no further dependency.
"""

import torch
from torch import Tensor

from ..reference import MISSING
from .counts import Counts
from .tokenizer import END_OF_TEXT_ID

CHUNK_ROWS = 1 << 14
"""Points whose distances to all centers are in memory at once."""


def cluster(points: Tensor, clusters: int, iterations: int, seed: int) -> Tensor:
    """Return [N] int64, the cluster 0..clusters - 1 of each of `points` [N, width] float32.

    Starts from a random choice of points; a cluster that lost all its points starts again at the worst-placed point.
    """
    draw = torch.Generator().manual_seed(seed)
    centers = points[torch.randperm(len(points), generator=draw)[:clusters]]
    for _ in range(iterations):
        chosen, distances = nearest(points, centers)
        centers = _means(points, chosen, distances, clusters)
    return nearest(points, centers)[0]


def nearest(points: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Return the nearest of `centers` [K, width] to each of `points` [N, width]: number [N], squared distance [N]."""
    norms = centers.square().sum(1)
    found = [(norms - 2 * chunk @ centers.T).min(1) for chunk in points.split(CHUNK_ROWS)]
    distances = torch.cat([best.values for best in found]) + points.square().sum(1)
    return torch.cat([best.indices for best in found]), distances


def _means(points: Tensor, chosen: Tensor, distances: Tensor, clusters: int) -> Tensor:
    sums = torch.zeros(clusters, points.shape[1]).index_add_(0, chosen, points)
    sizes = torch.bincount(chosen, minlength=clusters)
    means = sums / sizes.clamp(min=1)[:, None]
    empty = torch.nonzero(sizes == 0)[:, 0]
    means[empty] = points[distances.topk(len(empty)).indices]
    return means


def initial_states(tokens: Tensor, hidden: Tensor, states: int, iterations: int, seed: int) -> Tensor:
    """Return [N, T] int64, a state for each token of rows [N, T] by its `hidden` [N, T, width]; MISSING beyond the end.

    End of text has state `states - 1`, no other token has it.
    """
    words = (tokens != MISSING) & (tokens != END_OF_TEXT_ID)
    path = torch.full_like(tokens, MISSING)
    path[words] = cluster(hidden[words], states - 1, iterations, seed)
    path[tokens == END_OF_TEXT_ID] = states - 1
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
