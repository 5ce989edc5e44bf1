"""Signals of a VCD file, one value a clock cycle."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pywellen

from ...sim.bench.engine_bench import PERIOD_NS

Samples = npt.NDArray[np.int64]
PS = 1000


class Waves:
    """A dump of the bench. Raises KeyError for a signal that it does not have."""

    def __init__(self, path: Path) -> None:
        waveform = pywellen.Waveform(str(path))
        self._variables = {variable.full_name: variable for variable in waveform.all_vars()}

    def samples(self, name: str, cycles: int) -> Samples:
        """Return the values of a signal in the middle of cycles 0 .. `cycles` - 1, 0 where it has none yet."""
        signal = self._variables[name].signal
        times = ((2 * cycle + 1) * PERIOD_NS * PS // 2 for cycle in range(cycles))
        return np.array([signal.value_at(time) or 0 for time in times], np.int64)
