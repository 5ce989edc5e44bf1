"""What the unit is told: build, descriptor, and the list of its vectors."""

from typing import Any, NamedTuple

import numpy as np

from ....model.config import AcceleratorConfig
from ....model.formats import CODE_BYTES
from ....model.packing.matrix import ENTRY_WIDTHS
from ....rtl.bus.width import WORDS_PER_BLOCK
from ....rtl.constraint.chunk_finish import finished_per_cycle
from ....rtl.constraint.encode_control import EncodeTiming
from ....rtl.constraint.layouts import (
    CODES_PER_BLOCK,
    EDGE_BYTES,
    EDGE_WORDS,
    HEADER_BYTES,
    edge_layout,
    term_layout,
)
from ....rtl.constraint.prepare import ROW_SUMS_PER_BLOCK
from ....rtl.constraint.term_walk import pieces_per_block
from ....rtl.decoder.sparse import PER_BLOCK
from ....rtl.operation import LayoutCode, Opcode, column_record_layout
from ....rtl.shape import Shape
from ..structures import Structure

SETTINGS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("port_bytes", "pieces", "steps_per_block", "beat_words", "word_beats", "row_sum_places"),
            *("is_sums", "inputs", "words", "blocks", "vectors", "list", "list_blocks", "row_sums"),
            *("row_sum_blocks", "vector_bytes", "header_bytes", "results", "result_stride"),
            *("is_dense", "bits", "width", "per_block"),
            *("codes_latency", "drain"),
        )
    ]
)
"""`beat_words` words of W codes make a beat, or `word_beats` beats a word; the other is 1."""

DESTINATION, COUNT, OTHERS, ITEMS = range(4)
"""Columns of the table of heads [vectors, 4]; ITEMS is the row of a vector's first item."""
ADDRESS, BLOCKS, FIRST, ENTRIES = range(4)
"""Columns of the table of items [n, 4] of edge weights."""
FACTOR, SECOND, IS_SINGLE = range(3)
"""Columns of the table of items [n, 3] of edge sums."""

EDGE = Structure.of(edge_layout())
TERM = Structure.of(term_layout())
COLUMN = Structure.of(column_record_layout())
ITEM_BYTES = 16


class EdgeList(NamedTuple):
    """The list of a descriptor."""

    heads: Any
    items: Any


def settings_of(config: AcceleratorConfig, descriptor: dict[str, int]) -> Any:
    """Return the record of a build and of a descriptor."""
    shape, inputs, elements = Shape(config), descriptor["inputs"], config.elements_per_cycle
    timing = EncodeTiming(config.row_leaks)
    word_bytes = CODE_BYTES * elements
    values = {
        "port_bytes": config.port_bytes,
        "pieces": pieces_per_block(shape),
        "steps_per_block": CODES_PER_BLOCK // finished_per_cycle(shape),
        "beat_words": max(1, config.port_bytes // word_bytes),
        "word_beats": max(1, word_bytes // config.port_bytes),
        "codes_latency": timing.codes,
        "drain": timing.drain,
        "row_sum_places": ROW_SUMS_PER_BLOCK // elements,
        "is_sums": descriptor["opcode"] == Opcode.EDGE_SUMS.value,
        "inputs": inputs,
        "words": -(-inputs // elements),
        "blocks": -(-inputs // CODES_PER_BLOCK),
        "vectors": descriptor["vectors"],
        "list": descriptor["stream"],
        "list_blocks": descriptor["stream_blocks"],
        "row_sums": descriptor["nonempty"],
        "row_sum_blocks": -(-inputs // ROW_SUMS_PER_BLOCK),
        "vector_bytes": inputs * CODE_BYTES,
        "header_bytes": HEADER_BYTES,
        "results": descriptor["results"],
        "result_stride": descriptor["result_stride"],
        "is_dense": descriptor["layout"] == LayoutCode.DENSE.value,
        "bits": descriptor["index_bits"],
        "width": ENTRY_WIDTHS[descriptor["entry_width"]],
        "per_block": PER_BLOCK[descriptor["entry_width"]],
    }
    record: Any = np.zeros(1, SETTINGS)[0]
    for name, value in values.items():
        record[name] = value
    return record


def read_list(content: bytes, vectors: int, *, is_sums: bool) -> EdgeList:
    """Return the heads and items of a well-formed list."""
    heads = np.zeros((vectors, 4), np.int64)
    items: list[bytes] = []
    position = 0
    for number in range(vectors):
        head = EDGE.read(content[position : position + EDGE_BYTES])
        count = int(head["count"][0])
        heads[number] = int(head["destination"][0]), count, int(head["others"][0]), sum(map(len, items)) // ITEM_BYTES
        position += EDGE_BYTES
        items.append(content[position : position + count * ITEM_BYTES])
        position += count * ITEM_BYTES
    names = ("first", "second", "is_single") if is_sums else ("emission", "emission_blocks", "first", "count")
    fields = (TERM if is_sums else COLUMN).read(b"".join(items))
    return EdgeList(heads, np.stack([fields[name] for name in names], axis=1))


LIST_WORDS = WORDS_PER_BLOCK
HEAD_WORDS = EDGE_WORDS
