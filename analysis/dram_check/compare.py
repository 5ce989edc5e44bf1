"""Sequential, random and recorded accesses on LiteDRAM and on the DDR4 preset."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet
from rich.table import Table

from ...model.errors import OptionError
from ...sim.memory.dram import DDR4_3200
from ...sim.memory.trace import KINDS
from .lite import PORTS, ROWS, LiteDram, build_core
from .ours import WORD_BYTES, alike_ports, preset_ports, replayed

ACCESSES = 20_000
"""Some seven refreshes of a sequential run."""
OUTSTANDING = 64
"""Accesses under way: what memory.sv lets wait."""
WORDS = DDR4_3200.groups * DDR4_3200.banks * ROWS * DDR4_3200.row_bytes // WORD_BYTES
"""Of LiteDRAM's DRAM."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Accesses:
    """What is asked, in order: [accesses] numbers of 64-byte words, and which are writes."""

    name: str
    words: npt.NDArray[np.int64]
    writes: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Row:
    """Cycles of LiteDRAM's controller, four DRAM clocks each, per access."""

    name: str
    lite: float
    preset: float
    alike: float
    """The preset with LiteDRAM's rounded timings, latency and order of address bits."""


def recorded(path: Path) -> Accesses:
    """Return the bursts of a file of --trace-memory, word by word, in the order of the file.

    Raises OptionError where it is no such file, or reaches beyond LiteDRAM's DRAM.
    """
    try:
        table = parquet.read_table(path, columns=["address", "bytes", "kind"])
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise OptionError(f"{path}: no trace of the memory can be read ({str(error).splitlines()[0]})") from error
    address, size = (table[name].to_numpy().astype(np.int64) for name in ("address", "bytes"))
    first = address // WORD_BYTES
    count = (address + size - 1) // WORD_BYTES - first + 1
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    words = np.repeat(first, count) + within
    if len(words) == 0 or words.max() >= WORDS:
        raise OptionError(f"{path}: expected bursts below address {WORDS * WORD_BYTES}, which LiteDRAM's DRAM holds")
    is_write = np.array(table["kind"].to_pylist()) == KINDS[-1]
    return Accesses("recorded", words, np.repeat(is_write, count))


def patterns(seed: int = 1) -> list[Accesses]:
    """Return reads of consecutive and of random words."""
    none = np.zeros(ACCESSES, np.bool_)
    random = np.random.default_rng(seed).integers(0, WORDS, ACCESSES, np.int64)
    return [Accesses("sequential", np.arange(ACCESSES, dtype=np.int64), none), Accesses("random", random, none)]


def compare(trace: Path | None, progress: Progress) -> list[Row]:
    """Return a row for each list of accesses and each way to ask. Raises what `recorded` and `build_core` raise."""
    asked = patterns() + ([recorded(trace)] if trace else [])
    progress("building LiteDRAM's core (kept for next time)")
    core = build_core(DDR4_3200)
    rows: list[Row] = []
    for accesses in asked:
        for name, ports, outstanding in (
            ("one after another", 1, 1),
            ("one port", 1, OUTSTANDING),
            (f"{PORTS} ports", PORTS, OUTSTANDING // PORTS),
        ):
            progress(f"{accesses.name}, {name}")
            rows.append(_row(core, accesses, name, ports, outstanding))
    return rows


def _row(core: LiteDram, accesses: Accesses, name: str, ports: int, outstanding: int) -> Row:
    words, writes, count = accesses.words, accesses.writes, len(accesses.words)
    ours = (preset_ports(DDR4_3200), alike_ports(DDR4_3200, core.timings))
    preset, alike = (replayed(inputs, words, writes, ports * outstanding) / count for inputs in ours)
    return Row(f"{accesses.name}, {name}", core.cycles(words, writes, ports, outstanding) / count, preset, alike)


def table(rows: list[Row]) -> Table:
    """Return all side by side."""
    shown = Table(title="Cycles of 400 MHz an access of 64 bytes: LiteDRAM and DDR4-3200", title_justify="left")
    shown.add_column("accesses", no_wrap=True)
    for heading in ("LiteDRAM", "preset", "preset, timings and order of LiteDRAM"):
        shown.add_column(heading, justify="right")
    for row in rows:
        shown.add_row(row.name, *(f"{value:.2f}" for value in (row.lite, row.preset, row.alike)))
    return shown
