"""Reads and writes led to the memory port or to the memory on chip: bytes, order, what leaves on the port, errors."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth import Module, Signal
from amaranth.hdl import Cat
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from normq.model.config import AcceleratorConfig
from normq.rtl.bus.axi import LOCAL_BIT, address_layout, read_layout, request_layout, response_layout, write_layout
from normq.rtl.bus.fetch import BLOCK_BYTES, Fetcher, range_layout
from normq.rtl.bus.local import LocalMemory
from normq.rtl.bus.sides import ReadSides
from normq.rtl.bus.write import BurstWriter, write_command_layout
from normq.sim.bench.component import ReadMemory, Recording, Scenario, Source, packed, play, unpacked

PORT_BYTES = 1 << 14
LOCAL_BYTES = 1 << 12
LOCAL = 1 << LOCAL_BIT
BUFFER_BYTES = 1024
READERS = 3
FETCHER_AND_ARBITER = 2
"""Cycles from a range taken to its first address on the local side: a register in each."""
Ranges = list[list[tuple[int, int]]]
"""For each reader (address, blocks)."""


class Bus(wiring.Component):
    """Fetchers and a writer on both sides. Ranges are held back until `open`."""

    open: Signal
    ranges: Any
    beats: Any
    command: stream.Interface
    written: stream.Interface
    ar: stream.Interface
    r: stream.Interface
    aw: stream.Interface
    w: stream.Interface
    b: stream.Interface
    clear_error: Signal
    error: Signal
    idle: Signal
    returned: Signal
    from_local: Signal

    def __init__(self, port_bits: int) -> None:
        self.port_bits = port_bits
        super().__init__(
            {
                "open": In(1),
                "ranges": In(stream.Signature(range_layout())).array(READERS),
                "beats": Out(stream.Signature(port_bits)).array(READERS),
                "command": In(stream.Signature(write_command_layout())),
                "written": In(stream.Signature(port_bits)),
                "ar": Out(stream.Signature(request_layout())),
                "r": In(stream.Signature(read_layout(port_bits))),
                "aw": Out(stream.Signature(address_layout())),
                "w": Out(stream.Signature(write_layout(port_bits))),
                "b": In(stream.Signature(response_layout())),
                "clear_error": In(1),
                "error": Out(1),
                "idle": Out(1),
                "returned": Out(READERS),
                "from_local": Out(READERS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.sides = sides = ReadSides(
            READERS, AcceleratorConfig(port_bits=self.port_bits, local_bytes=LOCAL_BYTES)
        )
        m.submodules.writer = writer = BurstWriter(self.port_bits, has_local=True)
        for number in range(READERS):
            m.submodules[f"fetcher_{number}"] = fetcher = Fetcher(self.port_bits, BUFFER_BYTES)
            given, held = self.ranges[number], fetcher.ranges
            m.d.comb += [
                held.valid.eq(given.valid & self.open),
                held.payload.eq(given.payload),
                given.ready.eq(held.ready & self.open),
            ]
            wiring.connect(m, fetcher.request, sides.requests[number])
            wiring.connect(m, sides.returned[number], fetcher.returned)
            wiring.connect(m, fetcher.beats, wiring.flipped(self.beats[number]))
        wiring.connect(m, wiring.flipped(self.command), writer.command)
        wiring.connect(m, wiring.flipped(self.written), writer.beats)
        wiring.connect(m, writer.local, sides.local_write)
        for name, part in (("ar", sides), ("aw", writer), ("w", writer)):
            wiring.connect(m, getattr(part, name), wiring.flipped(getattr(self, name)))
        for name, part in (("r", sides), ("b", writer)):
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(part, name))
        m.d.comb += [
            sides.clear_error.eq(self.clear_error),
            writer.mute.eq(sides.error),
            self.error.eq(sides.error),
            self.idle.eq(writer.idle),
            self.returned.eq(Cat(channel.valid for channel in sides.returned)),
            self.from_local.eq(sides.from_local),
        ]
        return m


def fill(content: bytes, size: int) -> tuple[list[int], list[int]]:
    """Commands and beats that write `content` from the start of the local memory, a few blocks each."""
    commands: list[int] = []
    place = 0
    while place < len(content):
        blocks = min(1 + place // BLOCK_BYTES % 7, (len(content) - place) // BLOCK_BYTES)
        commands.append(packed(write_command_layout(), address=LOCAL + place, bytes=blocks * BLOCK_BYTES))
        place += blocks * BLOCK_BYTES
    return commands, [int.from_bytes(content[i : i + size], "little") for i in range(0, len(content), size)]


def random_ranges(seed: int) -> Ranges:
    """Each reader goes from side to side; the last one stays on chip."""
    rng = np.random.default_rng(seed)

    def one(is_local: bool) -> tuple[int, int]:
        space = LOCAL_BYTES if is_local else PORT_BYTES
        blocks = int(rng.choice([1, 2, 4, 5, 20]))
        return LOCAL * is_local + BLOCK_BYTES * int(rng.integers(0, space // BLOCK_BYTES - blocks + 1)), blocks

    return [[one(reader == 2 or bool(rng.integers(2))) for _ in range(14)] for reader in range(READERS)]


@pytest.mark.parametrize("port_bits", [64, pytest.param(256, marks=pytest.mark.full), 512])
def test_both_sides(port_bits: int, tmp_path: Path) -> None:
    size = port_bits // 8
    rng = np.random.default_rng(port_bits)
    port, local = rng.bytes(PORT_BYTES), rng.bytes(LOCAL_BYTES)
    path = tmp_path / "content.bin"
    path.write_bytes(port)
    commands, beats = fill(local, size)
    opened = 3 * len(beats) + 200
    runs, scenarios = [random_ranges(seed) for seed in range(4)], list[Scenario]()
    for ranges, (idle, stall) in zip(runs, product((0.0, 0.5), repeat=2), strict=True):
        sources = {
            f"ranges__{number}": Source([packed(range_layout(), address=a, blocks=n) for a, n in own], idle)
            for number, own in enumerate(ranges)
        }
        scenarios.append(
            Scenario(
                {"clear_error": [0], "open": [*[0] * opened, 1]},
                {**sources, "command": Source(commands, idle), "written": Source(beats, idle), "b": Source([])},
                {**{f"beats__{number}": stall for number in range(READERS)}, "ar": idle, "aw": 0.0, "w": 0.0},
                [ReadMemory("ar", "r", size, path, idle)],
                record=("error", "idle", "returned", "from_local"),
                until={f"beats__{n}": sum(blocks for _, blocks in own) * 64 // size for n, own in enumerate(ranges)},
            )
        )
    for found, ranges in zip(play(Bus(port_bits), "bus", scenarios, tmp_path), runs, strict=True):
        assert found.unstable == 0
        assert not any(found.record["error"])
        assert found.record["idle"][opened] == 1  # nothing waits for an answer of the local memory
        assert not found.sinks["aw"]
        assert not found.sinks["w"]
        check_reads(found, ranges, port, local, size)


def check_reads(found: Recording, ranges: Ranges, port: bytes, local: bytes, size: int) -> None:
    """Every reader's bytes in its order; on the port what is not on chip, and nothing else."""
    asked_port = 0
    for number, own in enumerate(ranges):
        parts = [
            (local, address - LOCAL, blocks * 64) if address >= LOCAL else (port, address, blocks * 64)
            for address, blocks in own
        ]
        expected = b"".join(content[start : start + length] for content, start, length in parts)
        assert b"".join(bits.to_bytes(size, "little") for bits in found.payloads(f"beats__{number}")) == expected
        came_local = sum(bits >> number & 1 for bits in found.record["from_local"])
        assert came_local * size == sum(length for content, _, length in parts if content is local)
        asked_port += sum(length for content, _, length in parts if content is port)
    bursts = [unpacked(request_layout(), bits) for bits in found.payloads("ar")]
    assert sum((burst.length + 1) * size for burst in bursts) == asked_port
    assert all(burst.address < PORT_BYTES for burst in bursts)
    # both sides at once: a beat from the port for one reader, one from the local memory for another
    sides = list(zip(found.record["returned"], found.record["from_local"], strict=True))
    assert any(here and everyone & ~here for everyone, here in sides)


