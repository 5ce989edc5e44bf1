"""What a build takes of an UltraScale+ chip. Counts by Yosys and by rules; its clock is assumed, nothing is routed.

LUTs and flip-flops follow nangate45's gate equivalents and flip-flops by the mean ratio of the parts that both tables
have; DSP slices are those that a lane's multipliers were mapped to. Memories follow the shapes of the chip's blocks
(AMD UG573): a block RAM holds 36 kbit, 72 bits wide at most with one read and one write port; an UltraRAM 4096 words of
72 bits, taken where it is at least half full; below 64 words LUTs hold a memory.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from math import ceil

from ...model.config import AcceleratorConfig
from .designs import Part
from .fit import Fit, fit, mean_ratio
from .logic_tables import REFERENCE, part_figures
from .macros import Macro, macros_of
from .part_tables import has_engine, part_key, table_parts

TABLE = "ultrascale"
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
    lane, memories, lanes = _part(Part(config, True)), memories_of(config), config.lanes
    is_whole = has_engine(TABLE)
    engine = _part(Part(config, False)) if is_whole else NOTHING
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


@dataclass(frozen=True)
class _Counts:
    luts: float
    flip_flops: float
    dsps: float
    is_measured: bool
    error: float


NOTHING = _Counts(0.0, 0.0, 0.0, False, 0.0)


@dataclass(frozen=True)
class _Ratios:
    """Of lanes or of engines: the rows, and what the others follow from."""

    rows: dict[tuple[int, ...], _Counts]
    luts: float
    """To gate equivalents of the reference library."""
    flip_flops: float
    """To its flip-flops."""
    dsps: Fit
    error: float


def _part(part: Part) -> _Counts:
    ratios = _ratios(part.is_lane)
    found = ratios.rows.get(part_key(part))
    if found is not None:
        return found
    gates = part_figures(part, REFERENCE)
    return _Counts(
        gates.gate_equivalents * ratios.luts,
        gates.flip_flops * ratios.flip_flops,
        ratios.dsps(_multipliers(part)),
        False,
        (1 + gates.error) * (1 + ratios.error) - 1,
    )


@cache
def _ratios(is_lane: bool) -> _Ratios:
    rows = table_parts(TABLE, is_lane, ("luts", "flip_flops", "dsps"))
    gates = [part_figures(part, REFERENCE) for part, _ in rows]
    pairs = [(row, found) for (_, row), found in zip(rows, gates, strict=True)]
    luts, error = mean_ratio([row["luts"] / found.gate_equivalents for row, found in pairs])
    flops, _ = mean_ratio([row["flip_flops"] / found.flip_flops for row, found in pairs])
    return _Ratios(
        {part_key(part): _Counts(row["luts"], row["flip_flops"], row["dsps"], True, 0.0) for part, row in rows},
        luts,
        flops,
        fit([_multipliers(part) for part, _ in rows], [max(1.0, row["dsps"]) for _, row in rows]),
        error,
    )


def _multipliers(part: Part) -> tuple[float, float]:
    """What multiplies: slots and elements of a lane; an engine has a few of its own."""
    build = part.build
    return (build.entries_per_cycle, build.elements_per_cycle) if part.is_lane else (1.0, build.elements_per_cycle)
