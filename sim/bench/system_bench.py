"""cocotb bench of `normq_axi`: cocotbext-axi writes the registers and answers the memory port.

NORMQ_PLAN names a JSON file that `sim.system` writes, the outcome goes to NORMQ_OUTCOME.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiBus, AxiResp, AxiSlave

from ...rtl.register_map import IDENTITY, Register
from ...rtl.system import CONTROL_PREFIX, MEMORY_PREFIX
from ..memory.image import poison
from .axi_monitor import AxiMonitor
from .cocotbext import control_master, pause_channels

PERIOD_NS = 10
ACKNOWLEDGE = 2


class Memory:
    """What AxiSlave reads and writes; refuses what lies outside, and beats at random."""

    def __init__(self, size: int, image: bytes, rng: random.Random) -> None:
        self.content = bytearray(image) + poison(size - len(image), len(image))
        self.rng, self.faults = rng, 0
        self.read_faults = self.write_faults = 0.0

    async def read(self, address: int, length: int) -> bytes:
        """Return bytes; an exception becomes SLVERR."""
        self._refuse(address + length > len(self.content) or self.rng.random() < self.read_faults)
        return bytes(self.content[address : address + length])

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes; an exception becomes SLVERR."""
        self._refuse(address + len(data) > len(self.content) or self.rng.random() < self.write_faults)
        self.content[address : address + len(data)] = data

    def _refuse(self, refused: bool) -> None:
        if refused:
            self.faults += 1
            raise ValueError("refused")


class Host:
    """Accesses by AxiLiteMaster."""

    def __init__(self, master: Any) -> None:
        self.master = master

    async def write(self, register: Register, value: int) -> None:
        """Write one register."""
        response = await self.master.write(register.address, value.to_bytes(4, "little"))
        assert response.resp == AxiResp.OKAY, register

    async def read(self, register: Register) -> int:
        """Read one register."""
        response = await self.master.read(register.address, 4)
        assert response.resp == AxiResp.OKAY, register
        return int.from_bytes(response.data, "little")


@cocotb.test()
async def run_plan(dut: Any) -> None:
    """Run every descriptor of the plan in order; both buses are watched."""
    plan = json.loads(Path(os.environ["NORMQ_PLAN"]).read_text())
    rng = random.Random(plan["seed"])
    memory = Memory(plan["bytes"], Path(plan["image"]).read_bytes(), rng)
    dut.aresetn.value = 0
    Clock(dut.aclk, PERIOD_NS, unit="ns").start()
    reset = {"reset": dut.aresetn, "reset_active_level": False}
    master = control_master(dut, CONTROL_PREFIX, plan["pause"], plan["seed"], clock=dut.aclk, **reset)
    slave = AxiSlave(AxiBus.from_prefix(dut, MEMORY_PREFIX), dut.aclk, target=memory, **reset)
    pause_channels((slave.write_if, slave.read_if), plan["pause"], plan["seed"] + 1)
    monitor = AxiMonitor(dut, MEMORY_PREFIX)
    cocotb.start_soon(monitor.watch())
    await ClockCycles(dut.aclk, 3)
    dut.aresetn.value = 1
    host = Host(master)
    assert await host.read(Register.IDENTITY) == IDENTITY
    statuses, faults = list[int](), list[int]()
    for number, job in enumerate(plan["jobs"]):
        memory.faults, memory.read_faults, memory.write_faults = 0, job["read_faults"], job["write_faults"]
        await host.write(Register.DOORBELL_HIGH, job["descriptor"] >> 32)
        await host.write(Register.DOORBELL, job["descriptor"] & 0xFFFFFFFF)
        if not int(dut.interrupt.value):
            await with_timeout(RisingEdge(dut.interrupt), plan["limit_cycles"] * PERIOD_NS, "ns")
        statuses.append(await host.read(Register.STATUS) & 0xFF)
        faults.append(memory.faults)
        assert await host.read(Register.COMPLETED) == number + 1
        await host.write(Register.CONTROL, ACKNOWLEDGE)
        assert not int(dut.interrupt.value)
    monitor.check()
    Path(plan["dump"]).write_bytes(memory.content)
    Path(os.environ["NORMQ_OUTCOME"]).write_text(json.dumps({"statuses": statuses, "faults": faults}))