def test_local_beats_leave_no_gap(tmp_path: Path) -> None:
    """One reader alone: the first beat comes `latency` cycles after the request left, then one in every cycle."""
    ranges = [[(LOCAL + 192, 30), (LOCAL, 7), (LOCAL + 640, 1), (LOCAL + 64, 40)], [], []]
    scenario = Scenario(
        {"clear_error": [0], "open": [1]},
        {
            **{f"ranges__{n}": Source([packed(range_layout(), address=a, blocks=b) for a, b in own])
               for n, own in enumerate(ranges)},
            **{name: Source([]) for name in ("command", "written", "b", "r")},
        },
        {**{f"beats__{number}": 0.0 for number in range(READERS)}, "ar": 0.0, "aw": 0.0, "w": 0.0},
        record=("from_local",),
        until={"beats__0": 78},
    )  # fmt: skip
    (found,) = play(Bus(512), "bus", [scenario], tmp_path)
    cycles = [cycle for cycle, bits in enumerate(found.record["from_local"]) if bits]
    taken = found.sources["ranges__0"][0]
    first = taken + FETCHER_AND_ARBITER + LocalMemory.latency
    assert cycles == list(range(first, first + 78))


def test_outside(tmp_path: Path) -> None:
    """A read and a write beyond the local memory: an error until it is cleared, the bytes that are there unchanged."""
    size = 64
    commands, beats = fill(bytes(range(64)) * 2, size)
    beyond = packed(write_command_layout(), address=LOCAL + LOCAL_BYTES, bytes=64)
    address = [LOCAL, LOCAL + LOCAL_BYTES, LOCAL + 64]
    reads = [packed(range_layout(), address=a, blocks=1) for a in address]

    def scenario(commands: list[int], reads: list[int]) -> Scenario:
        return Scenario(
            {"clear_error": [*[0] * 60, 1, 0], "open": [*[0] * 30, 1]},
            {
                "command": Source(commands),
                "written": Source([*beats, (1 << 512) - 1]),
                "ranges__0": Source(reads),
                **{name: Source([]) for name in ("ranges__1", "ranges__2", "b", "r")},
            },
            {**{f"beats__{number}": 0.0 for number in range(READERS)}, "ar": 0.0, "aw": 0.0, "w": 0.0},
            record=("error",),
            cycles=70,
        )

    written, read = play(
        Bus(512), "bus", [scenario([*commands, beyond], [reads[0], reads[2]]), scenario(commands, reads)], tmp_path
    )
    kept = int.from_bytes(bytes(range(64)), "little")
    assert written.payloads("beats__0") == [kept, kept]
    payloads = read.payloads("beats__0")
    assert (payloads[0], payloads[2], len(payloads)) == (kept, kept, 3)
    for found, first in ((written, 0), (read, 30)):
        shown = [cycle for cycle, bit in enumerate(found.record["error"]) if bit]
        assert first < shown[0] < first + 20
        assert shown == list(range(shown[0], 61))
