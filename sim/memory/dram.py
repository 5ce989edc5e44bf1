"""DRAM behind the simulated memory (dram.sv): timings with their sources, channels, and how addresses spread over them.

| property | DDR4-3200 | LPDDR5-6400 | HBM2E |
| --- | --- | --- | --- |
| standard | JESD79-4C, 3200AA, 8 Gb x8 | JESD209-5, 8 Gb, x16, bank groups | JESD235C, 8 Gb, pseudo channel |
| clock | 1600 MHz | CK 800 MHz, WCK 3200 MHz | 1600 MHz |
| column | 64 bits, BL8: 64 bytes, 4 clocks | 16 bits, BL16: 32 bytes, 2 clocks | 64 bits, BL4: 32 bytes, 2 clocks |

The standards are read through simulators that quote them, checked against each other where two say the same:
[R] Ramulator 2 (CMU-SAFARI/ramulator2, src/dram/impl/DDR4.cpp, LPDDR5.cpp, HBM2.cpp), [G] gem5
(src/python/gem5/components/memory/dram_interfaces/lpddr5.py and hbm.py). HBM vendors publish no timings of HBM2E:
those of HBM2 in nanoseconds are kept at its clock, so that preset is an estimate, as marked.
"""

from dataclasses import dataclass
from math import gcd

import numpy as np
import numpy.typing as npt

from ...model.errors import OptionError

DEFAULT_ENGINE_MHZ = 1000
"""Clock of the engine where nothing else is said: about what its lanes reach in a 7 nm library (ASAP7)."""
GREATEST_CHANNELS = 32
GREATEST_RANKS = 4
GREATEST_GROUPS = 8
GREATEST_BANKS = 8
"""Sizes of dram.sv; the last is of a bank group."""

TIMINGS = (
    *("burst", "cl", "cwl", "rcd", "rp", "ras", "rtp", "wr", "ccd_s", "ccd_l", "rrd_s", "rrd_l", "faw"),
    *("wtr_s", "wtr_l", "rtw", "cs", "refi", "rfc"),
)
"""What dram.sv is told as it is."""
COUNTERS = ("row_hits", "row_misses", "row_conflicts", "refreshes")
"""What the memory counts with a DRAM: columns that found their row open, no row open, another row open; refreshes of a
channel."""


@dataclass(frozen=True)
class DramTimings:
    """One channel: what it is made of, and its timings in clocks of the command clock, named as JEDEC names them.

    Raises ValueError where dram.sv could not hold it or its data bus would carry two columns at once.
    """

    name: str
    clock_mhz: int
    channels: int
    """How many of them one device or module has; a default."""
    column_bytes: int
    """What one column command moves."""
    burst: int
    """Clocks that it takes on the data bus."""
    ranks: int
    groups: int
    banks: int
    """Of a group."""
    row_bytes: int
    cl: int
    cwl: int
    rcd: int
    rp: int
    ras: int
    rtp: int
    wr: int
    ccd_s: int
    ccd_l: int
    rrd_s: int
    rrd_l: int
    faw: int
    wtr_s: int
    wtr_l: int
    cs: int
    """Idle clocks of the data bus when another rank follows."""
    refi: int
    rfc: int

    def __post_init__(self) -> None:
        for name in ("channels", "column_bytes", "ranks", "groups", "banks", "row_bytes"):
            value = getattr(self, name)
            if value < 1 or value & (value - 1):
                raise ValueError(f"{self.name}: {name} is {value}, expected a power of two")
        greatest = {"ranks": GREATEST_RANKS, "groups": GREATEST_GROUPS, "banks": GREATEST_BANKS}
        for name, most in greatest.items():
            if getattr(self, name) > most:
                raise ValueError(f"{self.name}: {name} is {getattr(self, name)}, expected at most {most}")
        if self.ccd_s < self.burst:
            raise ValueError(f"{self.name}: ccd_s is {self.ccd_s}, expected at least the burst of {self.burst}")
        if self.refi <= self.rfc + self.rp:
            raise ValueError(f"{self.name}: refi is {self.refi}, expected more than rfc + rp, {self.rfc + self.rp}")

    @property
    def rtw(self) -> int:
        """From a read's column to a write's: the data bus turns around in two clocks (as in [R])."""
        return max(self.cl + self.burst + 2 - self.cwl, self.ccd_s)

    @property
    def bandwidth(self) -> float:
        """Bytes that one channel's data bus carries in a second."""
        return self.column_bytes / self.burst * self.clock_mhz * 1e6


