"""What stays on chip between operations: row constants, codebooks, and the map of non-empty outputs."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat
from amaranth.lib import data, enum, memory, wiring
from amaranth.lib.wiring import In, Out

from ..model.formats import CODEBOOK_BITS, CONSTANT_BITS, ceil_log2
from .buffer import WidthBuffer
from .shape import CODEBOOK_SLOTS, SIGMA_BITS, Shape

TABLE_WORD_BITS = 64
LEVELS_PER_WORD = TABLE_WORD_BITS // CONSTANT_BITS


class Table(enum.Enum, shape=3):
    """Where a 64-bit word of a table goes."""

    RHO = 0
    SIGMA = 1
    ZERO_ROWS = 2
    NONEMPTY = 3
    CODEBOOK = 4
    LEAKS = 5
    """Pairs of leak codes: of the row, and of the row of the record of that number (alpha)."""


LEAK_CODE_BITS = 8
"""Bits of a row's leak (model.formats.RowLeakCode)."""

TENSORS = 2
"""alpha (0) and beta (1) have row constants."""


def row_layout(shape: Shape) -> data.StructLayout:
    """Constants of W consecutive rows of one tensor."""
    elements = shape.config.elements_per_cycle
    leaks = {"leak": data.ArrayLayout(LEAK_CODE_BITS, elements)} if shape.config.row_leaks else {}
    return data.StructLayout(
        {
            "rho": data.ArrayLayout(CONSTANT_BITS, elements),
            "sigma": data.ArrayLayout(SIGMA_BITS, elements),
            "zero": elements,
            **leaks,
        }
    )


def rank_layout(shape: Shape) -> data.ArrayLayout:
    """Leak codes of the rows of consecutive records: all that end in a cycle, wherever among these they begin."""
    return data.ArrayLayout(LEAK_CODE_BITS, 2 * shape.banks)


