"""The points of a table that no other point beats."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from .design_points import QUANTITIES


def front(points: pd.DataFrame, columns: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which rows [n] no other row dominates in `columns`, each taken the way in which it is better.

    Columns are names of QUANTITIES with a better side (ValueError otherwise). A row that lacks a value is not on the
    front.
    """
    sides = np.array([QUANTITIES[name].better for name in columns])
    if not sides.all():
        raise ValueError(f"columns must each have a better side, got {list(columns)!r}")
    return non_dominated(-sides * points[list(columns)].to_numpy(dtype=float))


def non_dominated(costs: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which rows [n] of costs [n, k], less being better, are not dominated.

    A row is dominated when another is at most as great in every column and less in one; equal rows do not dominate each
    other. A row with a NaN neither dominates nor stays.
    """
    kept = np.zeros(len(costs), dtype=bool)
    rows = np.flatnonzero(~np.isnan(costs).any(axis=1))
    # what dominates a row comes before it in lexicographic order, and some row of the front dominates it too
    ordered = rows[np.lexsort(costs[rows].T[::-1])]
    found = np.empty((0, costs.shape[1]))
    for row in ordered:
        candidate = costs[row]
        if not ((found <= candidate).all(axis=1) & (found < candidate).any(axis=1)).any():
            kept[row] = True
            found = np.vstack((found, candidate))
    return kept
