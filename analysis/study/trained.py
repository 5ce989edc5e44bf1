"""HMMs trained for the study: three EM seeds, and Norm-Q aware EM from the start of the first of them."""

from pathlib import Path

import numpy as np

from ...model.hmm import HMM
from ...model.quantize.tensor import QuantizedHMM, QuantizedTensor
from .spec import AWARE_METHOD, DEFAULT, Configuration

EOS = 0


def source_file(folder: str, source: str) -> Path:
    """Return the file of a trained HMM."""
    return Path(folder) / f"{source}.npz"


def aware_file(folder: str, bits: int, interval: int) -> Path:
    """Return the file of the last levels of a run of aware EM."""
    return Path(folder) / f"aware-{bits}-{interval}.npz"


def source_hmm(folder: str, source: str) -> HMM | None:
    """Return a trained HMM, None for the embedded one."""
    if source == DEFAULT:
        return None
    with np.load(source_file(folder, source)) as tensors:
        return HMM(tensors["alpha"], tensors["beta"], tensors["gamma"], EOS)


def aware_levels(folder: str, configuration: Configuration) -> QuantizedHMM:
    """Return what a run of aware EM ended with."""
    bits, interval = configuration.bits or 0, configuration.interval or 0
    with np.load(aware_file(folder, bits, interval)) as tensors:
        alpha, beta, gamma = (QuantizedTensor(tensors[name], bits) for name in ("alpha", "beta", "gamma"))
    return QuantizedHMM(alpha, beta, gamma, EOS, AWARE_METHOD)
