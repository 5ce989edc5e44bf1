"""Linear fits with coefficients that are never negative, and how far they are off on rows that they have not seen.

A quantity that grows with every size is fitted as a sum of terms, each a product of sizes: with no negative
coefficient the fit grows with every size as well. Rows are weighted by their own value, so that errors are relative.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from operator import mul

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LinearRegression

UNCHECKED = 0.2
"""Error of a fit that has as many terms as rows, and of a ratio of one row: an assumption."""
ALONE = 0.99
"""Leverage above which a row decides a coefficient by itself: the others hardly tell it, and cannot check it."""
DIGITS = 9
"""Significant ones of what a fit tells: those beyond depend on the machine's linear algebra."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A sum of terms with their coefficients."""

    coefficients: tuple[float, ...]
    error: float
    """Greatest relative error of a row against the fit, and against the fit of all others where those determine it;
    UNCHECKED at least where no row can be left out."""
    alone: int
    """Rows that decide a coefficient by themselves (ALONE): nothing checks them."""

    def __call__(self, terms: Sequence[float]) -> float:
        """Return the fitted value."""
        return fsum(map(mul, self.coefficients, terms))


def fit(terms: Sequence[Sequence[float]], values: Sequence[float]) -> Fit:
    """Return the fit of `values` by `terms` [row, term], all values positive."""
    table, found = np.array(terms, np.float64), np.array(values, np.float64)
    coefficients = _solve(table, found)
    errors = list(np.abs(table @ coefficients / found - 1))
    checkable = np.flatnonzero(_leverage(table, found) <= ALONE)
    for row in checkable:
        others = np.arange(len(found)) != row
        errors.append(abs(float(table[row] @ _solve(table[others], found[others])) / found[row] - 1))
    error = max(*errors, 0.0 if len(checkable) else UNCHECKED)
    return Fit(tuple(map(_same_everywhere, coefficients)), _same_everywhere(error), len(found) - len(checkable))


def _same_everywhere(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _leverage(table: Array, values: Array) -> Array:
    """Return for each row how far it decides its own value in a least-squares fit of all, 0 to 1."""
    weighted = table / values[:, None]
    scaled = weighted / np.maximum(np.abs(weighted).max(axis=0), np.finfo(np.float64).tiny)
    basis, sizes, _ = np.linalg.svd(scaled, full_matrices=False)
    return (basis[:, sizes > sizes[0] * len(values) * np.finfo(np.float64).eps] ** 2).sum(axis=1)


def _solve(table: Array, values: Array) -> Array:
    model = LinearRegression(positive=True, fit_intercept=False)
    return model.fit(table / values[:, None], np.ones(len(values))).coef_


def mean_ratio(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean of ratios, and the greatest relative deviation from it; UNCHECKED where there is only one."""
    mean = float(np.mean(values))
    return mean, UNCHECKED if len(values) == 1 else max(abs(value / mean - 1) for value in values)
