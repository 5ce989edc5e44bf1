"""What a chain of descriptors says, read from memory into the tables of a run."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...model.config import AcceleratorConfig
from ...model.jit import kernel
from ...model.packing.matrix import BLOCK_BYTES
from ...rtl.operation import RECORD_BYTES, Opcode
from ..memory.map import MemoryMap
from .cycle import Inputs
from .settings import SETTINGS, settings_of
from .structures import COLUMN, DESCRIPTOR, RECORD

ALONE = tuple(
    opcode.value
    for opcode in (Opcode.LOAD_CODEBOOK, Opcode.LOAD_ROWS, Opcode.COPY, Opcode.EDGE_WEIGHTS, Opcode.EDGE_SUMS)
)
"""What runs with the engine at rest, without stages."""
OPERATIONS = (Opcode.FORWARD.value, Opcode.BACKWARD.value, Opcode.SCORES.value)
COLUMN_FIELDS = ("emission", "emission_blocks", "first", "count")
"""In the order that emission_load.py names."""

Table = npt.NDArray[np.int64]


def read_program(config: AcceleratorConfig, memory: MemoryMap, descriptors: tuple[int, ...]) -> Inputs:
    """Return the tables of a chain of well-formed descriptors. Raises KeyError where memory holds no
    such thing, ValueError for a descriptor of no known opcode."""
    program = _Program(config, memory)
    for address in descriptors:
        program.add(address)
    return program.inputs()


@dataclass
class _Program:
    config: AcceleratorConfig
    memory: MemoryMap
    descriptors: list[Any] = field(default_factory=list[Any])
    operations: list[Any] = field(default_factory=list[Any])
    records: list[dict[str, Table]] = field(default_factory=list[dict[str, Table]])
    lists: list[Table] = field(default_factory=list[Table])
    flags: list[npt.NDArray[np.uint8]] = field(default_factory=list[npt.NDArray[np.uint8]])
    vectors: int = 0
    listed: int = 0
    flag_places: dict[int, int] = field(default_factory=dict[int, int])
    """Where the flags of the stream at an address begin: streams are read again and again."""

    def add(self, address: int) -> None:
        """Read one more descriptor."""
        fields = {name: int(row[0]) for name, row in DESCRIPTOR.read(self.memory.constant(address)).items()}
        settings = settings_of(self.config, address, fields)
        self.descriptors.append(settings)
        if fields["opcode"] in ALONE:
            return
        if fields["opcode"] not in OPERATIONS:
            raise ValueError(f"descriptor {address:#x}: the timing model knows no opcode {fields['opcode']}")
        self.operations.append(settings)
        content = self.memory.constant(fields["vector_records"])[: fields["vectors"] * RECORD_BYTES]
        self.records.append(RECORD.read(content))
        settings["first_vector"], settings["first_column"] = self.vectors, self.listed
        self.vectors += fields["vectors"]
        if settings["is_listed"]:
            self._add_list(fields)
        elif settings["is_score"] and not settings["is_dense"]:
            settings["first_flag"] = self._flags(settings)

    def inputs(self) -> Inputs:
        """Return the tables of what was added."""
        none = np.zeros((0, len(COLUMN_FIELDS)), np.int64)
        columns = [_columns(records) for records in self.records]
        return Inputs(
            descriptors=_settings(self.descriptors),
            operations=_settings(self.operations),
            sources=np.concatenate([np.zeros(0, np.int64), *(records["source"] for records in self.records)]),
            destinations=np.concatenate([np.zeros(0, np.int64), *(records["destination"] for records in self.records)]),
            columns=np.concatenate([none, *columns]),
            listed=np.concatenate([none, *self.lists]),
            flags=np.concatenate([np.zeros(0, np.uint8), *self.flags]),
        )

    def _add_list(self, fields: dict[str, int]) -> None:
        content = self.memory.constant(fields["stream"]) if fields["entries"] else b""
        self.lists.append(_columns(COLUMN.read(content)))
        self.listed += fields["entries"]

    def _flags(self, settings: Any) -> int:
        stream = int(settings["stream"])
        if stream not in self.flag_places:
            content = np.frombuffer(self.memory.constant(stream), np.uint8)
            self.flag_places[stream] = sum(flags.size for flags in self.flags)
            width, per_block = int(settings["width"]), int(settings["per_block"])
            self.flags.append(last_flags(content, int(settings["entries"]), width, per_block))
        return self.flag_places[stream]


@kernel
def last_flags(data: Any, entries: int, width: int, per_block: int) -> Any:
    """Return whether each entry of a sparse stream ends its output, uint8 [entries]: the highest bit of each."""
    flags = np.empty(entries, np.uint8)
    for entry in range(entries):
        block, place = divmod(entry, per_block)
        bit = (place + 1) * width - 1
        flags[entry] = (data[block * BLOCK_BYTES + bit // 8] >> (bit % 8)) & 1
    return flags


def _columns(records: dict[str, Table]) -> Table:
    return np.stack([records[name] for name in COLUMN_FIELDS], axis=1)


def _settings(rows: list[Any]) -> Table:
    """Return [n, words of SETTINGS]."""
    return (
        np.array(rows, SETTINGS).reshape(-1, 1).view(np.int64)
        if rows
        else np.zeros((0, SETTINGS.itemsize // 8), np.int64)
    )
