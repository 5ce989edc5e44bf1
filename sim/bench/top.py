"""`bench_top`: the engine with its memory inside the simulator, so that no Python runs per clock cycle."""

from typing import Any

from amaranth import Shape
from amaranth.lib import data
from amaranth.lib.wiring import Out

from ...rtl.bus.axi import ADDRESS_BITS, address_layout, read_layout, request_layout, response_layout, write_layout
from ...rtl.bus.lite import AxiLitePort
from ..memory.dram import COUNTERS as DRAM_COUNTERS
from ..memory.dram import PORTS as DRAM_PORTS
from ..memory.image import MEMORY_SOURCES
from ..verilog import Design

TOP = "bench_top"

_CONTROL = (  # the bench drives and reads the engine here
    *(
        ("output" if member.flow is Out else "input", Shape.cast(member.shape).width, f"control__{name}")
        for name, member in AxiLitePort().flip().members.items()
    ),
    ("output", 1, "interrupt"),
)
_MEMORY = (  # and the memory's behavior here: sim/memory/memory.sv
    ("input", 16, "latency"),
    ("input", 16, "write_latency"),
    ("input", 16, "gap"),
    *(("input", 8, f"{channel}_stall") for channel in ("ar", "r", "aw", "w", "b")),
    ("input", 32, "stall_seed"),
    *(("input", 16, name) for name in DRAM_PORTS),
    ("input", 1, "restart"),
    ("input", 1, "load"),
    ("input", 1, "dump"),
    ("output", 32, "violations"),
    ("output", 64, "beats_read"),
    ("output", 64, "beats_written"),
    *(("output", 64, name) for name in DRAM_COUNTERS),
)

SETTINGS = tuple(
    name for direction, _, name in _MEMORY if direction == "input" and name not in ("restart", "load", "dump")
)
"""Inputs that a plan sets."""


def bench_top(engine: Design, port_bits: int, depth: int) -> Design:
    """Return the design `bench_top`: `engine` and a memory of `depth` beats of `port_bits` on its port.

    Its ports are clk, rst, the engine's control__* (AXI4-Lite) and interrupt, and the memory's settings and counters.
    Raises ValueError when the engine's ports are not those that the bench connects.
    """
    channels = _channels(port_bits)
    joined = {f"memory__{name}__{part}" for name in channels for part in ("valid", "ready", "payload")}
    expected = {"clk", "rst", *joined, *(name for _, _, name in _CONTROL)}
    if set(engine.ports) != expected:
        missing, extra = sorted(expected - set(engine.ports)), sorted(set(engine.ports) - expected)
        raise ValueError(f"{engine.top}: the bench needs the ports {missing!r} and does not know {extra!r}")
    return engine.inside(TOP, _text(engine.top, channels, port_bits, depth), MEMORY_SOURCES)


def _channels(port_bits: int) -> dict[str, data.StructLayout]:
    """Payload of each channel, of which Amaranth makes one port."""
    return {
        "ar": request_layout(),
        "r": read_layout(port_bits),
        "aw": address_layout(),
        "w": write_layout(port_bits),
        "b": response_layout(),
    }


def _text(engine: str, channels: dict[str, data.StructLayout], port_bits: int, depth: int) -> str:
    ports = [("input", 1, "clk"), ("input", 1, "rst"), *_CONTROL, *_MEMORY]
    wires: list[str] = []
    engine_pins = [f".{name}({name})" for name in ("clk", *(name for _, _, name in _CONTROL))]
    memory_pins = [f".{name}({name})" for name in ("clk", *(name for _, _, name in _MEMORY))]
    for channel, layout in channels.items():
        prefix = f"memory__{channel}"
        wires += [f"    wire {prefix}__valid, {prefix}__ready;", f"    wire {_range(layout.size)}{prefix}__payload;"]
        engine_pins += [f".{prefix}__{part}({prefix}__{part})" for part in ("valid", "ready", "payload")]
        memory_pins += [f".{channel}_{part}({prefix}__{part})" for part in ("valid", "ready")]
        memory_pins += [f".{channel}_{field}({prefix}__payload{bits})" for field, bits in _fields(layout)]
    parameters = f".DATA_BITS({port_bits}), .ADDRESS_BITS({ADDRESS_BITS}), .DEPTH({depth})"
    return "\n".join(
        [
            f"module {TOP}(",
            ",\n".join(f"    {direction} wire {_range(width)}{name}" for direction, width, name in ports),
            ");",
            *wires,
            # every next state depends on the reset: straight from a port, Verilator would work all of them out anew
            # at each of the clock's edges, four tenths of its time
            "    reg reset = 1'b1;",
            "    always @(posedge clk) reset <= rst;",
            f"    {engine} engine(.rst(reset), {', '.join(engine_pins)});",
            f"    normq_memory #({parameters}) memory(.rst(reset), {', '.join(memory_pins)});",
            "endmodule",
            "",
        ]
    )


def _range(width: int) -> str:
    return "" if width == 1 else f"[{width - 1}:0] "


def _fields(layout: Any) -> list[tuple[str, str]]:
    """Name and bit select of each field; none for the only bit of a payload of one bit."""
    selects = {name: f"[{field.offset + field.width - 1}:{field.offset}]" for name, field in layout}
    return [(name, select if layout.size > 1 else "") for name, select in selects.items()]