class RowTables(wiring.Component):
    """Row constants of both tensors and the map of non-empty outputs, written by 64-bit words, read by words of W.

    Where rows have leaks of their own also those of alpha's rows by record: `rank_row` names a row of as many as the
    result memory has banks, it and the next are shown. Latency of all reads: one cycle.
    """

    latency = 1

    write: Signal
    table: Signal
    tensor: Signal
    address: Signal
    value: Signal
    row_read: Signal
    row_word: Signal
    rows: data.View
    map_read: Signal
    map_word: Signal
    nonempty: Signal
    rank_read: Signal
    rank_row: Signal
    rank_leaks: data.View

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.rank_rows = shape.config.hidden_capacity // shape.banks
        ranks = {
            "rank_read": In(1),
            "rank_row": In(ceil_log2(self.rank_rows)),
            "rank_leaks": Out(rank_layout(shape)),
        }
        super().__init__(
            {
                **(ranks if shape.config.row_leaks else {}),
                "write": In(1),
                "table": In(Table),
                "tensor": In(1),
                "address": In(ceil_log2(shape.config.hidden_capacity // LEVELS_PER_WORD)),
                "value": In(TABLE_WORD_BITS),
                "row_read": In(1),
                "row_word": In(shape.word_bits),
                "rows": Out(data.ArrayLayout(row_layout(shape), TENSORS)),
                "map_read": In(1),
                "map_word": In(shape.word_bits),
                "nonempty": Out(shape.config.elements_per_cycle),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        elements = self.shape.config.elements_per_cycle
        sigmas = Cat(self.value.word_select(level, CONSTANT_BITS)[:SIGMA_BITS] for level in range(LEVELS_PER_WORD))
        for tensor in range(TENSORS):
            rows = self.rows[tensor]
            is_tensor = self.tensor == tensor
            for table, cell, words, out in (
                (Table.RHO, CONSTANT_BITS, self.value, Cat(rows.rho)),
                (Table.SIGMA, SIGMA_BITS, sigmas, Cat(rows.sigma)),
                (Table.ZERO_ROWS, 1, self.value, rows.zero),
            ):
                cells = self._cells(m, f"{table.name.lower()}_{tensor}", cell, words)
                m.d.comb += [
                    cells.write.eq(self.write & (self.table == table) & is_tensor),
                    cells.read.eq(self.row_read),
                    cells.read_address.eq(self.row_word),
                    out.eq(cells.read_data[: cell * elements]),
                ]
        if self.shape.config.row_leaks:
            self._leaks(m)
        cells = self._cells(m, "nonempty", 1, self.value)
        m.d.comb += [
            cells.write.eq(self.write & (self.table == Table.NONEMPTY)),
            cells.read.eq(self.map_read),
            cells.read_address.eq(self.map_word),
            self.nonempty.eq(cells.read_data),
        ]
        return m

    def _leaks(self, m: Module) -> None:
        codes = [self.value.word_select(number, LEAK_CODE_BITS) for number in range(TABLE_WORD_BITS // LEAK_CODE_BITS)]
        of_rows, of_records = Cat(codes[0::2]), Cat(codes[1::2])
        write = self.write & (self.table == Table.LEAKS)
        for tensor in range(TENSORS):
            cells = self._cells(m, f"leaks_{tensor}", LEAK_CODE_BITS, of_rows)
            m.d.comb += [
                cells.write.eq(write & (self.tensor == tensor)),
                cells.read.eq(self.row_read),
                cells.read_address.eq(self.row_word),
                Cat(self.rows[tensor].leak).eq(cells.read_data),
            ]
        banks = self.shape.banks
        shown: list[Any] = []
        for number in range(2):
            ranks = WidthBuffer(self.rank_rows * banks * LEAK_CODE_BITS, len(of_records), banks * LEAK_CODE_BITS)
            m.submodules[f"ranks_{number}"] = ranks
            m.d.comb += [
                ranks.write.eq(write & (self.tensor == 0)),
                ranks.write_address.eq(self.address),
                ranks.write_data.eq(of_records),
                ranks.read.eq(self.rank_read),
                ranks.read_address.eq(self.rank_row + number),
            ]
            shown.append(ranks.read_data)
        m.d.comb += self.rank_leaks.as_value().eq(Cat(shown))

    def _cells(self, m: Module, name: str, cell_bits: int, words: Any) -> WidthBuffer:
        elements = self.shape.config.elements_per_cycle
        bits = self.shape.config.hidden_capacity * cell_bits
        cells = WidthBuffer(bits, len(words), cell_bits * elements)
        m.submodules[name] = cells
        m.d.comb += [cells.write_address.eq(self.address), cells.write_data.eq(words)]
        return cells


class Codebooks(wiring.Component):
    """CODEBOOK_SLOTS codebooks of 256 levels of 12 bits; `ports` lookups a cycle, latency one cycle.

    Written by 64-bit words of four 16-bit levels. A lookup address is {slot, index}.
    """

    latency = 1

    write: Signal
    slot: Signal
    address: Signal
    value: Signal
    read: Signal
    indices: data.View
    levels: data.View

    def __init__(self, greatest_index_bits: int, ports: int) -> None:
        self.ports = ports
        self.words = max(1, (1 << greatest_index_bits) // LEVELS_PER_WORD)
        slot_bits = ceil_log2(CODEBOOK_SLOTS)
        super().__init__(
            {
                "write": In(1),
                "slot": In(slot_bits),
                "address": In(ceil_log2(self.words)),
                "value": In(TABLE_WORD_BITS),
                "read": In(1),
                "indices": In(
                    data.ArrayLayout(data.StructLayout({"index": greatest_index_bits, "slot": slot_bits}), ports)
                ),
                "levels": Out(data.ArrayLayout(CODEBOOK_BITS, ports)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.cells = cells = memory.Memory(
            shape=LEVELS_PER_WORD * CODEBOOK_BITS, depth=CODEBOOK_SLOTS * self.words, init=[]
        )
        write = cells.write_port()
        levels = Cat(self.value.word_select(level, CONSTANT_BITS)[:CODEBOOK_BITS] for level in range(LEVELS_PER_WORD))
        m.d.comb += [
            write.addr.eq(Cat(self.address, self.slot)),
            write.data.eq(levels),
            write.en.eq(self.write),
        ]
        part_bits = ceil_log2(LEVELS_PER_WORD)
        for port in range(self.ports):
            read = cells.read_port()
            index = self.indices[port].index
            part = Signal(part_bits, name=f"part_{port}")
            m.d.comb += [
                read.addr.eq(Cat(index[part_bits:], self.indices[port].slot)),
                read.en.eq(self.read),
                self.levels[port].eq(read.data.word_select(part, CODEBOOK_BITS)),
            ]
            with m.If(self.read):
                m.d.sync += part.eq(index[:part_bits])
        return m
