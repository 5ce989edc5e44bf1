"""Several lanes as a design that fits a chip's pins: broadcast inputs from one shift register, results out by another.

Lanes share their inputs, as in the engine; every input leaves a register and every output ends in one, so the clock
that is reached is that of the lanes and of the broadcast.
"""

import re
from dataclasses import dataclass

from ...sim.verilog import module_ports

SLICE_MODULE = "normq_slice"
CLOCK = "clk"


@dataclass(frozen=True)
class Port:
    """A port of an emitted module."""

    name: str
    bits: int
    is_input: bool


def ports_of(text: str, module: str) -> tuple[Port, ...]:
    """Return the ports of a module that Yosys wrote, in order. Raises ValueError where one is not declared."""
    body = re.split(rf"^module\s+{re.escape(module)}\b", text, flags=re.MULTILINE)[1].partition("endmodule")[0]
    declared = {
        name: Port(name, 1 + int(high or 0), kind == "input")
        for kind, high, name in re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\S+) ?;", body, re.MULTILINE)
    }
    missing = [name for name in module_ports(text, module) if name not in declared]
    if missing:
        raise ValueError(f"{module}: port {missing[0]!r} is not declared, expected input or output")
    return tuple(declared[name] for name in module_ports(text, module))


def slice_text(text: str, module: str, count: int) -> str:
    """Return the Verilog of module SLICE_MODULE: `count` instances of `module`, which `text` defines."""
    ports = [port for port in ports_of(text, module) if port.name != CLOCK]
    inputs, outputs = ([port for port in ports if port.is_input is kind] for kind in (True, False))
    in_bits, out_bits = (sum(port.bits for port in some) for some in (inputs, outputs))
    lines = [
        f"module {SLICE_MODULE}(input clk, input shift_in, input keep, output shift_out);",
        f"  reg [{in_bits - 1}:0] given;",
        f"  reg [{count * out_bits - 1}:0] found;",
        f"  wire [{count * out_bits - 1}:0] results;",
        "  always @(posedge clk) given <= {given, shift_in};",
        "  always @(posedge clk) found <= keep ? results : {found, 1'b0};",
        f"  assign shift_out = found[{count * out_bits - 1}];",
    ]
    for number in range(count):
        wired = [f".{CLOCK}(clk)", *_wired(inputs, "given", 0), *_wired(outputs, "results", number * out_bits)]
        lines.append(f"  {module} lane{number}({', '.join(wired)});")
    return "\n".join([*lines, "endmodule", ""])


def _wired(ports: list[Port], bus: str, least: int) -> list[str]:
    wired: list[str] = []
    for port in ports:
        wired.append(f".{port.name}({bus}[{least + port.bits - 1}:{least}])")
        least += port.bits
    return wired
