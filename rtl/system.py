"""`normq_axi`: the engine under the standard names of AXI4 and AXI4-Lite, for a block design or any other system."""

from typing import Any

from amaranth import Shape
from amaranth.lib.wiring import Out

from ..model.formats import ceil_log2
from .bus.axi import ADDRESS_BITS, LENGTH_BITS, MemoryPort
from .bus.lite import AxiLitePort

SYSTEM_MODULE = "normq_axi"
ID_BITS = 1
"""All bursts have identifier 0."""
CONTROL_PREFIX, MEMORY_PREFIX = "s_axil", "m_axi"

Port = tuple[str, int, str]
"""Direction, bits, name."""

CHANNELS = {
    "ar": {"address": "araddr", "length": "arlen"},
    "r": {"data": "rdata", "last": "rlast", "error": "rresp[1]"},
    "aw": {"address": "awaddr", "length": "awlen"},
    "w": {"data": "wdata", "strobe": "wstrb", "last": "wlast"},
    "b": {"error": "bresp[1]"},
}
"""Fields of the engine's payloads that are signals of AXI4: SLVERR and DECERR both have the upper bit of a response."""


def system_text(engine: str, port_bits: int) -> str:
    """Return the Verilog of SYSTEM_MODULE around module `engine` with a memory port of `port_bits`.

    `aresetn` is synchronous. The memory port is an AXI4 manager: incrementing bursts of whole beats, identifier 0,
    normal non-cacheable bufferable memory, unprivileged secure data accesses.
    """
    signature = MemoryPort(port_bits)
    layouts: dict[str, Any] = {name: signature.members[name].signature.members["payload"].shape for name in CHANNELS}
    wires: list[str] = []
    pins = [".clk(aclk)", ".rst(~aresetn)", ".interrupt(interrupt)"]
    pins += [f".control__{name}({CONTROL_PREFIX}_{name})" for name in AxiLitePort().members]
    for channel, signals in CHANNELS.items():
        payload, layout = f"{channel}_payload", layouts[channel]
        wires.append(f"    wire [{layout.size - 1}:0] {payload};")
        pins += [f".memory__{channel}__{end}({MEMORY_PREFIX}_{channel}{end})" for end in ("valid", "ready")]
        pins.append(f".memory__{channel}__payload({payload})")
        for field, name in signals.items():
            place = layout[field]
            bits = f"{payload}[{place.offset + place.width - 1}:{place.offset}]"
            outer = f"{MEMORY_PREFIX}_{name}"
            left, right = (bits, outer) if channel in "rb" else (outer, bits)
            wires.append(f"    assign {left} = {right};")
    constants = [f"    assign {MEMORY_PREFIX}_{name} = {value};" for name, value in _constants(port_bits).items()]
    ports = ",\n".join(f"    {way} wire {_range(bits)}{name}" for way, bits, name in system_ports(port_bits))
    return "\n".join(
        [
            f"module {SYSTEM_MODULE}(",
            ports,
            ");",
            *wires,
            *constants,
            f"    {engine} engine(",
            ",\n".join(f"        {pin}" for pin in pins),
            "    );",
            "endmodule",
            "",
        ]
    )


def system_ports(port_bits: int) -> list[Port]:
    """Return the ports of SYSTEM_MODULE."""
    control = [
        ("input" if member.flow is Out else "output", Shape.cast(member.shape).width, f"{CONTROL_PREFIX}_{name}")
        for name, member in AxiLitePort().members.items()
    ]
    unused = [("input", 3, f"{CONTROL_PREFIX}_{name}") for name in ("awprot", "arprot")]
    return [
        ("input", 1, "aclk"),
        ("input", 1, "aresetn"),
        ("output", 1, "interrupt"),
        *control,
        *unused,
        *((way, bits, f"{MEMORY_PREFIX}_{name}") for way, bits, name in memory_ports(port_bits)),
    ]


def memory_ports(port_bits: int) -> list[Port]:
    """Return the ports of an AXI4 manager, without a prefix."""
    requests = [
        port
        for channel in ("ar", "aw")
        for port in (
            ("output", ID_BITS, f"{channel}id"),
            ("output", ADDRESS_BITS, f"{channel}addr"),
            ("output", LENGTH_BITS, f"{channel}len"),
            ("output", 3, f"{channel}size"),
            ("output", 2, f"{channel}burst"),
            ("output", 1, f"{channel}lock"),
            ("output", 4, f"{channel}cache"),
            ("output", 3, f"{channel}prot"),
            ("output", 4, f"{channel}qos"),
            ("output", 1, f"{channel}valid"),
            ("input", 1, f"{channel}ready"),
        )
    ]
    return [
        *requests,
        ("input", ID_BITS, "rid"),
        ("input", port_bits, "rdata"),
        ("input", 2, "rresp"),
        ("input", 1, "rlast"),
        ("input", 1, "rvalid"),
        ("output", 1, "rready"),
        ("output", port_bits, "wdata"),
        ("output", port_bits // 8, "wstrb"),
        ("output", 1, "wlast"),
        ("output", 1, "wvalid"),
        ("input", 1, "wready"),
        ("input", ID_BITS, "bid"),
        ("input", 2, "bresp"),
        ("input", 1, "bvalid"),
        ("output", 1, "bready"),
    ]


def _constants(port_bits: int) -> dict[str, str]:
    """Return what never changes (AMBA AXI4, A3.4.1 and A4.4)."""
    each = {
        "id": f"{ID_BITS}'d0",
        "size": f"3'd{ceil_log2(port_bits // 8)}",
        "burst": "2'b01",
        "lock": "1'b0",
        "cache": "4'b0011",
        "prot": "3'b000",
        "qos": "4'd0",
    }
    return {f"{channel}{name}": value for channel in ("ar", "aw") for name, value in each.items()}


def _range(bits: int) -> str:
    return "" if bits == 1 else f"[{bits - 1}:0] "
