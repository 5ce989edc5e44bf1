"""An edge descriptor in a chain, without a simulator."""

from typing import Any

from ....model.config import AcceleratorConfig
from ....rtl.operation import Opcode
from ...memory.map import MemoryMap
from ..structures import DESCRIPTOR
from .cycle import borrow, give_back, run_unit
from .settings import read_list, settings_of


def run_edges(
    config: AcceleratorConfig,
    memory: MemoryMap,
    address: int,
    engine: Any,
    dram: Any,
    counters: Any,
    start: int,
    limit: int,
) -> int:
    """Run the descriptor at `address` from cycle `start` on, in which its list is asked for.

    Adds to `counters`; returns the cycle in which it reports, -1 when that does not come before cycle `limit`.
    `engine` is the engine with its stages at rest (`engine.STATE`), `dram` [1] what is behind its memory; both go on.
    """
    descriptor = {name: int(row[0]) for name, row in DESCRIPTOR.read(memory.constant(address)).items()}
    settings = settings_of(config, descriptor)
    is_sums = descriptor["opcode"] == Opcode.EDGE_SUMS.value
    edges = read_list(memory.constant(descriptor["stream"]), descriptor["vectors"], is_sums=is_sums)
    state = borrow(settings, engine)
    ended = run_unit(state, dram, edges, counters, start, limit)
    give_back(state, engine)
    return ended
