# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""LiteDRAM's crossbar and controller over its behavioral PHY and DRAM, as Verilog with plain native ports.

Runs in LiteDRAM's own environment (lite.py), so it imports nothing of ours. Arguments: the settings as JSON, and the
folder for litedram_core.v and timings.json, LiteDRAM's timings in cycles of the controller.
"""

import json
import sys
from pathlib import Path

from litedram.common import PhySettings, get_sys_latency, get_sys_phase
from litedram.core.controller import LiteDRAMController
from litedram.core.crossbar import LiteDRAMCrossbar
from litedram.modules import DDR4Module, _SpeedgradeTimings, _TechnologyTimings
from litedram.phy.model import SDRAMPHYModel
from migen import Module, Signal
from migen.fhdl.verilog import convert

PHASES = 4
"""DRAM clocks in a cycle of the controller, as with every DDR4 PHY of LiteDRAM."""
DATA_BITS = 64
ADDRESS_BITS = 16
"""Of the DRAM's bus; few rows would need fewer, but bit 10 of a column command closes the row."""
READ_DELAY, WRITE_DELAY = 5, -1
"""Cycles that the PHY adds to CL and CWL: get_sdram_phy_settings in litedram/phy/model.py."""


class Core(Module):
    """Port i: bit i of cmd_valid, cmd_ready, ..., and cmd_addr_i, wdata_i, rdata_i (32 bits of the 512)."""

    def __init__(self, module, phy_settings, ports):
        clk_freq = module.clk_freq
        self.ios = set()
        self.submodules.phy = SDRAMPHYModel(module, phy_settings, clk_freq=clk_freq, we_granularity=0)
        self.submodules.controller = LiteDRAMController(
            phy_settings, module.geom_settings, module.timing_settings, clk_freq
        )
        self.comb += self.controller.dfi.connect(self.phy.dfi)
        self.submodules.crossbar = LiteDRAMCrossbar(self.controller.interface)
        valid, we = self.bus("cmd_valid", ports), self.bus("cmd_we", ports)
        ready, read, written = (self.bus(name, ports) for name in ("cmd_ready", "rdata_valid", "wdata_ready"))
        for number in range(ports):
            master = self.crossbar.get_port("both")
            self.comb += [
                master.cmd.valid.eq(valid[number]),
                master.cmd.we.eq(we[number]),
                master.cmd.addr.eq(self.bus(f"cmd_addr_{number}", len(master.cmd.addr))),
                ready[number].eq(master.cmd.ready),
                master.wdata.valid.eq(1),
                master.wdata.we.eq(2 ** len(master.wdata.we) - 1),
                master.wdata.data.eq(self.bus(f"wdata_{number}", 32)),
                written[number].eq(master.wdata.ready),
                master.rdata.ready.eq(1),
                self.bus(f"rdata_{number}", 32).eq(master.rdata.data[:32]),
                read[number].eq(master.rdata.valid),
            ]

    def bus(self, name, width):
        """Return a port of the core."""
        signal = Signal(width, name=name)
        self.ios.add(signal)
        return signal


def device(told):
    """Return a module whose timings are those told, in nanoseconds: LiteDRAM rounds them up, with its margin."""
    ns = {name: clocks * 1000 / told["clock_mhz"] for name, clocks in told["timings"].items()}

    class Device(DDR4Module):
        ngroupbanks, ngroups = told["banks"], told["groups"]
        nbanks, nrows, ncols = ngroupbanks * ngroups, told["rows"], told["columns"]
        technology_timings = _TechnologyTimings(
            tREFI={"1x": ns["refi"]},
            tWTR=(None, ns["wtr_l"]),
            tCCD=(told["timings"]["ccd_s"], None),
            tRRD=(None, ns["rrd_s"]),
        )
        speedgrade_timings = {  # noqa: RUF012 - as every module of LiteDRAM has them
            "default": _SpeedgradeTimings(
                tRP=ns["rp"],
                tRCD=ns["rcd"],
                tWR=ns["wr"],
                tRFC={"1x": (None, ns["rfc"])},
                tFAW=(None, ns["faw"]),
                tRAS=ns["ras"],
            )
        }

    module = Device(told["clock_mhz"] * 1e6 / PHASES, f"1:{PHASES}")
    module.geom_settings.addressbits = ADDRESS_BITS
    return module


def phy(cl, cwl):
    """Return the settings of the PHY model for latencies that its own table, which ends at DDR4-2666, lacks."""
    read, write = get_sys_latency(PHASES, cl), get_sys_latency(PHASES, cwl)
    return PhySettings(
        phytype="SDRAMPHYModel",
        memtype="DDR4",
        databits=DATA_BITS,
        dfi_databits=2 * DATA_BITS,
        nphases=PHASES,
        rdphase=get_sys_phase(PHASES, read, cl),
        wrphase=get_sys_phase(PHASES, write, cwl),
        cl=cl,
        cwl=cwl,
        read_latency=read + READ_DELAY,
        write_latency=write + WRITE_DELAY,
    )


def main():
    """Write the two files."""
    told, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
    module, settings = device(told), phy(told["timings"]["cl"], told["timings"]["cwl"])
    core = Core(module, settings, told["ports"])
    convert(core, core.ios, name="litedram_core").write(str(folder / "litedram_core.v"))
    timings = {name: value for name, value in vars(module.timing_settings).items() if isinstance(value, int)}
    timings["read_latency"], timings["write_latency"] = settings.read_latency, settings.write_latency
    (folder / "timings.json").write_text(json.dumps(timings))


main()
