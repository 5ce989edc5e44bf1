"""The memories of a build, one entry for each that the RTL makes, in closed form.

Walking the design (analysis/utilization/memories.py) takes a second; a sweep asks ten thousand times. A test holds
both to the same list.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ...model.config import AcceleratorConfig
from ...model.formats import CODEBOOK_BITS, CONSTANT_BITS
from ...rtl.bus.axi import ADDRESS_BITS, BURST_BYTES
from ...rtl.bus.write import BURST_COUNT_BITS
from ...rtl.constraint import layouts
from ...rtl.constraint.columns import queued_column_layout
from ...rtl.constraint.layouts import CHUNK_CODES, MOST_TERMS, SPAN_BITS
from ...rtl.constraint.term_walk import piece_codes
from ...rtl.engine import OTHER_BUFFER_BYTES, STREAMED
from ...rtl.shape import ACCUMULATOR_BITS, BUFFERS, CELL_BITS, CODEBOOK_SLOTS, RESULT_BITS, SIGMA_BITS, Shape
from ...rtl.stages import READERS
from ...rtl.tables import LEAK_CODE_BITS
from ...rtl.weight_stream import queued_layout

COMMAND_BITS = queued_layout().size
COLUMN_BITS = queued_column_layout().size
TERM_BITS = layouts.kept_term_layout().size
OWNER_BITS = len(READERS).bit_length()
LEAKS_WRITTEN = 4
"""Leaks of rows, and of records, in a word of 64 bits that is written."""
QUEUE_ROWS = 7
"""A queue of eight keeps one of them in its output register."""
FLIP_FLOP_BITS = 2048
"""A memory of at most this many bits is built of flip-flops: a macro's periphery would outweigh it."""


@dataclass(frozen=True)
class Macro:
    """One memory, or several that are alike."""

    kind: str
    width: int
    """Bits of a word."""
    depth: int
    read_ports: int = 1
    count: int = 1

    @property
    def bits(self) -> int:
        """Bits of all of them, each stored once."""
        return self.count * self.width * self.depth

    @property
    def physical(self) -> int:
        """Copies with one read and one write port that give the read ports."""
        return self.count * self.read_ports


def macros_of(config: AcceleratorConfig) -> tuple[Macro, ...]:
    """Return the memories of a build; those of a lane count P times."""
    return (*lane_macros(config), *_shared(config), *_constraint(config))


def lane_macros(config: AcceleratorConfig) -> Iterator[Macro]:
    """Yield the memories of the P lanes."""
    shape, lanes, elements = Shape(config), config.lanes, config.elements_per_cycle
    rows, row_bits = shape.buffer_rows, shape.buffer_row_bits
    yield Macro("x", row_bits, rows, count=lanes)
    yield Macro("second factor", row_bits, rows, count=lanes)
    yield Macro("emission", elements * CODEBOOK_BITS, shape.words, count=lanes)
    yield Macro("z", elements * config.code.code_bits, BUFFERS * shape.words, config.entries_per_cycle, lanes)
    yield Macro("results", RESULT_BITS, shape.bank_rows, count=shape.banks * lanes)
    yield Macro("y", row_bits, rows, count=lanes)


def _shared(config: AcceleratorConfig) -> Iterator[Macro]:
    elements, hidden = config.elements_per_cycle, config.hidden_capacity
    for cell, write_bits in ((CONSTANT_BITS, 64), (SIGMA_BITS, 4 * SIGMA_BITS), (1, 64)):
        row = max(write_bits, cell * elements)
        yield Macro("tables", row, -(-hidden * cell // row), count=3 if cell == 1 else 2)
    if config.row_leaks:  # of rows by their number, for both tensors; of alpha's by record, twice
        for cells in (elements, Shape(config).banks):
            row = max(LEAKS_WRITTEN * LEAK_CODE_BITS, LEAK_CODE_BITS * cells)
            yield Macro("tables", row, -(-hidden * LEAK_CODE_BITS // row), count=2)
    codebook_rows = CODEBOOK_SLOTS * max(1, (1 << config.greatest_index_bits) // 4)
    yield Macro("tables", 4 * CODEBOOK_BITS, codebook_rows, config.entries_per_cycle + 1)
    least = 2 * BURST_BYTES // config.port_bytes
    for size, count in (
        (OTHER_BUFFER_BYTES, len(READERS) - len(STREAMED)),
        (config.stream_buffer_bytes, len(STREAMED)),
    ):
        yield Macro("fetch buffers", config.port_bits, max(size // config.port_bytes, least) - 1, count=count)
    if config.outstanding_reads > 1:
        yield Macro("queues", OWNER_BITS, config.outstanding_reads - 1)
    if config.local_bytes:
        yield Macro("queues", OWNER_BITS, 15)
        yield Macro("local memory", config.port_bits, config.local_bytes // config.port_bytes)
    yield Macro("queues", ADDRESS_BITS, QUEUE_ROWS)
    yield Macro("queues", BURST_COUNT_BITS, QUEUE_ROWS)
    yield Macro("queues", COMMAND_BITS, QUEUE_ROWS)


def _constraint(config: AcceleratorConfig) -> Iterator[Macro]:
    kind, elements = "constraint unit", config.elements_per_cycle
    codes = piece_codes(Shape(config))
    depth = CHUNK_CODES // codes
    yield Macro(kind, COLUMN_BITS, QUEUE_ROWS)
    yield Macro(kind, TERM_BITS, MOST_TERMS, 2)
    yield Macro(kind, SPAN_BITS * codes, depth, count=2)
    yield Macro(kind, ACCUMULATOR_BITS * codes, depth, count=2)
    yield Macro(kind, CELL_BITS * elements + 1, 15)
    yield Macro(kind, layouts.CELL_BITS * elements, Shape(config).words)
