"""The HMM of a configuration, and its integer levels: what float64, golden and the engine all start from."""

from functools import lru_cache
from pathlib import Path

from ...model.default.load import default_hmm
from ...model.hmm import HMM
from ...model.quantize.methods import METHODS
from ...model.quantize.tensor import QuantizedHMM
from .spec import AWARE_METHOD, DEFAULT, Configuration
from .trained import aware_levels, source_hmm


@lru_cache(maxsize=2)
def hmm_of(source: str, folder: Path) -> HMM:
    """Return the embedded HMM, or one that was trained into `folder`."""
    return default_hmm() if source == DEFAULT else source_hmm(folder, source)


@lru_cache(maxsize=2)
def levels_of(configuration: Configuration, folder: Path) -> QuantizedHMM:
    """Return the levels of a configuration that has some."""
    if configuration.method == AWARE_METHOD:
        return aware_levels(folder, configuration)
    return METHODS[configuration.method].quantize(hmm_of(configuration.source, folder), configuration.setting)
