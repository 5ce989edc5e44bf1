"""K-means codebooks: 2**b levels for each tensor, placed where its values are, in the linear or the log domain.

Two codebooks come out. The float one has the centers themselves. The one that hardware holds has 12-bit integers in
units of the greatest center / 4095: all clusters whose center rounds to 0 share index 0, which stands for the mean of
the entries it replaces. That mean is no multiple of a unit, so it goes into the leak: eps = n * mean.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
import numpy.typing as npt

from ..errors import QuantizationError
from ..formats import CODEBOOK_BITS, LEAST_SIGNIFICANT_BITS, IndexFormat, VectorCode
from ..hmm import HMM, Probabilities
from ..weights import FloatWeights, Weights
from .lloyd import Clusters, cluster_of, lloyd
from .tensor import Levels, QuantizedHMM, QuantizedTensor, ZeroRows

GREATEST_LEVEL = (1 << CODEBOOK_BITS) - 1


@dataclass(frozen=True)
class KMeans:
    """One of the four methods."""

    log_domain: bool
    normalized: bool

    @property
    def name(self) -> str:
        """The method's name."""
        return f"kmeans-{'log' if self.log_domain else 'linear'}{'-normalized' if self.normalized else ''}"

    def quantize(self, hmm: HMM, bits: int) -> QuantizedHMM:
        """Return levels of a 12-bit codebook for each tensor. Raises QuantizationError for bits outside 2..8."""
        _check_bits(bits)
        tensors = (hmm.alpha, hmm.beta, hmm.gamma[None])
        least = Fraction(1, 1000) if self.normalized else Fraction(0)
        alpha, beta, gamma = (self._tensor(p, bits, least) for p in tensors)
        return QuantizedHMM(alpha, beta, gamma, hmm.eos_token_id, self.name, dict(hmm.provenance))

    def float_weights(self, hmm: HMM, bits: int) -> FloatWeights:
        """Return every entry as the center of its cluster, rows normalized where the method has it so."""
        _check_bits(bits)
        alpha, beta, gamma = (self._centers(p, bits) for p in (hmm.alpha, hmm.beta, hmm.gamma[None]))
        return FloatWeights(alpha, beta, gamma[0], hmm.eos_token_id)

    def _tensor(self, p: Probabilities, bits: int, least: Fraction) -> QuantizedTensor:
        clusters, indices = self._clusters(p, bits)
        return projected(p, indices, self._values(clusters), bits, self.normalized, least)

    def _centers(self, p: Probabilities, bits: int) -> Weights:
        clusters, indices = self._clusters(p, bits)
        weights = self._values(clusters)[indices]
        return weights / weights.sum(axis=1, keepdims=True) if self.normalized else weights

    def _clusters(self, p: Probabilities, bits: int) -> tuple[Clusters, Levels]:
        if not p.max() > 0:
            raise QuantizationError(f"tensor: greatest entry is {p.max()}, expected one above 0")
        values = _log(p, float(p[p > 0].min())) if self.log_domain else p.astype(np.float64)
        clusters = lloyd(values, 1 << bits)
        return clusters, cluster_of(values, clusters)

    def _values(self, clusters: Clusters) -> Weights:
        return np.exp(clusters.centers) if self.log_domain else clusters.centers


KMEANS = tuple(KMeans(log_domain, normalized) for log_domain in (False, True) for normalized in (False, True))
KMEANS_NAMES = tuple(kind.name for kind in KMEANS)


def projected(
    p: Probabilities, indices: Levels, values: Weights, bits: int, normalized: bool, least: Fraction
) -> QuantizedTensor:
    """Return the 12-bit tensor of entries `p` [rows, columns] whose clusters have rising `values`.

    `least` is the smallest eps of normalized rows; eps is rounded to a multiple of 1/1000 and raised until a vector's
    smallest element keeps LEAST_SIGNIFICANT_BITS.
    """
    unit = float(values[-1]) / GREATEST_LEVEL
    integers = np.rint(values / unit).astype(np.uint16)
    shared = integers == 0
    levels = np.unique(np.concatenate([[0], integers]))
    numbers = np.searchsorted(levels, integers).astype(np.uint8)
    if not shared.any() and levels.size > 2:
        # the least cluster takes index 0, its level goes into the leak
        levels, numbers = levels[1:], numbers - np.uint8(1)
    codebook = np.full(1 << bits, levels[-1], np.uint16)
    codebook[: levels.size] = levels
    chosen = numbers[indices]
    absent = shared[indices]
    mean = float(p[absent].mean(dtype=np.float64)) / unit if absent.any() else 0.0
    eps = max(Fraction(round(1000 * mean * p.shape[1]), 1000), least)
    tensor = QuantizedTensor(
        chosen, bits, eps, codebook, None if normalized else unit, ZeroRows.UNIFORM if normalized else ZeroRows.EMPTY
    )
    # without any leak there is nothing to raise: an element that no level reaches is 0
    has_leak = tensor.effective_pseudocount > 0
    lack = max(Fraction(0), least_pseudocount(tensor) - tensor.effective_pseudocount) if has_leak else Fraction(0)
    return QuantizedTensor(chosen, bits, eps + lack, codebook, tensor.scale, tensor.zero_rows)


def least_pseudocount(tensor: QuantizedTensor, code: VectorCode | None = None) -> Fraction:
    """Return the least eps, a multiple of 1/1000, that leaves a vector's smallest element LEAST_SIGNIFICANT_BITS.

    F - ceil(log2(H * max(L, R_max) / eps + 1)) of the format, solved for eps.
    """
    span = (1 << ((code or VectorCode()).fix_bits - LEAST_SIGNIFICANT_BITS)) - 1
    greatest = max(int(tensor.above_least[-1]), int(tensor.row_sums.max()))
    return Fraction(ceil(Fraction(1000 * tensor.levels.shape[0] * greatest, span)), 1000)


def _log(p: npt.NDArray[np.floating], least: float) -> npt.NDArray[np.float64]:
    """Return natural logs; an entry of 0 counts as the least positive one, for it has no log."""
    return np.log(np.maximum(p.astype(np.float64), least))


def _check_bits(bits: int) -> None:
    try:
        IndexFormat(bits)
    except ValueError as error:
        raise QuantizationError(str(error)) from error
