"""The wrapper joins every field of the engine's memory port to the memory: a copier in the engine's place."""

from pathlib import Path
from typing import Any

import pytest
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from normq.rtl.bus.axi import MemoryPort
from normq.rtl.bus.lite import AxiLitePort
from normq.sim.bench.top import bench_top
from normq.sim.build import build
from normq.sim.memory.image import POISON, read_dump, write_image
from normq.sim.verilog import emit

PORT_BYTES = 8
BENCH = """
import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge


@cocotb.test(timeout_time=10, timeout_unit="us")
async def copies(dut):
    for name in ("latency", "write_latency", "gap", "stall_seed", "load", "dump", "control__bready"):
        getattr(dut, name).value = 0
    for channel in ("ar", "r", "aw", "w", "b"):
        getattr(dut, f"{channel}_stall").value = 100
    Clock(dut.clk, 10, unit="ns").start()
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    await RisingEdge(dut.interrupt)
    dut.dump.value = 1
    await ClockCycles(dut.clk, 2)
    assert int(dut.control__rdata.value) == 0
    assert (int(dut.beats_read.value), int(dut.beats_written.value), int(dut.violations.value)) == (4, 4, 0)
"""


class Copier(wiring.Component):
    """Copies 4 beats from byte 8 to byte 64, the lower 4 bytes of each; then `interrupt`, errors in control.rdata."""

    memory: Any
    control: Any
    interrupt: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "memory": Out(MemoryPort(8 * PORT_BYTES)),
                "control": In(AxiLitePort()),
                "interrupt": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for channel, address in ((self.memory.ar, 8), (self.memory.aw, 64)):
            sent = Signal()
            m.d.comb += [channel.valid.eq(~sent), channel.payload.address.eq(address), channel.payload.length.eq(3)]
            with m.If(channel.ready):
                m.d.sync += sent.eq(1)
        r, w, b = self.memory.r, self.memory.w, self.memory.b
        m.d.comb += [w.valid.eq(r.valid), r.ready.eq(w.ready), b.ready.eq(1)]
        m.d.comb += [w.payload.data.eq(r.payload.data), w.payload.strobe.eq(0x0F), w.payload.last.eq(r.payload.last)]
        with m.If(r.valid & r.payload.error | b.valid & b.payload.error):
            m.d.sync += self.control.rdata.eq(1)
        with m.If(b.valid):
            m.d.sync += self.interrupt.eq(1)
        return m


def test_engine_reaches_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, dump, content = tmp_path / "image", tmp_path / "dump", bytes(range(40))
    write_image(image, {0: content}, PORT_BYTES)
    (tmp_path / "copier_bench.py").write_text(BENCH)
    monkeypatch.syspath_prepend(tmp_path)
    simulator = build(bench_top(emit(Copier(), "copier"), 8 * PORT_BYTES, 64))
    simulator.run("copier_bench", tmp_path, plusargs=[f"+image={image}", f"+dump={dump}"])
    expected = b"".join(content[8 * beat : 8 * beat + 4] + POISON[4:] for beat in range(1, 5))
    assert read_dump(dump, 64, 32) == expected
    assert read_dump(dump, 0, 64) == content + POISON * 3
    assert read_dump(dump, 96, 16) == POISON * 2


class Empty(wiring.Component):
    """Has no port of an engine."""

    a: Signal

    def __init__(self) -> None:
        super().__init__({"a": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.sync += Signal().eq(self.a)
        return m


def test_missing_ports_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"^empty: the bench needs the ports \[.*'control__araddr', .*\] and does not know \['a'\]$"
    ):
        bench_top(emit(Empty(), "empty"), 64, 16)
