"""cocotb bench of the memory with a DRAM behind it: asks for bursts at given cycles and notes when they are answered.

The plan (NORMQ_PLAN) is a list of scenarios {memory, bursts: [[cycle, address, beats, is_write]]}, cycles counted from
the end of the reset; the outcome (NORMQ_OUTCOME) one of {answers: [cycle], counters}: cycles, counted likewise, in
which the last beat of a read was offered, or the response of a write.
"""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from ..memory.dram import COUNTERS
from .memory_bench import Manager


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def play(dut: Any) -> None:
    """Play every scenario from reset."""
    manager = Manager(dut)
    await manager.start()
    outcome = [await _play(manager, scenario) for scenario in json.loads(Path(os.environ["NORMQ_PLAN"]).read_text())]
    Path(os.environ["NORMQ_OUTCOME"]).write_text(json.dumps(outcome))
    manager.check()


async def _play(manager: Manager, scenario: dict[str, Any]) -> dict[str, Any]:
    await manager.reset(**scenario["memory"])
    dut, start, bursts = manager.dut, manager.cycle, scenario["bursts"]
    dut.r_ready.value = 1
    dut.b_ready.value = 1
    reads, writes = list[int](), list[int]()

    async def watch() -> None:
        while True:
            await FallingEdge(dut.clk)
            await ReadOnly()
            if int(dut.r_valid.value) and int(dut.r_last.value):
                reads.append(manager.cycle - start)
            if int(dut.b_valid.value):
                writes.append(manager.cycle - start)

    watching = cocotb.start_soon(watch())
    for cycle, address, beats, is_write in bursts:
        while manager.cycle - start < cycle:
            await FallingEdge(dut.clk)
        channel = "aw" if is_write else "ar"
        for name, value in (("address", address), ("length", beats - 1)):
            getattr(dut, f"{channel}_{name}").value = value
        getattr(dut, f"{channel}_valid").value = 1
        if is_write:  # one beat, with its address
            dut.w_valid.value = 1
            dut.w_strobe.value = 0
            dut.w_last.value = 1
        await FallingEdge(dut.clk)
        for name in ("ar", "aw", "w"):
            getattr(dut, f"{name}_valid").value = 0
    while len(reads) + len(writes) < len(bursts):
        await FallingEdge(dut.clk)
    watching.cancel()
    return {
        "answers": [writes.pop(0) if is_write else reads.pop(0) for *_, is_write in bursts],
        "counters": {name: int(getattr(dut, name).value) for name in COUNTERS},
    }
