"""The DRAM behind the simulated memory: every timing by hand, one at a time."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normq.model.errors import OptionError
from normq.sim.build import build
from normq.sim.memory.dram import PRESETS, Dram, DramTimings
from normq.sim.memory.image import MEMORY_SOURCES
from normq.sim.verilog import Design, module_ports

DATA_BITS, DEPTH = 512, 65536
BYTES = DATA_BITS // 8
PLAIN = DramTimings(
    name="plain",
    clock_mhz=1000,
    channels=1,
    column_bytes=64,
    burst=4,
    ranks=1,
    groups=2,
    banks=2,
    row_bytes=1024,
    cl=20,
    cwl=10,
    rcd=15,
    rp=17,
    ras=40,
    rtp=6,
    wr=14,
    ccd_s=4,
    ccd_l=7,
    rrd_s=5,
    rrd_l=9,
    faw=100,
    wtr_s=3,
    wtr_l=8,
    cs=2,
    refi=10_000,
    rfc=300,
)
"""As many clocks as cycles. Addresses: 6 bits of a column, 1 of a group, 4 of a column, 1 of a bank, then the row."""
GROUP, COLUMN, BANK, ROW = 64, 128, 2048, 4096
FIRST = 15 + 20 + 4
"""Clocks from a request to the end of its data when no row is open: tRCD, CL, burst."""


ALONE = Dram(PLAIN, 1)


@dataclass(frozen=True)
class Case:
    """Single beats: (cycle, address) of each, writes by a third element; and when they are answered."""

    name: str
    bursts: list[tuple[int, ...]]
    answers: list[int]
    counters: tuple[int, int, int, int]
    """Hits, misses, conflicts, refreshes."""
    dram: Dram = ALONE
    latency: int = 0
    write_latency: int = 0


TWO = replace(PLAIN, ranks=2)
CASES = [
    Case("closed row", [(10, 0)], [10 + FIRST], (0, 1, 0, 0)),
    Case("latency on top", [(10, 0)], [10 + FIRST + 33], (0, 1, 0, 0), latency=33),
    Case("row hit", [(10, 0), (200, COLUMN)], [10 + FIRST, 200 + 20 + 4], (1, 1, 0, 0)),
    # the row is open since 10, so tRAS is over: PRE at once
    Case("conflict", [(10, 0), (200, ROW)], [10 + FIRST, 200 + 17 + FIRST], (0, 1, 1, 0)),
    # ACT in 10, PRE not before 10 + tRAS
    Case("conflict within tRAS", [(10, 0), (11, ROW)], [10 + FIRST, 10 + 40 + 17 + FIRST], (0, 1, 1, 0)),
    # column in 100, PRE not before 100 + tRTP
    Case("conflict within tRTP", [(10, 0), (100, 0), (101, ROW)], [49, 124, 100 + 6 + 17 + FIRST], (1, 1, 1, 0)),
    # in another group tCCD_S, in the same tCCD_L; ACT of the second bank tRRD_S after the first
    Case("tCCD_L", [(10, 0), (200, 0), (201, COLUMN)], [49, 224, 200 + 7 + 20 + 4], (2, 1, 0, 0)),
    Case(
        "tCCD_S",
        [(10, 0), (100, GROUP), (200, 0), (201, GROUP)],
        [49, 100 + FIRST, 224, 200 + 4 + 20 + 4],
        (2, 2, 0, 0),
    ),
    Case("tRRD_S", [(10, 0), (11, GROUP)], [49, 10 + 5 + FIRST], (0, 2, 0, 0)),
    Case("tRRD_L", [(10, 0), (11, BANK)], [49, 10 + 9 + FIRST], (0, 2, 0, 0)),
    # ACTs in 10, 15, 20 and 25; the fifth waits for 10 + tFAW, longer than for tRAS and tRP
    Case(
        "tFAW",
        [(10, 0), (11, GROUP), (12, BANK), (13, GROUP + BANK), (14, ROW)],
        [49, 15 + FIRST, 20 + FIRST, 25 + FIRST, 10 + 100 + FIRST],
        (0, 4, 1, 0),
    ),
    # data of a write end CWL + burst after its column
    Case("write", [(10, 0, 1)], [10 + 15 + 10 + 4 + 6], (0, 1, 0, 0), write_latency=6),
    # column of the write in 100, of the read at the end of its data plus tWTR, other group and same
    Case(
        "tWTR_S",
        [(10, 0), (50, GROUP), (100, 0, 1), (101, GROUP)],
        [49, 50 + FIRST, 114, 114 + 3 + 20 + 4],
        (2, 2, 0, 0),
    ),
    Case("tWTR_L", [(10, 0), (100, 0, 1), (101, 0)], [49, 114, 114 + 8 + 20 + 4], (2, 1, 0, 0)),
    # CL + burst + 2 - CWL = 16 after the read's column
    Case("read to write", [(10, 0), (100, 0), (101, 0, 1)], [49, 124, 100 + 16 + 10 + 4], (2, 1, 0, 0)),
    Case("tWR", [(10, 0), (100, 0, 1), (101, ROW)], [49, 114, 114 + 14 + 17 + FIRST], (1, 1, 1, 0)),
    # due 10,000 clocks after the first burst; the open row is closed, REF tRP later, ACT tRFC after that
    Case(
        "refresh",
        [(10, 0), (10_012, 0), (10_400, 0)],
        [49, 10 + 10_000 + 17 + 300 + FIRST, 10_400 + 20 + 4],
        (1, 2, 0, 1),
    ),
    # a refresh that was due while nothing came is over by then
    Case("refresh at rest", [(10, 0), (10_400, 0)], [49, 10_400 + FIRST], (0, 2, 0, 1)),
    # other rank: its own tRRD and tFAW, but the bus changes hands: tCCD_S + 2
    Case(
        "ranks",
        [(10, 0), (50, ROW), (200, 0), (201, ROW)],
        [49, 50 + FIRST, 224, 200 + 4 + 2 + 20 + 4],
        (2, 2, 0, 0),
        Dram(TWO, 1),
    ),
    # 256 bytes to each channel: two rows are opened side by side, the third burst is a hit
    Case(
        "channels",
        [(10, 0), (11, 256), (100, 512 + 64)],
        [49, 11 + FIRST, 100 + FIRST],
        (0, 3, 0, 0),
        Dram(PLAIN, 2),
    ),
    # 8 clocks in 5 cycles: 39 clocks are 24.4 cycles; 90 cycles 144 clocks; 93 cycles 148.8 clocks, and (149 + 39)
    # clocks 117.5 cycles
    Case(
        "clocks",
        [(10, 0), (100, 0), (103, GROUP)],
        [10 + 25, 100 + 15, 103 + 25],
        (1, 2, 0, 0),
        Dram(replace(PLAIN, clock_mhz=1600), 1),
    ),
]


def memory(folder: Path, scenarios: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Play `scenarios` on the memory alone, of which the contents do not matter."""
    folder.mkdir(exist_ok=True)
    plan, outcome, image = folder / "plan.json", folder / "outcome.json", folder / "image"
    plan.write_text(json.dumps(scenarios))
    image.write_bytes(b"")
    design = Design("normq_memory", module_ports(MEMORY_SOURCES[-1].read_text(), "normq_memory"), (), MEMORY_SOURCES)
    environment = {"DATA_BITS": str(DATA_BITS), "DEPTH": str(DEPTH)}
    environment |= {"NORMQ_PLAN": str(plan), "NORMQ_OUTCOME": str(outcome)}
    build(design, flags=[f"-GDATA_BITS={DATA_BITS}", f"-GDEPTH={DEPTH}"]).run(
        "normq.sim.bench.dram_bench", folder, environment, [f"+image={image}"]
    )
    return json.loads(outcome.read_text())


