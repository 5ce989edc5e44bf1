"""Simulator builds: several modules in one design, compiled once, failures that say what failed."""

from pathlib import Path
from typing import Any

import pytest
from amaranth import Module, Signal
from amaranth.hdl import ClockSignal, Instance, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from normq.model.errors import OptionError
from normq.sim import build as build_module
from normq.sim import waves
from normq.sim.build import build
from normq.sim.results import SimulationError, check_results
from normq.sim.verilog import Design, emit, module_ports

BENCH = """
import cocotb
from cocotb.clock import Clock
from cocotb.handle import HierarchyObject
from cocotb.triggers import ClockCycles


@cocotb.test()
async def adds_one_per_lane(dut):
    Clock(dut.clk, 10, unit="ns").start()
    dut.rst.value = 1
    dut.a.value = 5
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 4)
    assert int(dut.b.value) == {expected}


@cocotb.test()
async def sees_ports_only(dut):
    signals = {{handle._name for handle in dut if not isinstance(handle, HierarchyObject)}}
    assert signals == {{"clk", "rst", "a", "b"}}
"""


class Lane(wiring.Component):
    """b is a + step, one cycle later."""

    a: Signal
    b: Signal

    def __init__(self, step: int) -> None:
        self.step = step
        super().__init__({"a": In(8), "b": Out(8)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.sync += self.b.eq(self.a + self.step)
        return m


class Pair(wiring.Component):
    """Two lanes in a row, taken in as a module that is converted elsewhere."""

    a: Signal
    b: Signal

    def __init__(self) -> None:
        super().__init__({"a": In(8), "b": Out(8)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        between = Signal(8)
        for source, sink in ((self.a, between), (between, self.b)):
            m.submodules += Instance("lane", i_clk=ClockSignal(), i_rst=ResetSignal(), i_a=source, o_b=sink)
        return m


def _pair(step: int) -> Design:
    return emit(Pair(), "pair", {"lane": Lane(step)})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache without builds, but with the runtime that this environment compiled before."""
    warm = build(_pair(1)).folder.parent
    folder = tmp_path / "cache"
    folder.mkdir()
    for runtime in warm.glob("runtime-*"):
        (folder / runtime.name).symlink_to(runtime)
    monkeypatch.setattr(build_module, "CACHE", folder)
    return folder


def _bench(folder: Path, monkeypatch: pytest.MonkeyPatch, expected: int) -> str:
    (folder / "pair_bench.py").write_text(BENCH.format(expected=expected))
    monkeypatch.syspath_prepend(folder)
    return "pair_bench"


def test_design_holds_each_module_once() -> None:
    design = _pair(1)
    assert design.ports == ("clk", "rst", "b", "a")
    assert "".join(design.texts).count("module lane(") == 1
    assert design.public_ports.splitlines()[1] == 'public_flat_rw -module "pair" -var "clk"'


@pytest.mark.parametrize("traced", [False, True])
def test_run_leaves_log_and_waves(traced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = build(_pair(1), waves=traced).run(_bench(tmp_path, monkeypatch, 7), tmp_path / "run")
    assert "PASS=2" in log.read_text()
    assert (tmp_path / "run" / "dump.fst").exists() == traced


def test_waves_as_vcd_need_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_module, "missing_packages", lambda: ("zlib1g-dev",))
    traced = build(_pair(1), waves=True, trace=build_module.VCD)
    traced.run(_bench(tmp_path, monkeypatch, 7), tmp_path / "run")
    assert "$var wire" in (tmp_path / "run" / "dump.vcd").read_text()
    assert traced.folder != build(_pair(1)).folder


def test_design_is_compiled_once(cache: Path) -> None:
    """Same content, same folder, untouched; another content, another; the runtime is never compiled again."""
    first = build(_pair(1)).folder
    made = (first / "done").stat().st_mtime_ns
    assert build(_pair(1)).folder == first
    assert (first / "done").stat().st_mtime_ns == made
    second = build(_pair(2)).folder
    assert second != first
    assert build(_pair(1), flags=("-fno-dfg-peephole",)).folder != first
    assert " -o verilated" not in (second / "build.log").read_text().replace(" -o verilator.o", "")


def test_failed_build_is_not_kept(cache: Path) -> None:
    broken = Design("broken", ("a",), ("module broken(input a);\n  nothing b(a);\nendmodule\n",))
    for _ in range(2):
        with pytest.raises(SimulationError, match=r"(?s)^broken: the simulator's build failed\n.*'nothing'"):
            build(broken)


def test_waves_name_the_packages_they_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_module, "missing_packages", lambda: ("zlib1g-dev", "liblz4-dev"))
    message = r"^waves: writing FST needs Debian packages first: apt-get install zlib1g-dev liblz4-dev$"
    with pytest.raises(OptionError, match=message):
        build(_pair(1), waves=True)


def test_missing_headers_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waves, "HEADERS", {"libc6-dev": "stdio.h", "no-such-dev": "no_such.h"})
    waves.missing_packages.cache_clear()
    assert waves.missing_packages() == ("no-such-dev",)
    waves.missing_packages.cache_clear()


def test_failed_test_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        SimulationError, match=r"(?s)^pair_bench: 1 of 2 tests failed: \['adds_one_per_lane'\]\n.*assert 7 == 8"
    ):
        build(_pair(1)).run(_bench(tmp_path, monkeypatch, 8), tmp_path / "run")


def test_missing_bench_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        SimulationError, match=r"(?s)^no_such_bench: the simulator left no results.xml\n.*No module named"
    ):
        build(_pair(1)).run("no_such_bench", tmp_path)


def test_no_test_is_an_error(tmp_path: Path) -> None:
    xml = tmp_path / "results.xml"
    xml.write_text("<testsuites><testsuite/></testsuites>")
    with pytest.raises(SimulationError, match=r"^bench: no test ran\n"):
        check_results(xml, tmp_path / "log", "bench")


def test_ports_of_a_missing_module() -> None:
    with pytest.raises(ValueError, match=r"^the Verilog text must define module 'c', it defines \['a', 'b'\]$"):
        module_ports("module a(x);\nendmodule\nmodule b #(\n parameter p = 1\n) (input y);\nendmodule\n", "c")
