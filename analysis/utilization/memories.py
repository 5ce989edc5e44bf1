"""Bits of memory on chip, from the design itself: every memory that its components make."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from amaranth.hdl import Fragment, Instance, MemoryInstance, Shape

from ...model.config import AcceleratorConfig
from ...rtl.engine import LANE_MODULE, Engine

KINDS = {
    "x": r"lane/x/",
    "second factor": r"lane/second/",
    "emission": r"lane/emissions",
    "z": r"lane/z$",
    "results": r"lane/bank_",
    "y": r"lane/y/",
    "tables": r"(rows|codebooks)/",
    "fetch buffers": r"fetch_\w+/",
    "constraint unit": r"constraint/",
    "local memory": r"sides/memory/",
    "queues": r"",
}
"""Kind of memory and what its path has; the first that fits. Those of `lane` are there P times."""


def memory_bits(config: AcceleratorConfig) -> dict[str, int]:
    """Return the bits of every kind of memory in a build, all lanes together."""
    engine = Engine(config)
    bits: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
    parts = engine.parts()
    lane = dict(_memories(Fragment.get(parts[LANE_MODULE], None), "lane"))
    for path, size in _memories(Fragment.get(engine, None), ""):
        bits[_kind(path)] += size
    for path, size in lane.items():
        bits[_kind(path)] += config.lanes * size
    return dict(bits)


def _kind(path: str) -> str:
    return next(kind for kind, pattern in KINDS.items() if re.search(pattern, path))


def _memories(fragment: Fragment, path: str) -> Iterator[tuple[str, int]]:
    """Every memory below `fragment`, by its path, and its bits. Lanes are instances, found by their own walk."""
    inner: Any = fragment  # Amaranth's stubs do not tell what a fragment holds, nor the cells of a memory
    if isinstance(fragment, MemoryInstance):
        yield path, Shape.cast(inner._data.shape).width * inner._data.depth
    elif not isinstance(fragment, Instance):
        for part, name, _ in inner.subfragments:
            yield from _memories(part, f"{path}/{name}")
