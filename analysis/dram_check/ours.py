"""The same accesses on the DRAM of the simulated memory, in cycles of LiteDRAM's controller."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...model.jit import kernel
from ...sim.memory.dram import Dram, DramTimings
from ...sim.timing.dram import dram_at_rest, dram_serve

WORD_BYTES = 64
CLOCKS = 4
"""DRAM clocks in a cycle of LiteDRAM's controller, which is one word on the data bus."""


def preset_ports(timings: DramTimings) -> dict[str, int]:
    """Return the inputs of dram.sv for the preset as it is, one channel."""
    return Dram(timings, 1, engine_mhz=timings.clock_mhz // CLOCKS).ports()


def alike_ports(timings: DramTimings, lite: Mapping[str, int]) -> dict[str, int]:
    """Return inputs that say what LiteDRAM does, as far as ours can.

    Its timings in whole cycles, its read latency, no bank groups, a row filled before the next bank is used. `lite`
    are the timings that LiteDRAM made of the preset's.
    """
    clocks = {name: value * CLOCKS for name, value in lite.items()}
    alike = replace(
        timings,
        cl=clocks["read_latency"],  # and the burst: LiteDRAM's crossbar answers a cycle later
        **{name: clocks[f"t{name.upper()}"] for name in ("rcd", "rp", "ras", "wr", "faw", "refi", "rfc")},
        **dict.fromkeys(("ccd_s", "ccd_l"), clocks["tCCD"]),
        **dict.fromkeys(("rrd_s", "rrd_l"), clocks["tRRD"]),
        **dict.fromkeys(("wtr_s", "wtr_l"), clocks["tWTR"]),
    )
    row_shift = timings.row_bytes.bit_length() - 1
    places = {"dram_group_shift": row_shift, "dram_bank_shift": row_shift + timings.groups.bit_length() - 1}
    return {**preset_ports(alike), **places}


def replayed(
    ports: Mapping[str, int], words: npt.NDArray[np.int64], writes: npt.NDArray[np.bool_], outstanding: int
) -> int:
    """Return cycles from the first access to the last datum; an access a cycle comes, while so many are under way.

    words: [accesses] numbers of words; writes: [accesses].
    """
    return _replayed(dram_at_rest(ports, WORD_BYTES)[0], words, writes, np.zeros(outstanding, np.int64))


@kernel
def _replayed(dram: Any, words: Any, writes: Any, done: Any) -> int:
    """`done`: [outstanding] when the last accesses ended."""
    now, last = -1, 0
    for number in range(len(words)):
        now = max(now + 1, done[number % len(done)])
        end = dram_serve(dram, now, words[number] * WORD_BYTES, 1, int(writes[number]), 0)
        done[number % len(done)] = end
        last = max(last, end)
    return last
