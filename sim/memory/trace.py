"""Every burst on the memory port: the log that memory.sv writes, its columns, and the file for other tools.

The columnar file is Parquet; column `cycle` counts from the reset, `address` and `bytes` are those of the burst in
whole beats, `kind` is one of KINDS, and `channel` that of the DRAM, 0 without one.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet

from ...rtl.counters import COUNTERS
from ...rtl.stages import COPY_READER, READERS
from .dram import Dram

KINDS = (*READERS, "write")
"""Who asked: a reader of the engine (`words`: descriptors, tables and records), or its writer."""
KIND_COUNTERS = {
    "words": ("read.descriptors", "read.tables", "read.records"),
    **{reader: (f"read.{reader}",) for reader in READERS if reader != "words"},
    COPY_READER: (f"read.{COPY_READER}", "read.copies"),
    "write": tuple(counter.name for counter in COUNTERS if counter.name.startswith("write.")),
}
"""The counters of rtl.counters whose sum is the bytes of a kind."""

WRITE_FLAG = 128
RECORD = np.dtype([("cycle", "<u8"), ("place", "<u8")])
"""`place`: 40 bits of address, 8 of kind, 16 of bytes."""


class Trace:
    """Bursts in the order in which the memory took their addresses; arrays of one length."""

    cycle: npt.NDArray[np.int64]
    address: npt.NDArray[np.int64]
    bytes: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int8]
    """Place in KINDS."""

    def __init__(self, log: Path) -> None:
        """Read a log of memory.sv; raises ValueError when it ends within a record."""
        size = log.stat().st_size
        if size % RECORD.itemsize:
            raise ValueError(f"{log}: {size} bytes, expected a multiple of {RECORD.itemsize}")
        records = np.fromfile(log, RECORD)
        place = records["place"]
        kind = (place >> np.uint64(40) & np.uint64(255)).astype(np.int64)
        self.cycle = records["cycle"].astype(np.int64)
        self.address = (place & np.uint64((1 << 40) - 1)).astype(np.int64)
        self.bytes = (place >> np.uint64(48)).astype(np.int64)
        self.kind = np.where(kind & WRITE_FLAG, KINDS.index("write"), kind).astype(np.int8)

    def bytes_by_kind(self) -> dict[str, int]:
        """Return the sum of bytes of each of KINDS."""
        return {name: int(self.bytes[self.kind == number].sum()) for number, name in enumerate(KINDS)}

    def write(self, path: Path, dram: Dram | None = None) -> None:
        """Write the columns as Parquet."""
        channel = np.zeros_like(self.address) if dram is None else dram.channels_of(self.address)
        table = pa.table(
            {
                "cycle": self.cycle,
                "channel": channel.astype(np.int16),
                "address": self.address,
                "bytes": self.bytes.astype(np.int32),
                "kind": pa.DictionaryArray.from_arrays(pa.array(self.kind), pa.array(KINDS)),
            }
        )
        draft = path.with_name(path.name + ".part")
        parquet.write_table(table, draft)
        draft.replace(path)


def counted_by_kind(counters: Mapping[str, int]) -> dict[str, int]:
    """Return the bytes of each of KINDS as the engine's counters have them."""
    return {kind: sum(counters[name] for name in names) for kind, names in KIND_COUNTERS.items()}
