"""docs/REGISTERS.md: the manifest's registers, descriptors and codes as a page for people."""

from collections.abc import Iterable
from typing import Any

PAGE = "REGISTERS.md"

_HEAD = """# Registers, descriptors and codes

Generated from `rtl/register_map.py`, `rtl/counters.py` and `rtl/operation.py` by `make registers`; do not edit.
`manifest.json`, which `normq rtl` writes, holds the same for programs.

The control port is an AXI4-Lite subordinate of 32 bits and {bytes} bytes of addresses. AW and W may come in either
order; the two lowest bits of an address do not count; byte strobes are obeyed. A read of an address without a register,
and a write to one, or to a register that is only read, is answered with SLVERR and does nothing; every other access
with OKAY.

A doorbell queues a descriptor: up to {queue} wait. Descriptors run in the order in which they were queued. `interrupt`
is a level: high from a completion until it is acknowledged. One acknowledgment stands for all completions before it, so
acknowledge first, then read COMPLETED. What fails does not stop the queue: FAILED keeps the first.
"""
_COUNTERS = """
{bits} bits each, low register first. They run while descriptors do: read them at rest, or read the high half again.
"""


def register_page(described: dict[str, Any]) -> str:
    """Return the page of a manifest."""
    layouts = [("Descriptor", "descriptor"), ("Vector record", "vector_record"), ("Column record", "column_record")]
    layouts += [("Edge", "edge"), ("Term", "term")]
    codes = [("Opcodes", "opcodes"), ("Layouts", "layouts"), ("Status codes", "statuses")]
    counters = described["counters"]
    parts = [
        _HEAD.format(bytes=described["control_bytes"], queue=described["descriptor_queue"]),
        "\n## Registers\n\n",
        _table(("address", "name", "access", "meaning"), map(_register_row, described["registers"])),
        "\n",
        _table(("register", "bits", "field", "reset", "meaning"), _field_rows(described["registers"])),
        "\n## Counters\n",
        _COUNTERS.format(bits=counters[0]["bits"]),
        "\n",
        _table(("low", "high", "name", "unit", "meaning"), map(_counter_row, counters)),
    ]
    for title, name in layouts:
        layout = described[name]
        parts += [f"\n## {title}\n\n{layout['meaning']}\n\n", _table(("byte", "bits", "field"), _layout_rows(layout))]
    for title, name in codes:
        rows = ((str(code["value"]), f"`{code['name']}`", code["meaning"]) for code in described[name])
        parts += [f"\n## {title}\n\n", _table(("value", "name", "meaning"), rows)]
    return "".join(parts)


def _register_row(register: dict[str, Any]) -> tuple[str, ...]:
    return _address(register["address"]), f"`{register['name']}`", register["access"], register["meaning"]


def _field_rows(registers: Iterable[dict[str, Any]]) -> Iterable[tuple[str, ...]]:
    for register in registers:
        for field in register["fields"]:
            last = field["bit"] + field["bits"] - 1
            bits = str(last) if field["bits"] == 1 else f"{last}:{field['bit']}"
            yield f"`{register['name']}`", bits, f"`{field['name']}`", f"{field['reset']:#x}", field["meaning"]


def _counter_row(counter: dict[str, Any]) -> tuple[str, ...]:
    addresses = _address(counter["address_low"]), _address(counter["address_high"])
    return *addresses, f"`{counter['name']}`", counter["unit"], counter["meaning"]


def _layout_rows(layout: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    for field in layout["fields"]:
        byte, bit = divmod(field["bit"], 8)
        place = f"{byte}" if not bit else f"{byte}, bit {bit}"
        yield place, f"{field['bits']}{', signed' if field['signed'] else ''}", f"`{field['name']}`"


def _address(address: int) -> str:
    return f"0x{address:03x}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
