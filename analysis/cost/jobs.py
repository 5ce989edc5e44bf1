"""The builds that the tools are run on: the shipped tables are their answers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...model.config import AcceleratorConfig, Layout
from .asic import AsicRow, synthesize
from .designs import Part, small_build
from .ecp5 import Ecp5Row, route
from .ultrascale import UltraScaleRow, count

Row = AsicRow | Ecp5Row | UltraScaleRow


@dataclass(frozen=True)
class Job:
    """One run of tools: what it is called, and how it is run, given a limit in s."""

    name: str
    run: Callable[[float], Row]


BASE = small_build()
LEAST = small_build(slots=1, elements=1, port_bits=128)
GREAT = small_build(slots=8, elements=8)
LANES = (
    BASE,
    LEAST,
    small_build(slots=1),
    small_build(elements=1),
    small_build(slots=8),
    small_build(elements=8),
    small_build(code=(5, 8)),
    small_build(port_bits=128),
    small_build(slots=1, elements=1, port_bits=64, code=(5, 8)),
    small_build(slots=2, elements=2, port_bits=256),
    GREAT,
    small_build(slots=2, elements=4, code=(4, 9)),
    small_build(code=(4, 9)),
    replace(BASE, hidden_capacity=4096),
    replace(BASE, row_leaks=True),
    replace(LEAST, row_leaks=True),
)
ENGINES = (
    BASE,
    LEAST,
    replace(LEAST, lanes=16),
    small_build(slots=1, elements=1, port_bits=128, bits=8, least_index_bits=2, layouts=frozenset(Layout)),
    small_build(slots=8, elements=1, port_bits=128, bits=8),
    small_build(slots=1, elements=8, port_bits=128),
    small_build(slots=2, elements=2, lanes=8, port_bits=256),
    replace(LEAST, local_bytes=1 << 16),
    small_build(lanes=16),
    small_build(slots=8, elements=8, lanes=8),
    small_build(bits=8, least_index_bits=2, layouts=frozenset(Layout)),
    small_build(slots=2, elements=2, port_bits=256, local_bytes=1 << 16),
    replace(BASE, row_leaks=True),
    replace(LEAST, row_leaks=True),
)
ASIC = {
    "nangate45": (LANES, ENGINES),
    "asap7": ((BASE, LEAST, GREAT), (BASE, LEAST)),
    "sky130hd": ((BASE, LEAST), (BASE, LEAST)),
}
"""Lanes and engines by library."""
SLICES = (
    LEAST,
    replace(LEAST, lanes=8),
    small_build(slots=1, elements=1, port_bits=64, lanes=16),
    small_build(slots=2, elements=2, port_bits=128),
    small_build(slots=1, port_bits=128),
    small_build(elements=1, port_bits=128),
    small_build(port_bits=128),
)
"""Builds whose lanes are placed and routed, 4 to 16 of them. The 16 have a port of 64 bits: at 128 their memories are
RAMs of LUTs, and take them to 83 % of the chip."""
FPGA_HIDDEN = 4096
"""Of the published model."""
ULTRASCALE = (
    (
        BASE,
        LEAST,
        GREAT,
        small_build(slots=1),
        small_build(elements=1),
        small_build(code=(5, 8)),
        small_build(slots=1, elements=1, port_bits=64, code=(5, 8)),
    ),
    (BASE, LEAST, small_build(lanes=16)),
)
"""Lanes and engines."""


def all_jobs() -> dict[str, list[Job]]:
    """Return the runs behind every table of logic, by its name."""
    tables = {f"asic-{node}": [_asic(part, node) for part in parts_of(*parts)] for node, parts in ASIC.items()}
    tables["ecp5"] = [_slice(Part(build, True)) for build in SLICES]
    tables["ultrascale"] = [_count(_at_full_size(part)) for part in parts_of(*ULTRASCALE)]
    return tables


def parts_of(lanes: tuple[AcceleratorConfig, ...], engines: tuple[AcceleratorConfig, ...]) -> list[Part]:
    """Return the lanes and the engines of these builds."""
    return [*(Part(build, True) for build in lanes), *(Part(build, False) for build in engines)]


def _at_full_size(part: Part) -> Part:
    return replace(part, build=replace(part.build, hidden_capacity=FPGA_HIDDEN))


def _asic(part: Part, node: str) -> Job:
    return Job(f"{part.name}, {node}", lambda seconds: synthesize(part, node, seconds))


def _slice(part: Part) -> Job:
    return Job(f"{part.build.lanes} x {part.name}, ECP5", lambda seconds: route(part, seconds))


def _count(part: Part) -> Job:
    return Job(f"{part.name}, UltraScale+", lambda seconds: count(part, seconds))
