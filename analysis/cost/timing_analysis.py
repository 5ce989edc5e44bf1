"""Static timing and power of a mapped netlist by OpenSTA, before placement: wires have no length.

The version of Debian 12 (2019) does not read `signed`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from .libraries import Library
from .tools import STA, call, has_sta

TIMEOUT_S = 600
ACTIVITY = 0.1
"""Toggles of a net in a cycle where nothing is known of the data: an assumption."""
SCRIPT = """\
{liberties}
read_verilog {name}.v
link_design {top}
create_clock -name clk -period {period} [get_ports clk]
set_input_delay 0.0 -clock clk [all_inputs]
set_output_delay 0.0 -clock clk [all_outputs]
set memories [get_ports -quiet *.RD_DATA*]
if {{[llength $memories]}} {{ set_input_delay {memory} -clock clk $memories }}
report_checks -path_delay max -digits 4
set_power_activity -global -activity {activity}
report_power -digits 6
exit
"""


@dataclass(frozen=True)
class Timing:
    """The longest path, and power at its clock as energy of a cycle."""

    period_ns: float
    period_kind: str
    clock_pj: float
    logic_pj: float
    leakage_mw: float


def analyze(place: Path, top: str, library: Library, mapped: str) -> Timing:
    """Return the timing of `library`.v in `place`; `mapped` is what the mapper printed. Raises ToolError."""
    nothing = float("nan")
    if not has_sta():
        return Timing(abc_delay_ns(mapped), "ABC", nothing, nothing, nothing)
    nanosecond = library.per_ns
    (place / "sta.tcl").write_text(sta_text(top, library))
    told = call([STA, "-no_splash", "-exit", "sta.tcl"], place, TIMEOUT_S, "opensta")
    return timing_of(told, library.period_ps / 1000, nanosecond)


def sta_text(top: str, library: Library) -> str:
    """Return what OpenSTA is told."""
    return SCRIPT.format(
        liberties="\n".join(f"read_liberty {number}.lib" for number in range(len(library.files))),
        name=library.name,
        top=top,
        period=library.period_ps / 1000 * library.per_ns,
        memory=library.memory_ns * library.per_ns,
        activity=ACTIVITY,
    )


def abc_delay_ns(told: str) -> float:
    """Return the delay that ABC printed last. Raises ValueError where it printed none."""
    delays = re.findall(r"Delay =\s*([\d.]+) ps", told)
    if not delays:
        raise ValueError("ABC printed no delay")
    return float(delays[-1]) / 1000


def timing_of(told: str, period_ns: float, per_ns: float) -> Timing:
    """Return what OpenSTA reports at this period, its times in units of which a nanosecond has `per_ns`.

    Raises ValueError where the slack or a line of power is missing.
    """
    slack = re.search(r"(-?[\d.]+)\s+slack", told)
    power = {
        kind: [float(value) for value in values.split()[:4]]
        for kind, values in re.findall(r"^(Sequential|Combinational)\s+([\d.e+\- ]+)", told, re.MULTILINE)
    }
    if slack is None or set(power) != {"Sequential", "Combinational"}:
        raise ValueError(f"OpenSTA reported no slack or no power: {told.strip().splitlines()[-1:]}")
    inside, outputs, leakage, _ = power["Sequential"]
    gates_inside, gates_outputs, gates_leakage, _ = power["Combinational"]
    watts_to_pj = 1000 * period_ns
    return Timing(
        period_ns - float(slack[1]) / per_ns,
        "static timing",
        clock_pj=inside * watts_to_pj,
        logic_pj=(outputs + gates_inside + gates_outputs) * watts_to_pj,
        leakage_mw=1000 * (leakage + gates_leakage),
    )
