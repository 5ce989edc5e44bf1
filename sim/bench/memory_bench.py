"""cocotb bench of the memory itself: a manager that drives every channel by hand and records when things happen."""

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

from ..memory.dram import PORTS as DRAM_PORTS
from ..memory.image import poison, read_dump

CHANNELS = ("ar", "r", "aw", "w", "b")
MANAGED = ("ar_valid", "r_ready", "aw_valid", "w_valid", "b_ready")
PAYLOADS = ("ar_address", "ar_length", "ar_user", "aw_address", "aw_length", "w_data", "w_strobe", "w_last")
SETTINGS = (
    "restart",
    "latency",
    "write_latency",
    "gap",
    "stall_seed",
    "load",
    "dump",
    *(f"{c}_stall" for c in CHANNELS),
    *DRAM_PORTS,
)


class Manager:
    """Drives the ports at falling edges, so that a rising edge takes what both sides then show."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.bytes = int(os.environ["DATA_BITS"]) // 8
        self.depth = int(os.environ["DEPTH"])
        self.cycle = 0
        self.unstable = 0

    async def start(self, **settings: int) -> None:
        """Start the clock and the observers, and reset with `settings`, the others 0."""
        self.dut.rst.value = 1
        Clock(self.dut.clk, 10, unit="ns").start()
        cocotb.start_soon(self._count())
        cocotb.start_soon(self._watch())
        await FallingEdge(self.dut.clk)
        await self.reset(**settings)

    async def reset(self, **settings: int) -> None:
        """Reset with `settings`, the others 0; return in the first cycle in which the memory is ready."""
        for name in (*MANAGED, *PAYLOADS, *SETTINGS):
            getattr(self.dut, name).value = settings.get(name, 0)
        self.dut.rst.value = 1
        for _ in range(2):
            await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0
        await FallingEdge(self.dut.clk)

    async def _count(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            self.cycle += 1

    async def _watch(self) -> None:
        """Count offers of the memory that changed before they were taken."""
        held: dict[str, tuple[int, ...]] = {}
        while True:
            await FallingEdge(self.dut.clk)
            await ReadOnly()
            for channel, names in (("r", ("r_data", "r_last", "r_error")), ("b", ("b_error",))):
                payload = tuple(int(getattr(self.dut, name).value) for name in names)
                valid = int(getattr(self.dut, f"{channel}_valid").value)
                if channel in held and (not valid or payload != held[channel]):
                    self.unstable += 1
                held.pop(channel, None)
                if valid and not int(getattr(self.dut, f"{channel}_ready").value):
                    held[channel] = payload

    async def send(self, channel: str, **payload: int) -> int:
        """Offer one transfer until it is taken; return the cycle in which it was."""
        for name, value in payload.items():
            getattr(self.dut, f"{channel}_{name}").value = value
        getattr(self.dut, f"{channel}_valid").value = 1
        await ReadOnly()
        while not int(getattr(self.dut, f"{channel}_ready").value):
            await FallingEdge(self.dut.clk)
            await ReadOnly()
        taken = self.cycle
        await FallingEdge(self.dut.clk)
        getattr(self.dut, f"{channel}_valid").value = 0
        return taken

    async def receive(self, channel: str, rng: random.Random | None = None) -> tuple[int, int]:
        """Take one transfer, not ready now and then if `rng` is given; return its cycle and r_data or b_error."""
        ready = getattr(self.dut, f"{channel}_ready")
        while True:
            ready.value = int(rng is None or rng.random() < 0.5)
            await ReadOnly()
            taken = int(ready.value) and int(getattr(self.dut, f"{channel}_valid").value)
            cycle = self.cycle
            value = int((self.dut.r_data if channel == "r" else self.dut.b_error).value) if taken else 0
            await FallingEdge(self.dut.clk)
            if taken:
                ready.value = 0
                return cycle, value

    async def read(self, address: int, beats: int, rng: random.Random | None = None) -> tuple[int, list[int], bytes]:
        """Return the cycle of the request, those of the beats, and the bytes read."""
        asked = await self.send("ar", address=address, length=beats - 1)
        taken = [await self.receive("r", rng) for _ in range(beats)]
        return asked, [cycle for cycle, _ in taken], b"".join(v.to_bytes(self.bytes, "little") for _, v in taken)

    async def write_data(self, content: bytes, strobes: Sequence[int] | None = None) -> int:
        """Send `content` as one burst's beats; return the last beat's cycle."""
        count, taken = len(content) // self.bytes, 0
        for beat in range(count):
            data = int.from_bytes(content[beat * self.bytes : (beat + 1) * self.bytes], "little")
            strobe = (1 << self.bytes) - 1 if strobes is None else strobes[beat]
            taken = await self.send("w", data=data, strobe=strobe, last=int(beat == count - 1))
        return taken

    async def write(self, address: int, content: bytes, rng: random.Random | None = None) -> tuple[int, int, int]:
        """Write one burst; return the cycles of the last beat and of the response, and its error flag."""
        await self.send("aw", address=address, length=len(content) // self.bytes - 1)
        last = await self.write_data(content)
        answered, error = await self.receive("b", rng)
        return last, answered, error

    async def dump(self) -> None:
        """Let the memory write its dump."""
        self.dut.dump.value = 1
        await FallingEdge(self.dut.clk)
        await FallingEdge(self.dut.clk)
        self.dut.dump.value = 0

    def check(self, violations: int = 0) -> None:
        """The memory kept its offers, and blames the manager `violations` times."""
        assert self.unstable == 0
        assert int(self.dut.violations.value) == violations


def _stalls(probability: int) -> dict[str, int]:
    return {f"{channel}_stall": probability for channel in CHANNELS}


def _image() -> bytes:
    return Path(os.environ["IMAGE"]).read_bytes()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def first_beat_after_latency(dut: Any) -> None:
    """Beat 0 comes exactly `latency` cycles after the request, the others `gap` + 1 apart."""
    manager = Manager(dut)
    await manager.start()
    for latency, gap in ((0, 0), (1, 0), (2, 0), (37, 0), (5, 3)):
        await manager.reset(latency=latency, gap=gap)
        asked, cycles, content = await manager.read(2 * manager.bytes, 8)
        assert cycles == [asked + max(latency, 1) + beat * (gap + 1) for beat in range(8)]
        assert content == _image()[2 * manager.bytes : 10 * manager.bytes]
        assert int(dut.beats_read.value) == 8
        manager.check()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def reads_are_pipelined(dut: Any) -> None:
    """Sixteen requests in sixteen cycles; after the latency of the first, a beat each cycle without a bubble."""
    manager = Manager(dut)
    await manager.start(latency=40)

    async def ask() -> list[int]:
        return [await manager.send("ar", address=4 * burst * manager.bytes, length=3) for burst in range(16)]

    asking = cocotb.start_soon(ask())
    taken = [await manager.receive("r") for _ in range(64)]
    asked = await asking
    assert asked == list(range(asked[0], asked[0] + 16))
    assert [cycle for cycle, _ in taken] == list(range(asked[0] + 40, asked[0] + 104))
    assert b"".join(value.to_bytes(manager.bytes, "little") for _, value in taken) == _image()[: 64 * manager.bytes]
    manager.check()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def response_after_write_latency(dut: Any) -> None:
    """The response comes exactly `write_latency` cycles after the last beat; data ahead of its address waits."""
    manager = Manager(dut)
    await manager.start()
    for latency in (0, 1, 9):
        await manager.reset(write_latency=latency)
        last, answered, error = await manager.write(64 * manager.bytes, bytes(range(4 * manager.bytes)))
        assert (answered, error) == (last + max(latency, 1), 0)
        await manager.write_data(bytes(2 * manager.bytes))
        asked = await manager.send("aw", address=64 * manager.bytes, length=1)
        answered, error = await manager.receive("b")
        assert (answered, error) == (asked + 1 + max(latency, 1), 0)  # one beat enters the memory each cycle
        _, _, content = await manager.read(64 * manager.bytes, 4)
        assert content == bytes(2 * manager.bytes) + bytes(range(2 * manager.bytes, 4 * manager.bytes))
        assert int(dut.beats_written.value) == 6
        manager.check()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def stalls_lose_nothing(dut: Any) -> None:
    """Random idle and back-pressure on both sides: same bytes, offers stable, same seed gives the same cycles."""
    runs: list[int] = []
    manager = Manager(dut)
    await manager.start()
    for seed in (1, 1, 2):
        rng, begin = random.Random(7), manager.cycle
        await manager.reset(latency=3, write_latency=2, stall_seed=seed, **_stalls(100))
        base = manager.depth // 2 * manager.bytes
        for burst in range(6):
            beats = (1, 7, 16)[burst % 3]
            content = rng.randbytes(beats * manager.bytes)
            assert (await manager.write(base, content, rng))[2] == 0
            assert (await manager.read(base, beats, rng))[2] == content
        runs.append(manager.cycle - begin)
        manager.check()
    assert runs[0] == runs[1] != runs[2]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def stall_probability_is_kept(dut: Any) -> None:
    """With 64 of 256 a quarter of the cycles is idle, within five standard deviations."""
    manager = Manager(dut)
    await manager.start(r_stall=64, stall_seed=3)

    async def ask() -> None:
        for _ in range(8):
            await manager.send("ar", address=0, length=63)

    cocotb.start_soon(ask())
    cycles = [(await manager.receive("r"))[0] for _ in range(512)]
    # the 511 waits after the first beat are geometric: mean 1/3 idle cycle each, variance (1/4) / (3/4)**2 = 4/9
    idle = cycles[-1] - cycles[0] - 511
    assert abs(idle - 511 / 3) <= 5 * (511 * 4 / 9) ** 0.5
    manager.check()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def errors_are_answered(dut: Any) -> None:
    """Out of range, misaligned, across 4096 bytes, wrong w_last: an error, nothing written, reads are poison."""
    manager = Manager(dut)
    await manager.start()
    end = manager.depth * manager.bytes
    dut.r_ready.value = 1
    for address, length, faults in ((end, 0, 0), (1, 0, 1), (4096 - manager.bytes, 1, 2), (1 << 39, 0, 2)):
        await manager.send("ar", address=address, length=length)
        await ReadOnly()
        assert int(dut.r_valid.value) == 1
        assert int(dut.r_error.value) == 1
        assert int(dut.r_data.value).to_bytes(manager.bytes, "little") == poison(manager.bytes)
        for _ in range(3):
            await FallingEdge(dut.clk)
        manager.check(faults)
    dut.r_ready.value = 0
    assert (await manager.write(end, bytes(manager.bytes)))[2] == 1
    assert (await manager.write(4096 - manager.bytes, bytes(2 * manager.bytes)))[2] == 1
    await manager.send("aw", address=end - manager.bytes, length=0)
    await manager.send("w", data=0, strobe=0, last=0)
    assert (await manager.receive("b"))[1] == 1
    manager.check(4)
    assert (await manager.read(4096 - manager.bytes, 1))[2] == (_image() + poison(4096))[4096 - manager.bytes : 4096]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def manager_faults_are_counted(dut: Any) -> None:
    """A request taken back, and data changed before it was taken, count as violations."""
    manager = Manager(dut)
    await manager.start(ar_stall=255, w_stall=255, stall_seed=5)
    await FallingEdge(dut.clk)
    dut.ar_valid.value = 1
    dut.w_valid.value = 1
    await FallingEdge(dut.clk)
    dut.ar_valid.value = 0
    dut.w_data.value = 1
    await FallingEdge(dut.clk)
    dut.w_valid.value = 1
    await FallingEdge(dut.clk)
    manager.check(2)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def dump_holds_image_writes_and_poison(dut: Any) -> None:
    """Image at 0, poison beyond, strobes obeyed byte by byte, load starts anew."""
    manager = Manager(dut)
    await manager.start()
    dut.load.value = 1
    await FallingEdge(dut.clk)
    dut.load.value = 0
    await FallingEdge(dut.clk)
    dump, base = Path(os.environ["DUMP"]), manager.depth // 2 * manager.bytes
    await manager.dump()
    image, size = _image(), manager.depth * manager.bytes
    assert dump.read_bytes() == image + poison(size - len(image), len(image))
    strobe = 0b10010110
    await manager.send("aw", address=base, length=0)
    await manager.write_data(bytes([255] * manager.bytes), [strobe])
    await manager.receive("b")
    await manager.dump()
    expected = bytearray(poison(manager.bytes))
    for index in (1, 2, 4, 7):
        expected[index] = 255
    assert read_dump(dump, base, manager.bytes) == expected
    assert read_dump(dump, base + manager.bytes, 64) == poison(64)
    manager.check()
