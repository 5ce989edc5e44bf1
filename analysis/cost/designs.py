"""What is synthesized: one lane, or the engine around its lanes, of a build with a small hidden capacity.

A build is P lanes and one engine around them. Its logic hardly depends on the hidden capacity (addresses grow by a
bit), its memories do and are counted apart.
"""

from dataclasses import dataclass

from ...model.config import AcceleratorConfig, Layout
from ...model.formats import VectorCode
from ...rtl.engine import LANE_MODULE
from ...sim.engine import ENGINE_MODULE, engine_design

HIDDEN_CAPACITY = 256


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
    def name(self) -> str:
        """What it is called on the way."""
        build = self.build
        size = f"S={build.entries_per_cycle} W={build.elements_per_cycle} port {build.port_bits}"
        code = f"E={build.code.exponent_bits} M={build.code.significand_bits}"
        return f"lane {size} {code}" if self.is_lane else f"engine {size} P={build.lanes} b={build.greatest_index_bits}"


def small_build(
    slots: int = 4, elements: int = 4, lanes: int = 4, port_bits: int = 512, bits: int = 4, significand: int = 12
) -> AcceleratorConfig:
    """Return a build of one index width, of the sparse layout, whose logic is to be measured."""
    return AcceleratorConfig(
        entries_per_cycle=slots,
        lanes=lanes,
        elements_per_cycle=elements,
        port_bits=port_bits,
        greatest_index_bits=bits,
        least_index_bits=bits,
        layouts=frozenset({Layout.SPARSE}),
        hidden_capacity=HIDDEN_CAPACITY,
        code=VectorCode(5, significand),
    )


LANES = tuple(
    Part(build, True)
    for build in (
        small_build(),
        small_build(slots=1),
        small_build(elements=1),
        small_build(slots=8),
        small_build(elements=8),
        small_build(significand=8),
        small_build(port_bits=128),
    )
)
ENGINES = tuple(
    Part(build, False)
    for build in (
        small_build(),
        small_build(slots=1, elements=1, port_bits=128),
        small_build(lanes=16),
        small_build(bits=8),
    )
)
