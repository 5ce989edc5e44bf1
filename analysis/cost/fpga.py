"""What a build takes of an UltraScale+ chip. Counts by Yosys and by rules; its clock is assumed, nothing is routed.

Lanes and the engine around them are rows of the table, or follow it (analysis/cost/ultrascale_parts.py). Memories
follow the shapes of the chip's blocks (AMD UG573): a block RAM holds 36 kbit, 72 bits wide at most with one read and
one write port; an UltraRAM 4096 words of 72 bits, taken where it is at least half full; below 64 words LUTs hold a
memory.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from ...model.config import AcceleratorConfig
from .designs import Part
from .macros import Macro, macros_of
from .part_tables import has_engine
from .ultrascale_parts import TABLE, Counts, engine_counts, lane_counts

NO_ENGINE = Counts(0.0, 0.0, 0.0, False, 0.0)
ASSUMED_MHZ = 200.0
"""No place and route of this family is open. An assumption."""
BLOCK_SHAPES = ((72, 512), (36, 1024), (18, 2048), (9, 4096), (4, 8192), (2, 16384), (1, 32768))
"""Bits and words of a block RAM."""
ULTRA_BITS, ULTRA_WORDS = 72, 4096
LUT_RAM_WORDS, LUT_RAM_BITS = 64, 7
"""Eight LUTs hold 64 words of seven bits with a read port of their own (RAM64M8)."""
LUTS_OF_LUT_RAM = 8


@dataclass(frozen=True)
class Memories:
    """Blocks that hold the memories of a build."""

    lut_rams: int
    block_rams: float
    ultra_rams: int


def memories_of(config: AcceleratorConfig) -> Memories:
    """Return the blocks of all memories of a build."""
    found = [(macro.physical, blocks_of(macro)) for macro in macros_of(config)]
    return Memories(
        sum(count * blocks.lut_rams for count, blocks in found),
        sum(count * blocks.block_rams for count, blocks in found),
        sum(count * blocks.ultra_rams for count, blocks in found),
    )


@lru_cache(maxsize=1 << 12)
def blocks_of(macro: Macro) -> Memories:
    """Return the blocks of one memory with one read port."""
    width, depth = macro.width, macro.depth
    if depth <= LUT_RAM_WORDS:
        return Memories(LUTS_OF_LUT_RAM * ceil(width / LUT_RAM_BITS), 0, 0)
    if depth * 2 > ULTRA_WORDS:
        return Memories(0, 0, ceil(width / ULTRA_BITS) * ceil(depth / ULTRA_WORDS))
    return Memories(0, min(ceil(width / bits) * ceil(depth / words) for bits, words in BLOCK_SHAPES), 0)


@dataclass(frozen=True)
class FpgaCost:
    """A build on an UltraScale+ chip."""

    luts: float
    lut_rams: int
    """LUTs that are memories."""
    flip_flops: float
    dsps: float
    block_rams: float
    """Of 36 kbit."""
    ultra_rams: int
    """Of 288 kbit."""
    kind: str
    """Of LUTs, flip-flops and DSP slices: "measured" or "fitted"; memories follow the rule."""
    error: float
    """Relative, of the fit; 0 where measured."""
    has_engine: bool
    """Whether LUTs, flip-flops and DSP slices hold those of the engine around the lanes; not where no row tells."""
    clock_mhz: float = ASSUMED_MHZ
    clock_kind: str = "assumed"


def fpga_cost(config: AcceleratorConfig) -> FpgaCost:
    """Return the counts of a build. Raises OptionError where a table is missing or broken."""
    lane, memories, lanes = lane_counts(Part(config, True)), memories_of(config), config.lanes
    is_whole = has_engine(TABLE)
    engine = engine_counts(Part(config, False)) if is_whole else NO_ENGINE
    luts = lanes * lane.luts + engine.luts
    return FpgaCost(
        luts=luts,
        lut_rams=memories.lut_rams,
        flip_flops=lanes * lane.flip_flops + engine.flip_flops,
        dsps=lanes * lane.dsps + engine.dsps,
        block_rams=memories.block_rams,
        ultra_rams=memories.ultra_rams,
        kind="measured" if lane.is_measured and engine.is_measured else "fitted",
        error=(lanes * lane.luts * lane.error + engine.luts * engine.error) / luts,
        has_engine=is_whole,
    )
