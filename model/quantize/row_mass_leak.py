"""row_mass_leak: each row's leak holds the mass of its entries that index 0 replaced.

With lam_i the share of row i's mass at index 0, eps_i = R_i * lam_i / (1 - lam_i), at least eps, rounded up to an 8-bit
minifloat (`formats.RowLeakCode`), saturating. An option of methods with normalized rows; alpha and beta have it, gamma
keeps eps, for its one row meets no vector twice.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..errors import QuantizationError
from ..formats import ROW_LEAK
from ..hmm import HMM, Probabilities
from .tensor import Levels, QuantizedHMM, QuantizedTensor

LEAKS = np.array([float(ROW_LEAK.value(code)) for code in range(ROW_LEAK.codes)])
"""[256] float64 eps_i of every code, rising."""


def with_row_mass_leak(quantized: QuantizedHMM, hmm: HMM) -> QuantizedHMM:
    """Return the model with a leak for each row of alpha and beta; `hmm` is what was quantized.

    Raises QuantizationError where rows are not normalized.
    """
    alpha = _with_units("alpha", quantized.alpha, hmm.alpha)
    beta = _with_units("beta", quantized.beta, hmm.beta)
    return replace(quantized, alpha=alpha, beta=beta)


def _with_units(name: str, tensor: QuantizedTensor, p: Probabilities) -> QuantizedTensor:
    if tensor.scale is not None:
        raise QuantizationError(f"{name}: row_mass_leak needs normalized rows, this method leaves them as they are")
    return replace(tensor, leak_units=leak_units(tensor, p))


def leak_units(tensor: QuantizedTensor, p: Probabilities) -> Levels:
    """Return [rows] uint8 codes g_i of a tensor quantized from `p` [rows, columns]; a row without a level keeps eps."""
    mass = p.sum(axis=1, dtype=np.float64)
    absent = np.where(tensor.levels == 0, p, 0).sum(axis=1, dtype=np.float64)
    present = mass - absent
    occupied = (tensor.row_sums > 0) & (present > 0)
    wanted = np.full(len(mass), float(tensor.effective_pseudocount))
    wanted[occupied] = np.maximum(wanted, tensor.row_sums * absent / np.where(occupied, present, 1))[occupied]
    return np.minimum(np.searchsorted(LEAKS, wanted), LEAKS.size - 1).astype(np.uint8)


def leaks(units: Levels) -> npt.NDArray[np.float64]:
    """Return eps_i of codes, any shape."""
    return LEAKS[units]
