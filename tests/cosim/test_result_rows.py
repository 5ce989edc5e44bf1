"""Rows of score records become the bytes of a group's results: split over beats, joined into beats, ring after ring."""

from pathlib import Path
from typing import Any

import pytest
from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from normq.model.config import AcceleratorConfig
from normq.rtl.bus.axi import address_layout, response_layout, write_layout
from normq.rtl.bus.write import BurstWriter, write_command_layout
from normq.rtl.gather_control import HEADER_SLOTS
from normq.rtl.result_rows import RowSource
from normq.rtl.shape import CELL_BITS, COUNT_BITS, Shape
from normq.sim.bench.component import Scenario, Source, packed, play, unpacked

HEADER_CELL = 0xA000


class ScoreWriter(wiring.Component):
    """Row source and writer as the engine joins them, before a result memory that holds its own addresses.

    Slot s of row r holds, for lane p, (r * banks + s) * lanes + p. A group begins with its command.
    """

    command: stream.Interface
    records: Signal
    rows_filled: Signal
    aw: stream.Interface
    w: stream.Interface
    b: stream.Interface
    header_taken: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        port_bits = shape.config.port_bits
        super().__init__(
            {
                "command": In(stream.Signature(write_command_layout())),
                "records": In(COUNT_BITS),
                "rows_filled": In(shape.bank_row_bits + 1),
                "aw": Out(stream.Signature(address_layout())),
                "w": Out(stream.Signature(write_layout(port_bits))),
                "b": In(stream.Signature(response_layout())),
                "header_taken": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shape, lanes = self.shape, self.shape.config.lanes
        m.submodules.rows = rows = RowSource(shape)
        m.submodules.writer = writer = BurstWriter(shape.config.port_bits)
        for mine, its in ((self.command, writer.command), (self.b, writer.b)):
            wiring.connect(m, wiring.flipped(mine), its)
        wiring.connect(m, writer.aw, wiring.flipped(self.aw))
        wiring.connect(m, writer.w, wiring.flipped(self.w))
        wiring.connect(m, rows.beats, writer.beats)
        row = Signal(shape.bank_row_bits)
        with m.If(rows.bank_read.enable):
            m.d.sync += row.eq(rows.bank_read.row[0])
        for lane in range(lanes):
            m.d.comb += rows.header[lane].eq(HEADER_CELL | 2 * lane)
            m.d.comb += rows.header[lane][CELL_BITS:].eq(HEADER_CELL | 2 * lane + 1)
            for slot in range(shape.banks):
                m.d.comb += rows.rows[lane][slot].eq((row * shape.banks + slot) * lanes + lane)
        m.d.comb += [
            rows.start.eq(self.command.valid & self.command.ready),
            rows.records.eq(self.records),
            rows.rows_filled.eq(self.rows_filled),
            rows.finish.eq(writer.finish),
            self.header_taken.eq(rows.header_taken),
        ]
        return m


def expected_cells(shape: Shape, records: int, first_row: int) -> list[int]:
    """The header's cells, then those of the records, from the slots behind the header's."""
    lanes, banks = shape.config.lanes, shape.banks
    header = [HEADER_CELL | cell for cell in range(2 * lanes)]
    slots = [(first_row * banks + HEADER_SLOTS + number) % (shape.bank_rows * banks) for number in range(records)]
    return header + [(slot * lanes + lane) & 0xFFFF for slot in slots for lane in range(lanes)]


CONFIGS = (
    AcceleratorConfig(1, 1, 1, 512, hidden_capacity=64),  # sixteen rows a beat
    AcceleratorConfig(4, 4, 2, 512, hidden_capacity=64),  # two
    AcceleratorConfig(8, 8, 1, 64, hidden_capacity=64),  # sixteen beats a row
)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"P{c.lanes}-{c.port_bits}")
def test_bytes_of_score_records(config: AcceleratorConfig, tmp_path: Path) -> None:
    """Three groups one after the other, for every small number of records and one that fills the ring."""
    shape = Shape(config)
    size = config.port_bytes
    last_bit = write_layout(8 * size)["last"].offset
    counts = [*range(2 * shape.banks + 1), 41, shape.bank_rows * shape.banks - HEADER_SLOTS]
    scenarios: list[Scenario] = []
    for count in counts:
        length = (HEADER_SLOTS + count) * config.record_bytes
        command = packed(write_command_layout(), address=0, bytes=length)
        beats = -(-length // size)
        stall = (count % 3) / 4
        scenarios.append(
            Scenario(
                {"records": [count], "rows_filled": [1]},
                {
                    "command": Source([command] * 3),
                    "b": Source([0] * 1000, 0.0, ("w", last_bit)),
                },
                {"aw": stall / 2, "w": stall},
                record=("header_taken",),
                until={"w": 3 * beats},
            )
        )
    for count, found in zip(counts, play(ScoreWriter(shape), "score_writer", scenarios, tmp_path), strict=True):
        rows = -(-(HEADER_SLOTS + count) // shape.banks)
        cells = [cell for group in range(3) for cell in expected_cells(shape, count, group * rows % shape.bank_rows)]
        beats = [unpacked(write_layout(8 * size), bits) for bits in found.payloads("w")]
        content = b"".join(
            bytes(beat.data >> 8 * byte & 255 for byte in range(size) if beat.strobe >> byte & 1) for beat in beats
        )
        assert content == b"".join(cell.to_bytes(2, "little") for cell in cells), count
        assert found.unstable == 0
        assert sum(found.record["header_taken"]) == 3
