"""The simulated memory under cocotbext-axi's manager: what it was told is what it gives back."""

from pathlib import Path

import pytest

from normq.rtl.bus.axi import ADDRESS_BITS
from normq.rtl.system import memory_ports
from normq.sim.build import build
from normq.sim.memory.image import MEMORY_SOURCES
from normq.sim.verilog import Design

TOP = "memory_axi"
DEPTH = 1024
SETTINGS = {
    **{name: 16 for name in ("latency", "write_latency", "gap")},
    **{f"{channel}_stall": 8 for channel in ("ar", "r", "aw", "w", "b")},
    "stall_seed": 32,
}
BENCH = """
import random
import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus, AxiMaster, AxiResp
from normq.sim.bench.cocotbext import pause_channels

SIZE = {size}


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def reads_back(dut):
    rng = random.Random(7)
    for name in {settings!r}:
        getattr(dut, name).value = {{"latency": 9, "write_latency": 5, "stall_seed": 3}}.get(name, 0)
    for channel in ("ar", "r", "aw", "w", "b"):
        getattr(dut, channel + "_stall").value = 60
    dut.rst.value = 1
    Clock(dut.clk, 10, unit="ns").start()
    master = AxiMaster(AxiBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
    pause_channels((master.write_if, master.read_if), 0.3, 5)
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    content = bytearray(rng.randbytes(SIZE))
    assert (await master.write(0, bytes(content), awid=0)).resp == AxiResp.OKAY
    for _ in range(60):
        start = rng.randrange(SIZE - 1)
        length = rng.randint(1, min(600, SIZE - start))
        if rng.random() < 0.5:
            start -= start % {beat}  # memory.sv takes whole beats; strobes leave out what lies behind the end
            content[start : start + length] = new = rng.randbytes(length)
            assert (await master.write(start, new, awid=0)).resp == AxiResp.OKAY
        else:
            start -= start % {beat}
            response = await master.read(start, length, arid=0)
            assert response.resp == AxiResp.OKAY
            assert response.data == content[start : start + length]
    assert (await master.read(0, SIZE, arid=0)).data == content
    for address in (SIZE, 1 << 39):
        assert (await master.read(address, 8, arid=0)).resp == AxiResp.SLVERR
        assert (await master.write(address, bytes(8), awid=0)).resp == AxiResp.SLVERR
    assert int(dut.violations.value) == 0
"""


def _text(data_bits: int) -> str:
    """The memory under the names of a subordinate; its identifiers are always 0."""
    flipped = {"input": "output", "output": "input"}
    ports = [(flipped[way], bits, f"s_axi_{name}") for way, bits, name in memory_ports(data_bits)]
    ports += [("input", bits, name) for name, bits in {"clk": 1, "rst": 1, **SETTINGS}.items()]
    ports.append(("output", 32, "violations"))
    pins = {name: name for name in ("clk", "rst", *SETTINGS, "violations")}
    for channel in ("ar", "r", "aw", "w", "b"):
        pins |= {f"{channel}_{end}": f"s_axi_{channel}{end}" for end in ("valid", "ready")}
    for channel in ("ar", "aw"):
        pins |= {f"{channel}_address": f"s_axi_{channel}addr", f"{channel}_length": f"s_axi_{channel}len"}
    pins |= {"r_data": "s_axi_rdata", "r_last": "s_axi_rlast", "r_error": "s_axi_rresp[1]"}
    pins |= {"w_data": "s_axi_wdata", "w_strobe": "s_axi_wstrb", "w_last": "s_axi_wlast", "b_error": "s_axi_bresp[1]"}
    pins |= {"load": "1'b0", "dump": "1'b0"}
    header = ",\n".join(f"    {way} wire [{bits - 1}:0] {name}" for way, bits, name in ports)
    zeros = "\n".join(f"    assign s_axi_{name} = 0;" for name in ("rid", "bid", "rresp[0]", "bresp[0]"))
    parameters = f".DATA_BITS({data_bits}), .ADDRESS_BITS({ADDRESS_BITS}), .DEPTH({DEPTH})"
    joined = ", ".join(f".{pin}({name})" for pin, name in pins.items())
    return f"module {TOP}(\n{header}\n);\n{zeros}\n    normq_memory #({parameters}) memory({joined});\nendmodule\n"


@pytest.mark.parametrize("data_bits", [64, 512])
def test_memory_answers_another_manager(data_bits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beat = data_bits // 8
    (tmp_path / "memory_axi_bench.py").write_text(BENCH.format(size=beat * DEPTH, beat=beat, settings=tuple(SETTINGS)))
    monkeypatch.syspath_prepend(tmp_path)
    ports = ("clk", "rst", *SETTINGS, "violations", *(f"s_axi_{name}" for _, _, name in memory_ports(data_bits)))
    design = Design(TOP, ports, (_text(data_bits),), MEMORY_SOURCES)
    build(design).run("memory_axi_bench", tmp_path)
