"""Norm-Q after training: one linear scale for a whole tensor, then row normalization with a pseudocount.

Source: arXiv 2509.25439, post-training path. s = max(P) / L with L = 2**b - 1; q = clamp(round_half_even(P / s), 0, L);
level = q + eps / n with eps = 0.001 and n the row length; W = level / level.sum(row). All in float32, as the reference.
"""

import numpy as np

from ..errors import QuantizationError
from ..formats import IndexFormat
from ..hmm import HMM, Probabilities, row_chunks
from .tensor import Levels, QuantizedHMM, QuantizedTensor


def quantize(hmm: HMM, bits: int) -> QuantizedHMM:
    """Quantize alpha, beta and gamma, each with its own scale; gamma becomes a one-row matrix.

    Raises QuantizationError for an index width outside 2..8.
    """
    return QuantizedHMM(
        alpha=quantize_tensor(hmm.alpha, bits),
        beta=quantize_tensor(hmm.beta, bits),
        gamma=quantize_tensor(hmm.gamma[np.newaxis], bits),
        eos_token_id=hmm.eos_token_id,
        provenance=dict(hmm.provenance),
    )


def quantize_tensor(p: Probabilities, bits: int) -> QuantizedTensor:
    """Return the levels [rows, columns] of a float32 matrix [rows, columns] of finite non-negative values.

    Raises QuantizationError for an index width outside 2..8, another type or shape, an entry that is negative or not
    finite, and a tensor without a positive entry.
    """
    if p.dtype != np.float32 or p.ndim != 2 or not p.size:
        raise QuantizationError(f"tensor: is {p.dtype} of shape {list(p.shape)}, expected a float32 matrix, not empty")
    if not p.min() >= 0:
        raise QuantizationError(f"tensor: least entry is {p.min()}, expected no entry below 0")
    scale = tensor_scale(float(p.max()), bits)
    levels = np.empty(p.shape, np.uint8)
    for rows in row_chunks(*p.shape):
        levels[rows] = levels_at(p[rows], scale, bits)
    return QuantizedTensor(levels, bits)


def tensor_scale(greatest: float, bits: int) -> np.float32:
    """Return s, the float32 step of a tensor whose greatest entry is `greatest`, a float32 value.

    Raises QuantizationError for an index width outside 2..8 and where no step exists (`greatest` 0, NaN or infinite).
    """
    top = np.float32(_index_format(bits).greatest)
    if not 0 < greatest < np.inf:
        raise QuantizationError(f"tensor: greatest entry is {greatest}, expected a finite one above 0")
    scale = np.float32(greatest) / top
    if scale < np.finfo(np.float32).tiny:
        raise QuantizationError(
            f"tensor: greatest entry is {greatest}, expected a normal float32 after division by {top:g}"
        )
    return scale


def levels_at(p: Probabilities, scale: np.float32, bits: int) -> Levels:
    """Return the uint8 levels of float32 entries, any shape, at the step `scale` of their whole tensor."""
    q = np.divide(p, scale)
    np.rint(q, out=q)  # half to even
    np.minimum(q, np.float32(_index_format(bits).greatest), out=q)
    return q.astype(np.uint8)


def reference_weights(tensor: QuantizedTensor) -> Probabilities:
    """Return W [rows, columns] by the published formula, every step rounded to float32.

    The row sum is NumPy's float32 sum along a row; other libraries add in another order and differ in the last bit.
    """
    columns = tensor.levels.shape[1]
    weights = tensor.levels.astype(np.float32)
    weights += np.float32(float(tensor.pseudocount) / columns)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _index_format(bits: int) -> IndexFormat:
    try:
        return IndexFormat(bits)
    except ValueError as error:
        raise QuantizationError(str(error)) from error
