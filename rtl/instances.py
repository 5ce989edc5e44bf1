"""One module, placed many times: unrolled copies cost minutes of elaboration and compilation."""

from typing import Any

from amaranth import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In


def place(m: Module, module: str, name: str, signature: wiring.Signature) -> Any:
    """Place the Verilog module `module`, emitted elsewhere, and return an interface object of its signals."""
    interface: Any = signature.create(path=(name,))
    ports: dict[str, Any] = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
    members: Any = signature.flatten(interface)
    for path, member, value in members:
        direction = "i" if member.flow == In else "o"
        ports[f"{direction}_{'__'.join(str(part) for part in path)}"] = value
    m.submodules[name] = Instance(module, **ports)
    return interface