DDR4_3200 = DramTimings(
    name="DDR4-3200",
    clock_mhz=1600,
    channels=1,
    column_bytes=64,
    burst=4,
    ranks=1,
    groups=4,
    banks=4,
    row_bytes=8192,  # 1 KiB in each of 8 devices
    cl=22,  # [R] 3200AA: CL-tRCD-tRP 22-22-22, 13.75 ns
    cwl=16,  # [R]
    rcd=22,
    rp=22,
    ras=52,  # [R] 32 ns
    rtp=12,  # [R] 7.5 ns
    wr=24,  # [R] 15 ns
    ccd_s=4,  # [R]
    ccd_l=8,  # [R] 5 ns
    rrd_s=4,  # [R] table of x8
    rrd_l=8,  # [R] table of x8, 4.9 ns
    faw=34,  # [R] table of x8, 21 ns
    wtr_s=4,  # [R] 2.5 ns
    wtr_l=12,  # [R] 7.5 ns
    cs=2,  # [R] nCS
    refi=12480,  # 7.8 us up to 85 degrees
    rfc=560,  # tRFC1 of 8 Gb: 350 ns (JESD79-4; [R] says 360)
)
LPDDR5_6400 = DramTimings(
    name="LPDDR5-6400",
    clock_mhz=800,
    channels=4,  # a package of 64 bits
    column_bytes=32,
    burst=2,  # [G] BL16 at 4:1
    ranks=1,
    groups=4,
    banks=4,
    row_bytes=2048,  # [G]
    cl=17,  # [G] base RL
    cwl=11,  # [R]
    rcd=15,  # [G], [R] 18 ns
    rp=15,  # [G], [R] 18 ns, per bank
    ras=34,  # [G], [R] 42 ns
    rtp=4,  # [R]; [G] 7.5 ns less 2 clocks
    wr=28,  # [G], [R] 34 ns
    ccd_s=2,  # [G]
    ccd_l=4,  # [G]
    rrd_s=4,  # [G], [R] 5 ns
    rrd_l=4,  # [G]
    faw=16,  # [G], [R] 20 ns
    wtr_s=5,  # [G], [R] 6.25 ns
    wtr_l=10,  # [G], [R] 12 ns
    cs=2,  # [G], [R]
    refi=3124,  # [R] 3906 ns
    rfc=168,  # [G], [R] tRFCab of 8 Gb: 210 ns
)
HBM2E = DramTimings(
    name="HBM2E",
    clock_mhz=1600,
    channels=16,  # pseudo channels of a stack
    column_bytes=32,
    burst=2,
    ranks=1,
    groups=4,
    banks=4,
    row_bytes=1024,  # [G]
    cl=29,  # [G] 18 ns
    cwl=12,  # [G] 7 ns
    rcd=20,  # [G] 12 ns
    rp=23,  # [G] 14 ns
    ras=45,  # [G] 28 ns
    rtp=8,  # [G] 5 ns
    wr=23,  # [G] 14 ns
    ccd_s=2,  # the burst; [R] nCCDS is one clock of BL2
    ccd_l=5,  # [G] 3 ns
    rrd_s=7,  # [G] 4 ns
    rrd_l=10,  # [G] 6 ns
    faw=26,  # [G] 16 ns
    wtr_s=7,  # [G] 4 ns
    wtr_l=15,  # [G] 9 ns
    cs=0,
    refi=6240,  # [G], [R] 3.9 us
    rfc=560,  # [R] 8 Gb: 350 ns
)
PRESETS = {timings.name.lower(): timings for timings in (DDR4_3200, LPDDR5_6400, HBM2E)}
"""By the names that the command line takes."""


@dataclass(frozen=True)
class Dram:
    """Channels of one kind behind a memory port.

    An address belongs to channel `address // interleave_bytes % channels`. Within a channel consecutive columns go to
    consecutive bank groups; then come columns of the same rows, then banks, ranks, rows. Raises OptionError.
    """

    timings: DramTimings
    channels: int
    interleave_bytes: int = 256
    """No burst of the engine crosses 256 bytes, so each lies in one channel."""
    engine_mhz: int = DEFAULT_ENGINE_MHZ
    """Clock of the engine, in whose cycles the memory answers."""

    def __post_init__(self) -> None:
        name = self.timings.name
        if self.channels not in [1 << bits for bits in range(GREATEST_CHANNELS.bit_length())]:
            raise OptionError(f"{name}: channels is {self.channels!r}, expected a power of two to {GREATEST_CHANNELS}")
        least = self.timings.column_bytes
        if self.interleave_bytes < least or self.interleave_bytes & (self.interleave_bytes - 1):
            raise OptionError(
                f"{name}: interleave_bytes is {self.interleave_bytes!r}, expected a power of two from {least}"
            )
        if self.engine_mhz < 1 or max(self._clocks) > 65535:
            raise OptionError(f"{name}: engine_mhz is {self.engine_mhz!r}, expected MHz in 1..65535")

    @property
    def _clocks(self) -> tuple[int, int]:
        """Clocks of the DRAM that take as long as these cycles."""
        common = gcd(self.timings.clock_mhz, self.engine_mhz)
        return self.timings.clock_mhz // common, self.engine_mhz // common

    @property
    def bandwidth(self) -> float:
        """Bytes a second of all channels."""
        return self.channels * self.timings.bandwidth

    def channels_of(self, addresses: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the channel of each byte."""
        return addresses // self.interleave_bytes % self.channels

    def ports(self) -> dict[str, int]:
        """Return the values of the memory's inputs PORTS."""
        t = self.timings
        clock, engine_clock = self._clocks
        shifts = _Shifts(_log2(t.column_bytes))
        places = {
            "group": shifts.take(t.groups),
            "column": shifts.take(t.row_bytes // t.column_bytes),
            "bank": shifts.take(t.banks),
            "rank": shifts.take(t.ranks),
        }
        return {
            "dram_clock": clock,
            "dram_engine_clock": engine_clock,
            "dram_column_shift": _log2(t.column_bytes),
            "dram_channel_shift": _log2(self.interleave_bytes),
            "dram_channel_bits": _log2(self.channels),
            **{f"dram_{name}_shift": places[name] for name in ("group", "bank", "rank")},
            **{f"dram_{name}_bits": _log2(getattr(t, f"{name}s")) for name in ("group", "bank", "rank")},
            "dram_row_shift": shifts.next,
            **{f"dram_{name}": getattr(t, name) for name in TIMINGS},
        }


class _Shifts:
    """Hands out bits of an address from `next` on."""

    def __init__(self, first: int) -> None:
        self.next = first

    def take(self, count: int) -> int:
        """Return the first bit of a field that counts to `count`."""
        start = self.next
        self.next += _log2(count)
        return start


def _log2(value: int) -> int:
    return value.bit_length() - 1


PORTS = tuple(Dram(DDR4_3200, 1).ports())
"""Inputs of the memory, 16 bits each; all 0 without a DRAM."""
NO_DRAM = dict.fromkeys(PORTS, 0)
