"""What is synthesized: one lane, or the engine around its lanes, of a build with a small hidden capacity.

A build is P lanes and one engine around them. Its logic hardly depends on the hidden capacity (addresses grow by a
bit), its memories do and are counted apart.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from ...model.config import AcceleratorConfig, Layout
from ...model.formats import VectorCode
from ...rtl.engine import LANE_MODULE
from ...sim.engine import ENGINE_MODULE, engine_design, source_files

HIDDEN_CAPACITY = 256


@cache
def sources_digest() -> str:
    """Return the digest of the sources that the Verilog comes from: which engine a row was measured on."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in source_files())).hexdigest()[:12]


@dataclass(frozen=True)
class Part:
    """A module of a build, without what it instantiates P times."""

    build: AcceleratorConfig
    is_lane: bool

    @property
    def top(self) -> str:
        """Name of the module."""
        return LANE_MODULE if self.is_lane else ENGINE_MODULE

    @property
    def verilog(self) -> tuple[str, str]:
        """Verilog of the module, and of what only its ports are needed of."""
        lane, engine = engine_design(self.build).texts
        return (lane, "") if self.is_lane else (engine, lane)

    @property
    def sizes(self) -> dict[str, int]:
        """What decides its cost, under the names of the columns of a table of parts."""
        build = self.build
        return {
            "entries_per_cycle": build.entries_per_cycle,
            "elements_per_cycle": build.elements_per_cycle,
            "lanes": build.lanes,
            "port_bits": build.port_bits,
            "index_bits": build.greatest_index_bits,
            "least_index_bits": build.least_index_bits,
            "layouts": len(build.layouts),
            "local_bytes": build.local_bytes,
            "row_leaks": int(build.row_leaks),
            "exponent_bits": build.code.exponent_bits,
            "significand_bits": build.code.significand_bits,
            "hidden_capacity": build.hidden_capacity,
        }

    @property
    def name(self) -> str:
        """What it is called on the way."""
        build = self.build
        size = f"S={build.entries_per_cycle} W={build.elements_per_cycle} port {build.port_bits}"
        end = f"{' row leaks' if build.row_leaks else ''} H={build.hidden_capacity}"
        if self.is_lane:
            return f"lane {size} E={build.code.exponent_bits} M={build.code.significand_bits}{end}"
        least, greatest = build.least_index_bits, build.greatest_index_bits
        widths = f"b={greatest}" if least == greatest else f"b={least}..{greatest}"
        layouts = "+".join(sorted(layout.value for layout in build.layouts))
        local = f" local {build.local_bytes}" if build.local_bytes else ""
        return f"engine {size} P={build.lanes} {widths} {layouts}{local}{end}"


def small_build(
    slots: int = 4,
    elements: int = 4,
    lanes: int = 4,
    port_bits: int = 512,
    bits: int = 4,
    code: tuple[int, int] = (5, 12),
    **others: Any,
) -> AcceleratorConfig:
    """Return a build of one index width, of the sparse layout, whose logic is to be measured."""
    fields: dict[str, Any] = {
        "least_index_bits": bits,
        "layouts": frozenset({Layout.SPARSE}),
        "hidden_capacity": HIDDEN_CAPACITY,
        **others,
    }
    return AcceleratorConfig(
        entries_per_cycle=slots,
        lanes=lanes,
        elements_per_cycle=elements,
        port_bits=port_bits,
        greatest_index_bits=bits,
        code=VectorCode(*code),
        **fields,
    )
