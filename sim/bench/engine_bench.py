"""cocotb bench of the engine: rings the doorbell for each descriptor, waits, and reads status and counters.

The memory is part of the simulated design, so no Python runs per clock cycle. What to do comes as JSON in the file
named by NORMQ_PLAN, what happened goes to the file named by NORMQ_OUTCOME (`sim.session` writes and reads both).
"""

import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, Timer, with_timeout
from cocotb.utils import get_sim_time

from ...rtl.bus.lite import Response
from ...rtl.counters import COUNTERS
from ...rtl.operation import Status
from ...rtl.register_map import QUEUE_DEPTH, Register, control, counter_addresses
from ..memory.dram import COUNTERS as DRAM_COUNTERS

PERIOD_NS = 10
Wait = Callable[[Any], Awaitable[None]]
START, ACKNOWLEDGE = control("clear_counters", "acknowledge", "clear_failed"), control("acknowledge")


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
    for port in ("restart", "load", "dump"):
        getattr(dut, port).value = 0
    for name, value in memory.items():
        getattr(dut, name).value = value
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    await FallingEdge(dut.clk)


async def restart_dram(dut: Any) -> None:
    """Close the DRAM's rows and begin its refresh anew, so that what runs next takes a time of its own."""
    dut.restart.value = 1
    await FallingEdge(dut.clk)
    dut.restart.value = 0


async def wait_by_event(dut: Any) -> None:
    """Wait for the interrupt without a thought in between."""
    if not int(dut.interrupt.value):
        await RisingEdge(dut.interrupt)
    await FallingEdge(dut.clk)


async def wait_by_cycle(dut: Any) -> None:
    """Wait for the interrupt with Python at work in every cycle, as benches do that drive a port from it."""
    while not int(dut.interrupt.value):
        await FallingEdge(dut.clk)


async def run_chain(host: Host, addresses: Sequence[int], limit_cycles: int, wait: Wait) -> dict[str, Any]:
    """Ring descriptors one after another, counters cleared before the first, and wait for the last."""
    ports = {name: getattr(host.dut, name) for name in ("beats_read", "beats_written", *DRAM_COUNTERS)}
    before = {name: int(port.value) for name, port in ports.items()}
    await restart_dram(host.dut)
    completed = await host.read(Register.COMPLETED)
    start = get_sim_time("ns")
    await host.write(Register.CONTROL, START)
    completed_at: list[int] = []
    waiting = list(addresses)
    while len(completed_at) < len(addresses):
        while waiting and len(addresses) - len(waiting) - len(completed_at) < QUEUE_DEPTH:
            address = waiting.pop(0)
            await host.write(Register.DOORBELL_HIGH, address >> 32)
            await host.write(Register.DOORBELL, address & 0xFFFFFFFF)
        await with_timeout(wait(host.dut), limit_cycles * PERIOD_NS, "ns")
        await host.write(Register.CONTROL, ACKNOWLEDGE)
        done = (await host.read(Register.COMPLETED) - completed) % 2**32
        now = round(get_sim_time("ns") - start) // PERIOD_NS
        completed_at += [now] * (done - len(completed_at))
    status = (await host.read(Register.FAILED)) & 0xFF or Status.DONE.value
    counted = {name: int(port.value) - before[name] for name, port in ports.items()}
    return {
        "status": status,
        "completed_at": completed_at,
        "counters": list((await host.counters()).values()),
        "beats_read": counted["beats_read"],
        "beats_written": counted["beats_written"],
        "dram": [counted[name] for name in DRAM_COUNTERS],
    }


@cocotb.test()
async def run_plan(dut: Any) -> None:
    """Run every chain of the plan in order."""
    await _run(dut, wait_by_event)


@cocotb.test()
async def run_plan_by_cycle(dut: Any) -> None:
    """The same with Python in every cycle: what that costs (`make bench`)."""
    await _run(dut, wait_by_cycle)


async def _run(dut: Any, wait: Wait) -> None:
    plan = json.loads(Path(os.environ["NORMQ_PLAN"]).read_text())
    await reset(dut, plan["memory"])
    host = Host(dut)
    began = time.perf_counter()
    chains = [await run_chain(host, addresses, plan["limit_cycles"], wait) for addresses in plan["chains"]]
    seconds = time.perf_counter() - began
    violations = int(dut.violations.value)
    dut.dump.value = 1
    await Timer(2 * PERIOD_NS, unit="ns")
    outcome = {"chains": chains, "violations": violations, "seconds": seconds}
    Path(os.environ["NORMQ_OUTCOME"]).write_text(json.dumps(outcome))
