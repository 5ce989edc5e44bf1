"""Energy of DRAM traffic by preset: the device alone, and the full path with interface and controller. Estimates.

| preset | device, pJ/bit | full path, pJ/bit |
| --- | --- | --- |
| DDR4-3200 | 7 to 15: currents of data sheets by Micron TN-40-07 | 20 to 40: Horowitz, ISSCC 2014, DDR3/4 class |
| LPDDR5-6400 | 4 to 8: Accelergy's LPDDR4 as the upper bound | 8 to 14: LPDDR4 as the upper bound |
| HBM2E | 3.9: HBM2 by O'Connor et al., MICRO 2017, as the upper bound | 7: HBM2, AMD WP485 |

Activation is inside these figures; the counters' row activations are printed beside them and not added again.
"""

from dataclasses import dataclass

from ...model.errors import OptionError
from .band import ZERO, Band

IDEAL = "ideal"


@dataclass(frozen=True)
class DramEnergy:
    """What moving bits costs, and what the memory draws meanwhile."""

    device_pj_per_bit: Band
    path_pj_per_bit: Band
    background_mw_per_channel: Band
    """Standby and refresh of one channel of the preset."""


DRAM = {
    IDEAL: DramEnergy(ZERO, ZERO, ZERO),
    "ddr4-3200": DramEnergy(Band(7, 10, 15), Band(20, 28, 40), Band(200, 400, 700)),
    "lpddr5-6400": DramEnergy(Band(3, 5, 8), Band(4, 8, 14), Band(5, 15, 40)),
    "hbm2e": DramEnergy(Band(2.5, 3.9, 5), Band(4, 7, 10), Band(15, 40, 80)),
}


def dram_energy(memory: str) -> DramEnergy:
    """Return the figures of a preset. Raises OptionError."""
    if memory not in DRAM:
        raise OptionError(f"memory: {memory!r} given, expected one of {', '.join(DRAM)}")
    return DRAM[memory]
