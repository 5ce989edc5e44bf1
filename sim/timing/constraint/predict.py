"""The counters of an edge descriptor, without a simulator."""

from typing import Any

from ....model.config import AcceleratorConfig
from ....rtl.operation import Opcode
from ...memory.map import MemoryMap
from ..structures import DESCRIPTOR
from .cycle import run_unit, unit_at_rest
from .settings import read_list, settings_of

OPCODES = (Opcode.EDGE_WEIGHTS.value, Opcode.EDGE_SUMS.value)
"""What runs in the unit."""


def runs_in_unit(memory: MemoryMap, address: int) -> bool:
    """Whether the descriptor at `address` is one of edges."""
    return int(DESCRIPTOR.read(memory.constant(address))["opcode"][0]) in OPCODES


def run_edges(
    config: AcceleratorConfig, memory: MemoryMap, address: int, engine: Any, dram: Any, counters: Any, limit: int
) -> int:
    """Add to `counters` what the descriptor at `address` counts; return its cycles, -1 when `limit` was not enough.

    `engine` is the engine at rest (`engine.STATE`), `dram` [1] what is behind its memory.
    """
    descriptor = {name: int(row[0]) for name, row in DESCRIPTOR.read(memory.constant(address)).items()}
    settings = settings_of(config, address, descriptor)
    is_sums = descriptor["opcode"] == Opcode.EDGE_SUMS.value
    edges = read_list(memory.constant(descriptor["stream"]), descriptor["vectors"], is_sums=is_sums)
    return run_unit(unit_at_rest(settings, engine), dram, edges, counters, limit)
