"""One-dimensional k-means of a whole tensor, deterministic: Lloyd's algorithm on the sorted values.

With the values sorted a cluster is an interval and its mean a difference of prefix sums, so an iteration costs k binary
searches whatever the size of the tensor. The first centers have the density of an optimal quantizer, the cube root of
that of the values (Panter and Dite, Proc. IRE 39, 1951): equal steps of the sum of gap**(2/3).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MOST_ITERATIONS = 1000
START_VALUES = 1 << 20
"""Sorted values that decide the first centers, evenly spaced ranks of larger tensors."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters of values, in rising order."""

    centers: Floats
    """[k] rising, every cluster has a value."""
    thresholds: Floats
    """[k - 1] a value belongs to the cluster of the number of thresholds that are at most as great."""


def lloyd(values: npt.NDArray[np.floating], k: int) -> Clusters:
    """Return at most `k` clusters of finite values, any shape: fewer where there are fewer distinct values."""
    ordered = np.sort(values, axis=None).astype(np.float64)
    prefix = np.concatenate([[0.0], np.cumsum(ordered)])
    centers = _first_centers(ordered, k)
    bounds = np.zeros(0, np.int64)
    for _ in range(MOST_ITERATIONS):
        inner = np.searchsorted(ordered, _midpoints(centers), side="left")
        found = np.concatenate([[0], inner, [ordered.size]])
        kept = np.diff(found) > 0
        # a cluster that lost its values is gone, and its neighbors share the interval
        found = np.concatenate([[0], found[1:][kept]])
        if np.array_equal(found, bounds):
            break
        bounds = found
        centers = np.diff(prefix[bounds]) / np.diff(bounds)
    return Clusters(centers, _midpoints(centers))


def _first_centers(ordered: Floats, k: int) -> Floats:
    chosen = ordered[np.linspace(0, ordered.size - 1, min(ordered.size, START_VALUES)).round().astype(np.int64)]
    distinct = np.unique(chosen)
    if distinct.size <= k:
        return distinct
    length = np.concatenate([[0.0], np.cumsum(np.diff(distinct) ** (2 / 3))])
    return np.interp((np.arange(k) + 0.5) / k * length[-1], length, distinct)


def _midpoints(centers: Floats) -> Floats:
    return (centers[1:] + centers[:-1]) / 2


def cluster_of(values: npt.NDArray[np.floating], clusters: Clusters) -> npt.NDArray[np.uint8]:
    """Return the number of each value's cluster, uint8 of the values' shape; for at most 256 clusters."""
    return np.searchsorted(clusters.thresholds, values.astype(np.float64), side="right").astype(np.uint8)
