"""cocotb bench of the engine: rings the doorbell for each descriptor, waits, and reads status and counters.

The memory is part of the simulated design, so no Python runs per clock cycle. What to do comes as JSON in the file
named by NORMQ_PLAN, what happened goes to the file named by NORMQ_OUTCOME (`sim.session` writes and reads both).
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, Timer, with_timeout

from ...rtl.bus.lite import Response
from ...rtl.counters import COUNTERS
from ...rtl.register_map import Register, counter_addresses

PERIOD_NS = 10


class Host:
    """Accesses through the control port, one at a time: the manager always takes answers."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut

    async def write(self, register: Register, value: int) -> None:
        """Write one register."""
        dut = self.dut
        dut.control__awaddr.value = register.address
        dut.control__wdata.value = value
        dut.control__awvalid.value = 1
        dut.control__wvalid.value = 1
        await FallingEdge(dut.clk)
        dut.control__awvalid.value = 0
        dut.control__wvalid.value = 0
        assert int(dut.control__bvalid.value), register
        assert int(dut.control__bresp.value) == Response.OKAY.value, register

    async def read(self, register: Register) -> int:
        """Read one register."""
        return await self.read_at(register.address)

    async def read_at(self, address: int) -> int:
        """Read the register at a byte address."""
        dut = self.dut
        dut.control__araddr.value = address
        dut.control__arvalid.value = 1
        await FallingEdge(dut.clk)
        dut.control__arvalid.value = 0
        assert int(dut.control__rvalid.value), address
        assert int(dut.control__rresp.value) == Response.OKAY.value, address
        return int(dut.control__rdata.value)

    async def counters(self) -> dict[str, int]:
        """Read every counter."""
        values: dict[str, int] = {}
        for index, counter in enumerate(COUNTERS):
            low, high = [await self.read_at(address) for address in counter_addresses(index)]
            values[counter.name] = low | high << 32
        return values


async def reset(dut: Any, memory: dict[str, int]) -> None:
    """Start the clock, set the memory's behavior, and reset."""
    for port in ("awvalid", "awaddr", "wvalid", "wdata", "arvalid", "araddr"):
        getattr(dut, f"control__{port}").value = 0
    for port in ("wstrb", "bready", "rready"):
        getattr(dut, f"control__{port}").value = (1 << len(getattr(dut, f"control__{port}"))) - 1
    for port in ("load", "dump"):
        getattr(dut, port).value = 0
    for name, value in memory.items():
        getattr(dut, name).value = value
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    await FallingEdge(dut.clk)


async def run_descriptor(host: Host, address: int, limit_cycles: int) -> dict[str, Any]:
    """Run one descriptor with cleared counters."""
    ports = host.dut.beats_read, host.dut.beats_written
    before = [int(port.value) for port in ports]
    await host.write(Register.CONTROL, 3)
    await host.write(Register.DOORBELL_HIGH, address >> 32)
    await host.write(Register.DOORBELL, address & 0xFFFFFFFF)
    if not int(host.dut.interrupt.value):
        await with_timeout(RisingEdge(host.dut.interrupt), limit_cycles * PERIOD_NS, "ns")
    await FallingEdge(host.dut.clk)
    status = await host.read(Register.STATUS)
    beats_read, beats_written = (int(port.value) - count for port, count in zip(ports, before, strict=True))
    return {
        "status": status & 0xFF,
        "counters": await host.counters(),
        "beats_read": beats_read,
        "beats_written": beats_written,
    }


@cocotb.test()
async def run_plan(dut: Any) -> None:
    """Run every descriptor of the plan in order."""
    plan = json.loads(Path(os.environ["NORMQ_PLAN"]).read_text())
    await reset(dut, plan["memory"])
    host = Host(dut)
    began = time.perf_counter()
    outcomes = [await run_descriptor(host, address, plan["limit_cycles"]) for address in plan["descriptors"]]
    seconds = time.perf_counter() - began
    violations = int(dut.violations.value)
    dut.dump.value = 1
    await Timer(2 * PERIOD_NS, unit="ns")
    outcome = {"jobs": outcomes, "violations": violations, "seconds": seconds}
    Path(os.environ["NORMQ_OUTCOME"]).write_text(json.dumps(outcome))
