"""cocotb bench of the registers alone, behind cocotbext-axi's manager: every order, back-pressure, strobes, refusals.

NORMQ_PLAN names a JSON file: {"pause": share of paused cycles, "seed": ..., "accesses": how many}.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiResp

from ...rtl.bus.lite import CONTROL_ADDRESS_BITS
from ...rtl.counters import COUNTERS
from ...rtl.register_map import MAP_BYTES, REGISTER_BYTES, Access, Register, counter_addresses
from .cocotbext import control_master

Json = dict[str, Any]
BY_ADDRESS = {register.address: register for register in Register}


class Model:
    """What writes leave behind: the kept registers, and the descriptors that they queue."""

    def __init__(self) -> None:
        self.kept = {register: 0 for register in Register if register.value.access is Access.READ_WRITE}
        self.queued: list[int] = []

    def write(self, address: int, content: bytes) -> AxiResp:
        """Return how the write of bytes within one register must be answered."""
        register = BY_ADDRESS.get(address & -REGISTER_BYTES)
        if register is None or register.value.access is Access.READ:
            return AxiResp.SLVERR
        if register in self.kept:
            first = address % REGISTER_BYTES
            word = bytearray(self.kept[register].to_bytes(REGISTER_BYTES, "little"))
            word[first : first + len(content)] = content
            (field,) = register.value.fields
            self.kept[register] = int.from_bytes(word, "little") & ((1 << field.bits) - 1)
            if register is Register.DOORBELL and first + len(content) == REGISTER_BYTES:
                self.queued.append(self.kept[Register.DOORBELL_HIGH] << 32 | self.kept[register])
        return AxiResp.OKAY


async def _take_descriptors(dut: Any, taken: list[int]) -> None:
    """The engine's side: takes whatever is queued at once."""
    dut.descriptors__ready.value = 1
    while True:
        await RisingEdge(dut.clk)
        if int(dut.descriptors__valid.value):
            taken.append(int(dut.descriptors__payload.value))


async def _write(master: Any, rng: random.Random, model: Model, accesses: int) -> None:
    """Writes to everything, in order, several on their way at once."""
    under_way: list[Any] = []
    for _ in range(accesses):
        address, content = _somewhere(rng), bytes(rng.getrandbits(8) for _ in range(REGISTER_BYTES))
        content = content[: rng.randint(1, REGISTER_BYTES - address % REGISTER_BYTES)]
        expected = model.write(address, content)
        under_way.append(cocotb.start_soon(_write_one(master, address, content, expected)))
        if rng.random() < 0.2:
            while under_way:
                await under_way.pop()
    while under_way:
        await under_way.pop()


async def _write_one(master: Any, address: int, content: bytes, expected: AxiResp) -> None:
    response = await master.write(address, content)
    assert response.resp == expected, hex(address)


async def _read(master: Any, rng: random.Random, counters: list[int], accesses: int) -> None:
    """Reads of everything beside the writes; what no write changes must read as it is."""
    words = {
        address: value
        for index, counter in enumerate(counters)
        for address, value in zip(counter_addresses(index), (counter & 0xFFFFFFFF, counter >> 32), strict=True)
    }
    for _ in range(accesses):
        address = _somewhere(rng)
        word = address & -REGISTER_BYTES
        response = await master.read(address, 1)
        exists = word in BY_ADDRESS or word in words
        assert response.resp == (AxiResp.OKAY if exists else AxiResp.SLVERR), hex(address)
        if word in words:
            assert response.data[0] == words[word] >> 8 * (address % REGISTER_BYTES) & 0xFF, hex(address)


def _somewhere(rng: random.Random) -> int:
    """Half the accesses go to the registers that keep what is written, the others anywhere."""
    if rng.random() < 0.5:
        return rng.choice([Register.DOORBELL_HIGH.address, Register.DOORBELL.address]) + rng.randrange(REGISTER_BYTES)
    return rng.choice([rng.randrange(MAP_BYTES), rng.randrange(1 << CONTROL_ADDRESS_BITS)])


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def random_accesses(dut: Any) -> None:
    """Every answer is right, every doorbell rings once, in order."""
    plan: Json = json.loads(Path(os.environ["NORMQ_PLAN"]).read_text())
    rng = random.Random(plan["seed"])
    counters = [rng.getrandbits(48) for _ in COUNTERS]
    for index, value in enumerate(counters):
        getattr(dut, f"counters__{index}").value = value
    for name in ("status", "complete", "descriptors__ready"):
        getattr(dut, name).value = 0
    dut.rst.value = 1
    Clock(dut.clk, 10, unit="ns").start()
    master = control_master(dut, "bus_", plan["pause"], plan["seed"], clock=dut.clk, reset=dut.rst)
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    model, taken = Model(), list[int]()
    cocotb.start_soon(_take_descriptors(dut, taken))
    writing = cocotb.start_soon(_write(master, rng, model, plan["accesses"]))
    await _read(master, random.Random(plan["seed"] + 1), counters, plan["accesses"])
    await writing
    await ClockCycles(dut.clk, 4)
    assert len(taken) > plan["accesses"] // 20
    assert taken == model.queued
    for register, value in model.kept.items():
        assert int.from_bytes((await master.read(register.address, REGISTER_BYTES)).data, "little") == value
