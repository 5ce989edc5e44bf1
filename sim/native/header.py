"""The C++ header of what the native bench takes from Python: registers, counters, inputs that a plan sets."""

from collections.abc import Sequence

from ...rtl.counters import COUNTERS
from ...rtl.operation import Status
from ...rtl.register_map import COUNTER_BASE, QUEUE_DEPTH, Register, control

CONSTANTS = {
    **{f"REGISTER_{register.name}": register.address for register in Register},
    "REGISTER_COUNTERS": COUNTER_BASE,
    "COUNTERS": len(COUNTERS),
    "QUEUE_DEPTH": QUEUE_DEPTH,
    "STATUS_DONE": Status.DONE.value,
    "START": control("clear_counters", "acknowledge", "clear_failed"),
    "ACKNOWLEDGE": control("acknowledge"),
}


def header_text(settings: Sequence[str]) -> str:
    """Return the header; `settings` are the inputs of the design that a plan sets by name."""
    constants = [f"constexpr unsigned {name} = {value};" for name, value in CONSTANTS.items()]
    cases = [f'    if (name == "{port}") return top.{member(port)} = value, true;' for port in settings]
    return "\n".join(
        [
            "#pragma once",
            "#include <cstdint>",
            "#include <string>",
            '#include "Vtop.h"',
            *constants,
            "inline bool set_input(Vtop& top, const std::string& name, uint64_t value) {",
            *cases,
            "    return false;",
            "}",
            "",
        ]
    )


def member(port: str) -> str:
    """Return what Verilator calls a port in C++: two underscores in a row are its own."""
    return port.replace("__", "___05F")
