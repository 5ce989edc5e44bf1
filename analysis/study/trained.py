"""HMMs trained for the study: three EM seeds, and Norm-Q aware EM from the start of the first of them."""

from pathlib import Path

import numpy as np

from ...model.hmm import HMM
from ...model.quantize.tensor import QuantizedHMM, QuantizedTensor
from .spec import AWARE_METHOD, DEFAULT, LANGUAGE_MODEL, Configuration

EOS = 0


def seed_name(seed: int) -> str:
    """Return what the model of an EM seed is called; its configurations have it as source."""
    return f"seed-{seed}"


def aware_name(bits: int, interval: int) -> str:
    """Return what the last levels of a run of aware EM are called."""
    return f"aware-{bits}-{interval}"


def model_file(folder: Path, name: str) -> Path:
    """Return the file of a trained HMM or of trained levels."""
    return folder / f"{name}.npz"


def models_of(configuration: Configuration) -> list[str]:
    """Return the trained models that a configuration needs, in the order of their training."""
    if configuration.source in (DEFAULT, LANGUAGE_MODEL):
        return []
    return [configuration.source, *([_levels_name(configuration)] if configuration.method == AWARE_METHOD else [])]


def source_hmm(folder: Path, source: str) -> HMM:
    """Return a trained HMM."""
    with np.load(model_file(folder, source)) as tensors:
        return HMM(tensors["alpha"], tensors["beta"], tensors["gamma"], EOS)


def aware_levels(folder: Path, configuration: Configuration) -> QuantizedHMM:
    """Return what a run of aware EM ended with."""
    bits = configuration.bits or 0
    with np.load(model_file(folder, _levels_name(configuration))) as tensors:
        alpha, beta, gamma = (QuantizedTensor(tensors[name], bits) for name in ("alpha", "beta", "gamma"))
    return QuantizedHMM(alpha, beta, gamma, EOS, AWARE_METHOD)


def _levels_name(configuration: Configuration) -> str:
    return aware_name(configuration.bits or 0, configuration.interval or 0)
