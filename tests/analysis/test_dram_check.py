"""What `normq dram-check` feeds to both sides; LiteDRAM itself is not installed here."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from normq.analysis.dram_check.compare import WORDS, recorded
from normq.analysis.dram_check.ours import alike_ports, preset_ports, replayed
from normq.model.errors import OptionError
from normq.sim.memory.dram import DDR4_3200

LITE = {
    **{"tRP": 7, "tRCD": 7, "tWR": 7, "tWTR": 4, "tREFI": 3125, "tRFC": 141, "tFAW": 10, "tCCD": 1, "tRRD": 2},
    **{"tRAS": 14, "read_latency": 11, "write_latency": 3},
}
"""Cycles of LiteDRAM's controller for DDR4-3200."""


def write_trace(path: Path, bursts: list[tuple[int, int, str]]) -> Path:
    columns = {name: [burst[place] for burst in bursts] for place, name in enumerate(("address", "bytes", "kind"))}
    parquet.write_table(pa.table(columns), path)
    return path


def test_bursts_become_words(tmp_path: Path) -> None:
    """A burst of a narrow port is part of a word, one across words is both."""
    trace = write_trace(tmp_path / "trace", [(128, 256, "weights"), (40, 8, "words"), (56, 16, "write")])
    accesses = recorded(trace)
    assert accesses.words.tolist() == [2, 3, 4, 5, 0, 0, 1]
    assert accesses.writes.tolist() == [False] * 5 + [True] * 2


def test_traces_that_cannot_be_replayed(tmp_path: Path) -> None:
    beyond = write_trace(tmp_path / "beyond", [(WORDS * 64, 64, "write")])
    message = f"{beyond}: expected bursts below address {32 << 20}, which LiteDRAM's DRAM holds"
    with pytest.raises(OptionError, match=f"^{re.escape(message)}$"):
        recorded(beyond)
    with pytest.raises(OptionError, match=r"missing: no trace of the memory can be read \("):
        recorded(tmp_path / "missing")


def test_order_of_address_bits() -> None:
    """Word 1 lies in another bank group of the preset, in the same row of LiteDRAM's banks."""
    alike, preset = alike_ports(DDR4_3200, LITE), preset_ports(DDR4_3200)
    places = ("dram_group_shift", "dram_bank_shift", "dram_row_shift")
    assert [preset[name] for name in places] == [6, 15, 17]
    assert [alike[name] for name in places] == [13, 15, 17]
    assert (alike["dram_rcd"], alike["dram_ccd_l"], alike["dram_clock"]) == (28, 4, 4)


def test_cycles_of_reads() -> None:
    """One after another: ACT, column, latency and burst of the first, then hits. Under way together: the data bus."""
    words, writes = np.arange(9, dtype=np.int64), np.zeros(9, np.bool_)
    alike = alike_ports(DDR4_3200, LITE)
    first, hit = 7 + 11 + 1, 11 + 1
    assert replayed(alike, words, writes, 1) == first + 8 * hit
    assert replayed(alike, words, writes, 64) == first + 8
