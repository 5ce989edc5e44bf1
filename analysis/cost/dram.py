"""Energy of DRAM traffic by preset: the device alone, and the full path with interface and controller. Estimates.

| preset | device, pJ a bit | full path, pJ a bit |
| --- | --- | --- |
| DDR4-3200 | 5.3 a column read, 4.6 a write, 2.95 nJ an activation (8 devices): data-sheet currents | 20 to 40 |
| LPDDR5-6400 | 8: Accelergy's LPDDR4, taken as the upper bound | 14: LPDDR4, upper end of what is published |
| HBM2E | 3.9: HBM2, taken as the upper bound | 7: HBM2 |

DDR4's device is computed as Micron TN-40-07 does, from the currents of Micron's 8 Gb x8 die G at 3200 (as DRAMPower
quotes them, memspecs/MICRON_8Gb_DDR4-3200_8bit_G.xml): V (IDD4R - IDD3N) t(burst) a column, V (IDD0 tRC - IDD3N tRAS -
IDD2N tRP) an activation, V IDD3N standby, V (IDD5R - IDD3N) refresh. Full path of DDR3/4: M. Horowitz, ISSCC 2014,
1.3 to 2.6 nJ for 64 bits. HBM2: M. O'Connor et al., MICRO 2017 (device), AMD WP485 (path). No citable figure of LPDDR5
or HBM2E was found. Where a source gives one number the band is a factor of 2.

Per-bit figures of LPDDR4 and HBM2 hold activations at the traffic of their sources, as does every full path: there
`activation_nj` only tells them apart, and is not added. It is that of DRAMsim3's currents (configs/HBM2_8Gb_x128.ini,
LPDDR3_8Gb_x32_1600.ini), as are standby (low: IDD2P) and refresh, V (IDD5AB - IDD3N) tRFC / tREFI; LPDDR5 as LPDDR3,
HBM2E as half an HBM2 channel of 128 bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ...model.errors import OptionError
from ...sim.memory.dram import PRESETS
from .band import ZERO, Band

IDEAL = "ideal"
ACTIVATING = ("dram.row_misses", "dram.row_conflicts")
"""Counters of the memory (sim/memory/dram.py), under the names of a table of points."""


@dataclass(frozen=True)
class DramEnergy:
    """What moving bits costs, and what the memory draws meanwhile."""

    device_pj_per_bit: Band
    path_pj_per_bit: Band
    activation_nj: float
    """Opening one row."""
    is_activation_apart: bool
    """Whether `device_pj_per_bit` leaves activations out."""
    standby_mw_per_channel: Band
    """Banks open, clock running, of one channel of the preset; low: precharged, clock stopped."""
    refresh_mw_per_channel: Band
    """Averaged over the interval between refreshes."""


DRAM = {
    IDEAL: DramEnergy(ZERO, ZERO, 0.0, False, ZERO, ZERO),
    "ddr4-3200": DramEnergy(Band(4.6, 5.3, 8.0), Band(20, 28, 40), 2.95, True, Band(240, 538, 600), Band.around(96)),
    "lpddr5-6400": DramEnergy(Band.around(8), Band.around(14), 0.76, False, Band(1.6, 25, 50), Band.around(8.3)),
    "hbm2e": DramEnergy(Band.around(3.9), Band.around(7), 0.83, False, Band(17, 33, 66), Band.around(7.8)),
}
"""DDR4: 8 devices at 1.2 V, 25 to 56 mA of standby (62.5 with VPP), 66 - 56 mA of refresh. LPDDR5: 21 mA; 129 mA for
168 of 3120 cycles. HBM2E: half of 55 mA; half of 195 mA for 260 of 3900 cycles."""


def dram_energy(memory: str) -> DramEnergy:
    """Return the figures of a preset. Raises OptionError."""
    if memory not in DRAM:
        raise OptionError(f"memory: {memory!r} given, expected one of {', '.join(DRAM)}")
    return DRAM[memory]


def activations(counters: Mapping[str, int], memory: str, moved: int) -> float:
    """Return the rows opened: counted where the memory counted, else every row of `moved` bytes once, the least."""
    counted = [counters[name] for name in ACTIVATING if name in counters]
    if counted or memory == IDEAL:
        return float(sum(counted))
    return moved / PRESETS[memory].row_bytes
