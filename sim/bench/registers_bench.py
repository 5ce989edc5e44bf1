"""cocotb bench of the register port: queue, overflow, interrupt, identity, with the whole engine behind it.

NORMQ_PLAN names a JSON file with the addresses of descriptors that end well, at least two more than the queue holds.
"""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout

from ...rtl.operation import Status
from ...rtl.register_map import IDENTITY, QUEUE_DEPTH, Register
from .engine_bench import Host, reset

CLEAR_COUNTERS, ACKNOWLEDGE, CLEAR_OVERFLOW = 1, 2, 4
LIMIT_NS = 10_000_000


async def ring(host: Host, address: int) -> None:
    """Queue one descriptor."""
    await host.write(Register.DOORBELL_HIGH, address >> 32)
    await host.write(Register.DOORBELL, address & 0xFFFFFFFF)


async def completed(host: Host, count: int) -> None:
    """Wait until so many descriptors are done since reset, acknowledging each interrupt."""
    while await host.read(Register.COMPLETED) < count:
        if not int(host.dut.interrupt.value):
            await with_timeout(RisingEdge(host.dut.interrupt), LIMIT_NS, "ns")
            await FallingEdge(host.dut.clk)
        await host.write(Register.CONTROL, ACKNOWLEDGE)


@cocotb.test()
async def queue_overflow_and_interrupt(dut: Any) -> None:
    """Queued descriptors run in order; one too many is dropped and told; the interrupt stays until acknowledged."""
    plan = json.loads(Path(os.environ["NORMQ_PLAN"]).read_text())
    addresses = plan["descriptors"]
    await reset(dut, plan["memory"])
    host = Host(dut)
    assert await host.read(Register.IDENTITY) == IDENTITY
    assert await host.read(Register.STATUS) == Status.IDLE.value
    assert await host.read(Register.COMPLETED) == 0
    assert await host.read(Register.OVERFLOW) == 0
    assert not int(dut.interrupt.value)

    # one is taken out of the queue at once, then the queue fills up, then one more does not fit
    await ring(host, addresses[0])
    for _ in range(100):
        if await host.read(Register.STATUS) == Status.BUSY.value:
            break
    assert await host.read(Register.STATUS) == Status.BUSY.value
    for address in addresses[1 : QUEUE_DEPTH + 1]:
        await ring(host, address)
    assert await host.read(Register.OVERFLOW) == 0
    assert await host.read(Register.STATUS) >> 8 == QUEUE_DEPTH
    await ring(host, addresses[QUEUE_DEPTH + 1])
    assert await host.read(Register.OVERFLOW) == 1
    await host.write(Register.CONTROL, CLEAR_OVERFLOW)
    assert await host.read(Register.OVERFLOW) == 0

    await completed(host, QUEUE_DEPTH + 1)
    assert await host.read(Register.STATUS) == Status.DONE.value
    await host.write(Register.CONTROL, ACKNOWLEDGE)
    assert not int(dut.interrupt.value)
    for _ in range(200):
        await FallingEdge(dut.clk)
    assert await host.read(Register.COMPLETED) == QUEUE_DEPTH + 1  # what did not fit never ran

    # the interrupt stays up until acknowledged, counters add up until cleared
    before = (await host.counters())["engine.cycles"]
    await ring(host, addresses[0])
    await with_timeout(RisingEdge(dut.interrupt), LIMIT_NS, "ns")
    for _ in range(50):
        await FallingEdge(dut.clk)
    assert int(dut.interrupt.value)
    assert (await host.counters())["engine.cycles"] > before > 0
    await host.write(Register.CONTROL, CLEAR_COUNTERS)
    assert int(dut.interrupt.value)
    assert set((await host.counters()).values()) == {0}
    await host.write(Register.CONTROL, ACKNOWLEDGE)
    assert not int(dut.interrupt.value)
