"""Readers and the writer on the memory port: boundaries, room, order, strobes, under idle cycles and back-pressure."""

from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from normq.rtl.bus.arbiter import ReadArbiter
from normq.rtl.bus.axi import BURST_BYTES, address_layout, read_layout, request_layout, write_layout
from normq.rtl.bus.fetch import BLOCK_BYTES, Fetcher, range_layout
from normq.rtl.bus.write import BurstWriter, write_command_layout
from normq.sim.bench.component import ReadMemory, Recording, Scenario, Source, packed, play, unpacked

MEMORY_BYTES = 1 << 16
BUFFER_BYTES = 1024
STALLS = tuple(product((0.0, 0.5), repeat=2))


class Readers(wiring.Component):
    """Two fetchers behind an arbiter; `requests` shows what each of them asks for, as it is granted."""

    ranges: Any
    beats: Any
    ar: stream.Interface
    r: stream.Interface
    granted: Signal
    clear_error: Signal
    error: Signal

    def __init__(self, port_bits: int) -> None:
        self.fetchers = [Fetcher(port_bits, BUFFER_BYTES) for _ in range(2)]
        self.arbiter = ReadArbiter(2, port_bits, 16)
        super().__init__(
            {
                "ranges": In(stream.Signature(range_layout())).array(2),
                "beats": Out(stream.Signature(port_bits)).array(2),
                "ar": Out(stream.Signature(request_layout())),
                "r": In(stream.Signature(read_layout(port_bits))),
                "granted": Out(2),
                "clear_error": In(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.arbiter = arbiter = self.arbiter
        for number, fetcher in enumerate(self.fetchers):
            m.submodules[f"fetcher_{number}"] = fetcher
            wiring.connect(m, wiring.flipped(self.ranges[number]), fetcher.ranges)
            wiring.connect(m, fetcher.request, arbiter.requests[number])
            wiring.connect(m, arbiter.returned[number], fetcher.returned)
            wiring.connect(m, fetcher.beats, wiring.flipped(self.beats[number]))
            m.d.comb += self.granted[number].eq(fetcher.request.valid & fetcher.request.ready)
        wiring.connect(m, arbiter.ar, wiring.flipped(self.ar))
        wiring.connect(m, wiring.flipped(self.r), arbiter.r)
        m.d.comb += [arbiter.clear_error.eq(self.clear_error), self.error.eq(arbiter.error)]
        return m


def ranges_of(seed: int) -> list[list[tuple[int, int]]]:
    """(first block, blocks) for each fetcher: nothing, one block, across boundaries, more than the buffer holds."""
    rng = np.random.default_rng(seed)
    counts = [1, 0, 4, 5, 3, 70, 0, 2, 1, 16]
    return [[(int(rng.integers(0, 900)), int(count)) for count in rng.permutation(counts)] for _ in range(2)]


def read_scenario(
    ranges: list[list[tuple[int, int]]], content: Path, port_bits: int, idle: float, stall: float
) -> Scenario:
    per_block = BLOCK_BYTES * 8 // port_bits
    sources = {
        f"ranges__{number}": Source(
            [packed(range_layout(), address=64 * first + 21, blocks=count) for first, count in own], idle
        )
        for number, own in enumerate(ranges)
    }
    return Scenario(
        {"clear_error": [0]},
        sources,
        {"beats__0": stall, "beats__1": 0.0, "ar": idle},
        [ReadMemory("ar", "r", port_bits // 8, content, idle)],
        record=("granted", "error", "r__ready"),
        until={f"beats__{n}": per_block * sum(count for _, count in own) for n, own in enumerate(ranges)},
    )


def check_reads(found: Recording, ranges: list[list[tuple[int, int]]], content: bytes, port_bits: int) -> None:
    size = port_bits // 8
    requests = [unpacked(request_layout(), bits) for bits in found.payloads("ar")]
    owners = [bits for bits in found.record["granted"] if bits]
    assert found.unstable == 0
    assert set(owners) <= {1, 2}  # one grant a cycle
    assert [1 << request.user for request in requests] == owners
    for number, own in enumerate(ranges):
        asked = [request for request, owner in zip(requests, owners, strict=True) if owner == 1 << number]
        place = [(64 * first, 64 * (first + count)) for first, count in own if count]
        covered: list[tuple[int, int]] = []
        for request in asked:
            end = request.address + (request.length + 1) * size
            assert request.address // BURST_BYTES == (end - 1) // BURST_BYTES
            if covered and covered[-1][1] == request.address and covered[-1] not in place:
                covered[-1] = (covered[-1][0], end)
            else:
                covered.append((request.address, end))
        assert covered == place
        expected = b"".join(content[start:end] for start, end in place)
        assert b"".join(bits.to_bytes(size, "little") for bits in found.payloads(f"beats__{number}")) == expected
        check_room(found, number, [request.length + 1 for request in asked], BUFFER_BYTES // size)


def check_room(found: Recording, number: int, bursts: list[int], depth: int) -> None:
    """Never more beats asked for than the buffer has room for; so the port is never blocked by a reader."""
    granted = [cycle for cycle, bits in enumerate(found.record["granted"]) if bits == 1 << number]
    taken = found.cycles_of(f"beats__{number}")
    asked = 0
    for cycle, burst in zip(granted, bursts, strict=True):
        asked += burst
        assert asked - sum(1 for other in taken if other < cycle) <= depth


@pytest.mark.parametrize("port_bits", [64, pytest.param(128, marks=pytest.mark.full), 512])
def test_readers(port_bits: int, tmp_path: Path) -> None:
    content = np.random.default_rng(port_bits).bytes(MEMORY_BYTES)
    path = tmp_path / "content.bin"
    path.write_bytes(content)
    runs = [ranges_of(seed) for seed in range(len(STALLS))]
    scenarios = [read_scenario(ranges, path, port_bits, *stalls) for ranges, stalls in zip(runs, STALLS, strict=True)]
    long = [[(3, 40), (200, 40), (77, 41)], []]
    scenarios.append(read_scenario(long, path, port_bits, 0.0, 0.0))
    recordings = play(Readers(port_bits), "readers", scenarios, tmp_path)
    for found, ranges in zip(recordings, [*runs, long], strict=True):
        check_reads(found, ranges, content, port_bits)
    # one reader alone, a memory that answers at once: after the first beat one in every cycle, over all ranges
    cycles = recordings[-1].cycles_of("beats__0")
    assert cycles == list(range(cycles[0], cycles[0] + len(cycles)))


def test_a_bus_error_stays_until_cleared(tmp_path: Path) -> None:
    payload = packed(range_layout(), address=64, blocks=1)
    beat = packed(read_layout(512), data=1, last=1, error=1)
    scenario = Scenario(
        {"clear_error": [*[0] * 20, 1, 0]},
        {"ranges__0": Source([payload]), "ranges__1": Source([]), "r": Source([beat], after=("ar", 6))},
        {"beats__0": 0.0, "beats__1": 0.0, "ar": 0.0},
        record=("error",),
        cycles=25,
    )
    (found,) = play(Readers(512), "readers", [scenario], tmp_path)
    (answered,) = found.sources["r"]
    assert [cycle for cycle, bit in enumerate(found.record["error"]) if bit] == list(range(answered + 1, 21))


@pytest.mark.parametrize("port_bits", [64, pytest.param(256, marks=pytest.mark.full), 512])
def test_writer(port_bits: int, tmp_path: Path) -> None:
    """Every byte of every command, none besides, in bursts that cross no boundary, addresses before their data."""
    size = port_bits // 8
    last_bit = read_offset(port_bits)
    rng = np.random.default_rng(port_bits)
    lengths = [1, 2, size - 1, size, size + 1, 64, 65, 255, 256, 257, 700, 4 * size]
    commands = [(64 * int(block), int(length)) for block, length in zip(rng.integers(0, 900, 12), lengths, strict=True)]
    scenarios: list[Scenario] = []
    beats = sum(-(-length // size) for _, length in commands)
    data = [int.from_bytes(rng.bytes(size), "little") for _ in range(beats)]
    for idle, stall in STALLS:
        scenarios.append(
            Scenario(
                {"mute": [0], "clear_error": [0]},
                {
                    "command": Source(
                        [packed(write_command_layout(), address=a + 13, bytes=n) for a, n in commands], idle
                    ),
                    "beats": Source(data, idle),
                    "b": Source([0] * 100, idle, ("w", last_bit)),
                },
                {"aw": stall, "w": stall},
                record=("finish", "idle"),
                until={"w": beats},
            )
        )
    scenarios.append(replace(scenarios[0], inputs={"mute": [1], "clear_error": [0]}))
    recordings = play(BurstWriter(port_bits), "burst_writer", scenarios, tmp_path)
    for found in recordings[:-1]:
        check_writes(found, commands, data, port_bits)
    strobes = [unpacked(write_layout(port_bits), bits).strobe for bits in recordings[-1].payloads("w")]
    assert strobes == [0] * beats


def read_offset(port_bits: int) -> int:
    """The bit of `last` in a beat of W."""
    return write_layout(port_bits)["last"].offset


def check_writes(found: Recording, commands: list[tuple[int, int]], data: list[int], port_bits: int) -> None:
    size = port_bits // 8
    assert found.unstable == 0
    bursts = [unpacked(address_layout(), bits) for bits in found.payloads("aw")]
    beats = [unpacked(write_layout(port_bits), bits) for bits in found.payloads("w")]
    assert [beat.data for beat in beats] == data
    written: list[tuple[int, int]] = []
    remaining = iter(zip(beats, found.cycles_of("w"), strict=True))
    for burst, asked in zip(bursts, found.cycles_of("aw"), strict=True):
        end = burst.address + (burst.length + 1) * size
        assert burst.address // BURST_BYTES == (end - 1) // BURST_BYTES
        for number in range(burst.length + 1):
            beat, cycle = next(remaining)
            assert beat.last == (number == burst.length)
            assert asked < cycle
            written += [
                (burst.address + number * size + byte, beat.data >> 8 * byte & 255)
                for byte in range(size)
                if beat.strobe >> byte & 1
            ]
    expected: list[tuple[int, int]] = []
    place = 0
    for address, length in commands:
        for beat in range(-(-length // size)):
            expected += [
                (address + beat * size + byte, data[place + beat] >> 8 * byte & 255)
                for byte in range(min(size, length - beat * size))
            ]
        place += -(-length // size)
    assert written == expected
    finish = [cycle for cycle, bit in enumerate(found.record["finish"]) if bit]
    ends = [sum(-(-length // size) for _, length in commands[: k + 1]) - 1 for k in range(len(commands))]
    assert finish == [found.cycles_of("w")[end] for end in ends]
    assert all(a < b for a, b in pairwise(finish))