def test_timings(tmp_path: Path) -> None:
    scenarios = [
        {
            "memory": {"latency": case.latency, "write_latency": case.write_latency, **case.dram.ports()},
            "bursts": [(burst[0], burst[1], 1, int(len(burst) > 2)) for burst in case.bursts],
        }
        for case in CASES
    ]
    names = ("row_hits", "row_misses", "row_conflicts", "refreshes")
    for case, found in zip(CASES, memory(tmp_path, scenarios), strict=True):
        assert (case.name, found["answers"]) == (case.name, case.answers)
        assert (case.name, found["counters"]) == (case.name, dict(zip(names, case.counters, strict=True)))


@pytest.mark.parametrize("name", PRESETS)
def test_streams_at_the_bandwidth_of_the_bus(name: str, tmp_path: Path) -> None:
    """Bursts of 256 bytes from one channel, one after another: the data bus is full but for refreshes."""
    dram = Dram(PRESETS[name], 1, engine_mhz=2000)
    count = 48
    (found,) = memory(tmp_path, [{"memory": dram.ports(), "bursts": [[0, 256 * i, 4, 0] for i in range(count)]}])
    cycles = found["answers"][-1] - found["answers"][0]
    bus = (count - 1) * 256 / dram.bandwidth * 2000e6
    assert bus <= cycles < 1.03 * bus
    assert found["counters"]["refreshes"] == 0


def test_bandwidths() -> None:
    """Bits of a channel times transfers a second: 64 x 3.2e9, 16 x 6.4e9, 64 x 3.2e9."""
    assert [timings.bandwidth for timings in PRESETS.values()] == [25.6e9, 12.8e9, 25.6e9]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 3}, "plain: channels is 3, expected a power of two to 32"),
        ({"interleave_bytes": 32}, "plain: interleave_bytes is 32, expected a power of two from 64"),
        ({"engine_mhz": 0}, "plain: engine_mhz is 0, expected MHz in 1..65535"),
    ],
)
def test_settings_that_cannot_be(change: dict[str, int], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        Dram(PLAIN, **{"channels": 1, **change})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": 3}, "plain: groups is 3, expected a power of two"),
        ({"banks": 16}, "plain: banks is 16, expected at most 8"),
        ({"ccd_s": 3}, "plain: ccd_s is 3, expected at least the burst of 4"),
        ({"refi": 300}, "plain: refi is 300, expected more than rfc + rp, 317"),
    ],
)
def test_timings_that_cannot_be(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(PLAIN, **change)


def test_channels_take_turns() -> None:
    dram = Dram(PLAIN, 4, 128)
    assert dram.channels_of(np.array([0, 127, 128, 511, 512])).tolist() == [0, 0, 1, 3, 0]
