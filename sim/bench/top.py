"""`bench_top`: the engine with its memory inside the simulator, so that no Python runs per clock cycle."""

from ..memory.image import MEMORY_SOURCE
from ..verilog import Design

ADDRESS_BITS = 40
TOP = "bench_top"

# (engine's port, width, memory's port); widths as Verilog ranges, empty for one bit
_FROM_ENGINE = (
    ("memory__ar__valid", "", "ar_valid"),
    ("memory__ar__payload__address", "[{address}:0] ", "ar_address"),
    ("memory__ar__payload__length", "[7:0] ", "ar_length"),
    ("memory__r__ready", "", "r_ready"),
    ("memory__aw__valid", "", "aw_valid"),
    ("memory__aw__payload__address", "[{address}:0] ", "aw_address"),
    ("memory__aw__payload__length", "[7:0] ", "aw_length"),
    ("memory__w__valid", "", "w_valid"),
    ("memory__w__payload__data", "[{data}:0] ", "w_data"),
    ("memory__w__payload__strobe", "[{strobe}:0] ", "w_strobe"),
    ("memory__w__payload__last", "", "w_last"),
    ("memory__b__ready", "", "b_ready"),
)
_TO_ENGINE = (
    ("memory__ar__ready", "", "ar_ready"),
    ("memory__r__valid", "", "r_valid"),
    ("memory__r__payload__data", "[{data}:0] ", "r_data"),
    ("memory__r__payload__last", "", "r_last"),
    ("memory__r__payload__error", "", "r_error"),
    ("memory__aw__ready", "", "aw_ready"),
    ("memory__w__ready", "", "w_ready"),
    ("memory__b__valid", "", "b_valid"),
    ("memory__b__payload__error", "", "b_error"),
)
_CONTROL = (  # the bench drives and reads the engine here
    ("input", "[11:0] ", "csr__address"),
    ("input", "", "csr__write"),
    ("input", "[31:0] ", "csr__write_data"),
    ("output", "[31:0] ", "csr__read_data"),
    ("output", "", "interrupt"),
)
_MEMORY = (  # and the memory's behavior here: sim/memory/memory.sv
    ("input", "[15:0] ", "latency"),
    ("input", "[15:0] ", "write_latency"),
    ("input", "[15:0] ", "gap"),
    *(("input", "[7:0] ", f"{channel}_stall") for channel in ("ar", "r", "aw", "w", "b")),
    ("input", "[31:0] ", "stall_seed"),
    ("input", "", "load"),
    ("input", "", "dump"),
    ("output", "[31:0] ", "violations"),
    ("output", "[63:0] ", "beats_read"),
    ("output", "[63:0] ", "beats_written"),
)


def bench_top(engine: Design, data_bits: int, depth: int) -> Design:
    """Return the design `bench_top`: `engine` and a memory of `depth` words of `data_bits` on its port.

    Its ports are clk, rst, the engine's csr__* and interrupt, and the memory's settings and counters.
    Raises ValueError when the engine's ports are not those that the bench connects.
    """
    expected = {"clk", "rst", *(row[0] for row in (*_FROM_ENGINE, *_TO_ENGINE)), *(row[2] for row in _CONTROL)}
    if set(engine.ports) != expected:
        missing, extra = sorted(expected - set(engine.ports)), sorted(set(engine.ports) - expected)
        raise ValueError(f"{engine.top}: the bench needs the ports {missing!r} and does not know {extra!r}")
    return engine.inside(TOP, _text(engine.top, data_bits, depth), (MEMORY_SOURCE,))


def _text(engine: str, data_bits: int, depth: int) -> str:
    limits = {"address": ADDRESS_BITS - 1, "data": data_bits - 1, "strobe": data_bits // 8 - 1}
    ports = [("input", "", "clk"), ("input", "", "rst"), *_CONTROL, *_MEMORY]
    joined = (*_FROM_ENGINE, *_TO_ENGINE)
    wires = [f"    wire {width.format(**limits)}{name};" for name, width, _ in joined]
    engine_pins = [f".{name}({name})" for name in ("clk", "rst", *(row[2] for row in _CONTROL))]
    engine_pins += [f".{name}({name})" for name, _, _ in joined]
    memory_pins = [f".{name}({name})" for name in ("clk", "rst", *(row[2] for row in _MEMORY))]
    memory_pins += [f".{pin}({name})" for name, _, pin in joined]
    parameters = f".DATA_BITS({data_bits}), .ADDRESS_BITS({ADDRESS_BITS}), .DEPTH({depth})"
    return "\n".join(
        [
            f"module {TOP}(",
            ",\n".join(f"    {direction} wire {width}{name}" for direction, width, name in ports),
            ");",
            *wires,
            f"    {engine} engine(\n        " + ",\n        ".join(engine_pins) + ");",
            f"    normq_memory #({parameters}) memory(\n        " + ",\n        ".join(memory_pins) + ");",
            "endmodule",
            "",
        ]
    )
