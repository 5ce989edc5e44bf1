"""What the units are told and do not change: build parameters, delays of the RTL, and the descriptor."""

from typing import Any

import numpy as np

from ...model.config import AcceleratorConfig
from ...model.packing.matrix import ENTRY_WIDTHS
from ...rtl.decoder.sparse import PER_BLOCK
from ...rtl.gather_control import GatherControl
from ...rtl.leak import LeakUnit
from ...rtl.operation import LayoutCode, Opcode, descriptor_layout
from ...rtl.passes import ElementPasses
from ...rtl.shape import BUFFERS, Shape
from ...rtl.vector_load import CODES_PER_BLOCK, CODES_PER_CHUNK

SETTINGS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("slots", "lanes", "elements", "port_bytes", "banks", "capacity", "header_bytes", "record_bytes"),
            *("input_words", "output_words", "vector_blocks", "chunk_words"),
            *("drain", "leak_latency", "gather_delay"),
            *(
                "descriptor",
                "opcode",
                "is_dense",
                "is_forward",
                "is_backward",
                "is_score",
                "bits",
                "width",
                "per_block",
            ),
            *("inputs", "outputs", "vectors", "groups", "records", "entries", "has_entries", "stream_blocks"),
            *("stream", "nonempty", "vector_records", "results", "result_stride"),
            *("has_second", "is_listed", "follows", "keeps_first", "has_row_leaks"),
            *("first_vector", "first_column", "first_flag"),
        )
    ]
)
COPIED = (
    *("opcode", "inputs", "outputs", "vectors", "records", "entries", "stream_blocks"),
    *("stream", "nonempty", "vector_records", "results", "result_stride"),
)
"""Fields that are those of the descriptor."""
SECOND, LISTED, FOLLOWS, KEEPS_FIRST, _, ROW_LEAKS = (1 << bit for bit in range(6))
"""rtl.operation.option_layout."""


def no_settings(config: AcceleratorConfig) -> Any:
    """Return the record of a build before the first descriptor."""
    return settings_of(config, 0, dict.fromkeys((str(name) for name, _ in descriptor_layout()), 0))


def settings_of(config: AcceleratorConfig, address: int, descriptor: dict[str, int]) -> Any:
    """Return the record of a build and of the descriptor at `address`, its fields as `operation.descriptor_layout`.

    Places in the tables of a run (`first_vector`, `first_column`, `first_flag`) are left 0.
    """
    shape = Shape(config)
    record: Any = np.zeros(1, SETTINGS)[0]
    values: dict[str, int] = {
        "slots": config.entries_per_cycle,
        "lanes": config.lanes,
        "elements": config.elements_per_cycle,
        "port_bytes": config.port_bytes,
        "banks": shape.banks,
        "capacity": BUFFERS * config.hidden_capacity,
        "header_bytes": 4 * config.lanes,
        "record_bytes": config.record_bytes,
        "input_words": -(-descriptor["inputs"] // config.elements_per_cycle),
        "output_words": -(-descriptor["outputs"] // config.elements_per_cycle),
        "vector_blocks": -(-descriptor["inputs"] // CODES_PER_BLOCK),
        "chunk_words": CODES_PER_CHUNK // config.elements_per_cycle,
        "drain": ElementPasses.drain,
        "leak_latency": LeakUnit.latency,
        "gather_delay": GatherControl.latency - 1,
        "descriptor": address,
        "is_dense": descriptor["layout"] == LayoutCode.DENSE.value,
        "is_forward": descriptor["opcode"] == Opcode.FORWARD.value,
        "is_backward": descriptor["opcode"] == Opcode.BACKWARD.value,
        "is_score": descriptor["opcode"] == Opcode.SCORES.value,
        "bits": descriptor["index_bits"],
        "width": ENTRY_WIDTHS[descriptor["entry_width"]],
        "per_block": PER_BLOCK[descriptor["entry_width"]],
        "groups": -(-descriptor["vectors"] // config.lanes),
        **{name: descriptor[name] for name in COPIED},
    }
    for name, mask in (
        ("has_second", SECOND),
        ("is_listed", LISTED),
        ("follows", FOLLOWS),
        ("keeps_first", KEEPS_FIRST),
        ("has_row_leaks", ROW_LEAKS),
    ):
        values[name] = bool(descriptor["options"] & mask)
    values["has_entries"] = bool((values["is_dense"] and not values["is_listed"]) or values["entries"])
    for name, value in values.items():
        record[name] = value
    return record
