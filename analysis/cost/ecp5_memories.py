"""Memories of lanes on an ECP5, by the shapes of the chip's blocks; every slice that was mapped meets this rule.

Yosys takes LUTs for 32 words and fewer: 16 words of four bits each, with a read and a write port. Deeper ones are block
RAMs of 18 kbit, 36 bits wide at most where one port reads and one writes (Lattice, FPGA-DS-02012).
"""

from dataclasses import dataclass
from math import ceil

from ...model.config import AcceleratorConfig
from .macros import Macro, lane_macros

LUT_RAM_WORDS, LUT_RAM_BITS = 16, 4
"""Of a TRELLIS_DPR16X4."""
GREATEST_LUT_RAM_WORDS = 32
BLOCK_SHAPES = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))
"""Bits and words of a DP16KD."""


@dataclass(frozen=True)
class Blocks:
    """What memories take."""

    distributed_rams: int
    block_rams: int


def lane_memories(config: AcceleratorConfig) -> Blocks:
    """Return the blocks of all lanes of a build."""
    found = [(macro.physical, _blocks_of(macro)) for macro in lane_macros(config)]
    return Blocks(
        sum(count * blocks.distributed_rams for count, blocks in found),
        sum(count * blocks.block_rams for count, blocks in found),
    )


def _blocks_of(macro: Macro) -> Blocks:
    width, depth = macro.width, macro.depth
    if depth <= GREATEST_LUT_RAM_WORDS:
        return Blocks(ceil(width / LUT_RAM_BITS) * ceil(depth / LUT_RAM_WORDS), 0)
    return Blocks(0, min(ceil(width / bits) * ceil(depth / words) for bits, words in BLOCK_SHAPES))
