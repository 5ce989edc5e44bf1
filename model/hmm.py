"""A hidden Markov model in the linear domain, validated when it is made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .errors import ModelError

Probabilities = npt.NDArray[np.float32]

ROW_SUM_TOLERANCE = 1e-3
"""A row may miss 1 by this much: rounding the logs of a checkpoint to float32 moves a row's sum by about 1e-6, a
checkpoint that was never normalized misses by far more."""

CHUNK_ELEMENTS = 1 << 22
"""Elements of a matrix handled at a time, so that temporaries stay at tens of megabytes whatever H and V."""


def row_chunks(rows: int, columns: int) -> Iterator[slice]:
    """Yield slices that cover `rows` rows of `columns` elements in order, about CHUNK_ELEMENTS elements each."""
    step = max(1, CHUNK_ELEMENTS // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(rows, start + step))


def row_fault(matrix: Probabilities, first_row: int = 0) -> str | None:
    """Return what keeps a float32 [rows, columns] matrix from being row-stochastic, or None.

    `first_row` is the number of the matrix's first row in what the message names.
    """
    for rows in row_chunks(*matrix.shape):
        chunk = matrix[rows]
        fault = _value_fault(chunk, first_row + rows.start) or _sum_fault(chunk, first_row + rows.start)
        if fault:
            return fault
    return None


def _value_fault(chunk: Probabilities, first_row: int) -> str | None:
    # min and max propagate NaN, so two reductions without a temporary clear the usual case
    if chunk.min() >= 0 and chunk.max() < np.inf:
        return None
    row, column = np.argwhere(~((chunk >= 0) & (chunk < np.inf)))[0]
    return f"row {first_row + row}, column {column} is {chunk[row, column]}, expected a probability"


def _sum_fault(chunk: Probabilities, first_row: int) -> str | None:
    sums = chunk.sum(axis=1, dtype=np.float64)
    wrong = np.flatnonzero(np.abs(sums - 1) > ROW_SUM_TOLERANCE)
    if not wrong.size:
        return None
    return f"row {first_row + wrong[0]} sums to {sums[wrong[0]]:.6g}, expected 1 within {ROW_SUM_TOLERANCE}"


@dataclass(frozen=True, eq=False)
class HMM:
    """Hidden Markov model with H states and V tokens; every row is a distribution within ROW_SUM_TOLERANCE.

    Raises ModelError naming the field, the value and what was expected.
    """

    alpha: Probabilities
    """[H, H] float32, alpha[i, j] = p(next state j | state i)."""
    beta: Probabilities
    """[H, V] float32, beta[i, v] = p(token v | state i)."""
    gamma: Probabilities
    """[H] float32, gamma[i] = p(first state i)."""
    eos_token_id: int
    """The end-of-text token, 0..V - 1."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """Where it came from; {"label": "synthetic", ...} for a generated model."""

    def __post_init__(self) -> None:
        for name, array, dimensions in (("alpha", self.alpha, 2), ("beta", self.beta, 2), ("gamma", self.gamma, 1)):
            if array.dtype != np.float32 or array.ndim != dimensions or not array.size:
                expected = f"a float32 array of {dimensions} dimension{'s'[: dimensions - 1]}, not empty"
                raise ModelError(name, f"is {array.dtype} of shape {list(array.shape)}, expected {expected}")
        hidden, vocab = self.beta.shape
        for name, array, shape in (("alpha", self.alpha, [hidden, hidden]), ("gamma", self.gamma, [hidden])):
            if list(array.shape) != shape:
                raise ModelError(name, f"has shape {list(array.shape)}, expected {shape} beside beta {[hidden, vocab]}")
        if not 0 <= self.eos_token_id < vocab:
            raise ModelError("eos_token_id", f"is {self.eos_token_id!r}, expected 0..{vocab - 1}")
        for name, matrix in (("alpha", self.alpha), ("beta", self.beta), ("gamma", self.gamma[np.newaxis])):
            fault = row_fault(matrix)
            if fault:
                raise ModelError(name, fault)

    @property
    def hidden_states(self) -> int:
        """H."""
        return self.alpha.shape[0]

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.beta.shape[1]
