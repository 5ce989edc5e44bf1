"""The closed form of a build's memories, held to the memories that the design has."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import Fragment, Instance, MemoryInstance, Shape

from normq.analysis.cost.macros import macros_of
from normq.analysis.utilization.memories import memory_bits
from normq.model.config import AcceleratorConfig
from normq.model.formats import VectorCode
from normq.rtl.engine import LANE_MODULE, Engine

SMALL = AcceleratorConfig(
    entries_per_cycle=1,
    lanes=1,
    elements_per_cycle=1,
    port_bits=64,
    greatest_index_bits=2,
    hidden_capacity=64,
    outstanding_reads=1,
    stream_buffer_bytes=512,
)
UNUSUAL = AcceleratorConfig(
    entries_per_cycle=2,
    lanes=4,
    elements_per_cycle=8,
    port_bits=128,
    greatest_index_bits=4,
    outstanding_reads=8,
    local_bytes=65536,
    code=VectorCode(4, 9),
)


@pytest.mark.parametrize(
    "config",
    [SMALL, UNUSUAL, replace(SMALL, row_leaks=True), replace(UNUSUAL, row_leaks=True)],
    ids=["small", "unusual", "small-row-leaks", "unusual-row-leaks"],
)
def test_the_closed_form_lists_every_memory_of_the_design(config: AcceleratorConfig) -> None:
    engine = Engine(config)
    walked: Counter[tuple[int, int, int]] = Counter()
    for shape in _walk(Fragment.get(engine.parts()[LANE_MODULE], None)):
        walked[shape] += config.lanes
    walked.update(_walk(Fragment.get(engine, None)))
    listed: Counter[tuple[int, int, int]] = Counter()
    for macro in macros_of(config):
        listed[macro.width, macro.depth, macro.read_ports] += macro.count
    assert listed == walked


def test_kinds_are_those_of_the_walk() -> None:
    config = replace(UNUSUAL, entries_per_cycle=4)
    listed = Counter(dict.fromkeys(memory_bits(config), 0))
    for macro in macros_of(config):
        listed[macro.kind] += macro.bits
    assert listed == memory_bits(config)


def _walk(fragment: Fragment) -> list[tuple[int, int, int]]:
    """Width, depth and read ports of every memory below; lanes are instances, walked by themselves."""
    inner: Any = fragment  # Amaranth's stubs do not tell what a fragment holds, nor the cells of a memory
    if isinstance(fragment, MemoryInstance):
        return [(Shape.cast(inner._data.shape).width, inner._data.depth, len(inner._read_ports))]
    if isinstance(fragment, Instance):
        return []
    return [shape for part, _, _ in inner.subfragments for shape in _walk(part)]
