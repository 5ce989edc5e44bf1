"""The constraint unit alone before a burst writer: golden bits under idle cycles and back-pressure on every stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import CODE_BYTES
from normq.model.golden.edges import edge_weights, other_edge_weights
from normq.model.golden.vectors import Vectors
from normq.rtl.bus.axi import address_layout, write_layout
from normq.rtl.bus.fetch import BURST_BLOCKS, range_layout
from normq.rtl.constraint.layouts import HEADER_BYTES
from normq.rtl.operation import Opcode
from normq.rtl.shape import Shape
from normq.sim.bench.component import Recording, Scenario, Source, play, unpacked
from normq.sim.descriptors import Job, ModelImage
from normq.sim.edge_descriptors import ConstraintImage, Edge, StoredTerm
from normq.sim.memory.map import MemoryMap
from normq.sim.operand import place_vectors
from normq.sim.timing.constraint.settings import (
    ADDRESS,
    BLOCKS,
    COUNT,
    FACTOR,
    IS_SINGLE,
    ITEMS,
    OTHERS,
    SECOND,
    read_list,
)
from normq.sim.timing.structures import DESCRIPTOR
from normq.tests.cosim.constraint_parts import WholeUnit
from normq.tests.cosim.edge_cases import Pair, golden_sum, pool_of, same
from normq.tests.model.golden_cases import random_model

CONFIG = AcceleratorConfig(2, 2, 4, 128, hidden_capacity=256)
STALLS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.4, 0.4))
"""Probability that a source offers nothing, and that a sink takes nothing, in a cycle."""
HIDDEN, VOCAB = 150, 61
"""More than a chunk of elements."""
MODEL = random_model(HIDDEN, VOCAB, 4, CONFIG.code, 0.2, 3)
BLOCK = 64
WORD = 8
Range = tuple[int, int]
"""Address and blocks."""


@dataclass(frozen=True)
class Run:
    """A descriptor, what its readers must ask for, and what must be written."""

    job: Job
    descriptor: dict[str, int]
    first: list[Range]
    second: list[Range]
    expected: Vectors


def ranges_of_sums(heads: Any, items: Any) -> tuple[list[Range], list[Range]]:
    """Chunk by chunk, all terms once for the greatest exponents, where there are several, and once more."""
    blocks = -(-HIDDEN * CODE_BYTES // BLOCK)
    first: list[Range] = []
    second: list[Range] = []
    for head in heads:
        terms = items[head[ITEMS] : head[ITEMS] + head[COUNT]]
        for block in range(0, blocks, BURST_BLOCKS):
            count = min(BURST_BLOCKS, blocks - block)
            for term in [*terms] * (1 if len(terms) == 1 else 2):
                first.append((int(term[FACTOR]) + block * BLOCK, count))
                if not term[IS_SINGLE]:
                    second.append((int(term[SECOND]) + block * BLOCK, count))
    return first, second


def ranges_of_weights(heads: Any, items: Any, row_sums: int) -> tuple[list[Range], list[Range]]:
    """Row sums where the edge is that of other tokens; the columns."""
    first = [(row_sums, -(-HIDDEN * 4 // BLOCK)) for head in heads if head[OTHERS]]
    return first, [(int(item[ADDRESS]), int(item[BLOCKS])) for item in items]


class Bench:
    """Runs of the unit on one model, and the memory that they read."""

    def __init__(self, layout: Layout) -> None:
        self.memory = MemoryMap()
        self.golden = MODEL.golden(layout)
        self.image = ConstraintImage(ModelImage(CONFIG, self.golden.packed, self.memory))

    def run_of(self, job: Job, expected: Sequence[Vectors]) -> Run:
        fields = {name: int(row[0]) for name, row in DESCRIPTOR.read(self.memory.constant(job.descriptor)).items()}
        is_sums = fields["opcode"] == Opcode.EDGE_SUMS.value
        heads, items = read_list(self.memory.constant(fields["stream"]), fields["vectors"], is_sums=is_sums)
        ranges = ranges_of_sums(heads, items) if is_sums else ranges_of_weights(heads, items, fields["nonempty"])
        codes, exponents = (np.concatenate([getattr(one, name) for one in expected]) for name in ("codes", "exponents"))
        return Run(job, fields, *ranges, Vectors(codes, exponents))

    def sums(self, sums: Sequence[Sequence[Pair]]) -> Run:
        pool = pool_of(HIDDEN, CONFIG.code, 4)
        stored = place_vectors(self.memory, pool)
        terms = [
            [StoredTerm(stored.take([a]), None if b is None else stored.take([b])) for a, b in pairs] for pairs in sums
        ]
        return self.run_of(self.image.sums(terms), [golden_sum(CONFIG, pool, pairs) for pairs in sums])

    def weights(self, edges: Sequence[Edge]) -> Run:
        expected = [
            (other_edge_weights if edge.others else edge_weights)(self.golden, [np.array(edge.tokens, np.int64)])
            for edge in edges
        ]
        return self.run_of(self.image.weights(edges), expected)

    def play(self, run: Run, folder: Path) -> None:
        """Under every mixture of idle cycles and back-pressure."""
        folder.mkdir(exist_ok=True)
        self.memory.write(folder / "image.bin", CONFIG.port_bytes)
        content = (folder / "image.bin").read_bytes()
        scenarios = [_scenario(run, content, *stalls) for stalls in STALLS]
        unit = WholeUnit(Shape(CONFIG), self.golden)
        recordings = play(unit, "whole_unit", scenarios, folder)
        for found in recordings:
            _check(run, found)
        spans = [found.record["running"].count(1) for found in recordings]
        assert spans[0] < min(spans[1:])


def _scenario(run: Run, content: bytes, idle: float, stall: float) -> Scenario:
    def blocks(ranges: list[Range]) -> list[int]:
        starts = [address + BLOCK * number for address, count in ranges for number in range(count)]
        return [int.from_bytes(content[start : start + BLOCK], "little") for start in starts]

    fields = run.descriptor
    stream = content[fields["stream"] : fields["stream"] + fields["stream_blocks"] * BLOCK]
    settings = {
        "is_sums": fields["opcode"] == Opcode.EDGE_SUMS.value,
        "list_blocks": fields["stream_blocks"],
        "row_sums": fields["nonempty"],
        "is_dense": fields["layout"],
        "width": fields["entry_width"],
        "bits": fields["index_bits"],
        **{name: fields[name] for name in ("inputs", "vectors", "results", "result_stride", "codebook")},
    }
    words = [int.from_bytes(stream[start : start + WORD], "little") for start in range(0, len(stream), WORD)]
    last = write_layout(CONFIG.port_bits)["last"].offset
    return Scenario(
        {"start": [0, 0, 0, 1, 0], **{f"settings__{name}": [int(value)] for name, value in settings.items()}},
        {
            "words": Source(words, idle),
            "first_blocks": Source(blocks(run.first), idle),
            "second_blocks": Source(blocks(run.second), idle / 2),
            "b": Source([0] * 1000, idle, ("w", last)),
        },
        {"first": stall, "second": stall / 2, "aw": stall, "w": stall},
        record=("running", "malformed", "range_error"),
        cycles=4000,
        seed=len(run.first),
    )


def _check(run: Run, found: Recording) -> None:
    """The ranges asked for, and every byte written."""
    for sink, expected in (("first", run.first), ("second", run.second)):
        asked = [unpacked(range_layout(), bits) for bits in found.payloads(sink)]
        assert [(ask.address, ask.blocks) for ask in asked] == expected
    assert found.unstable == 0
    assert not any(found.record["malformed"])
    assert not any(found.record["range_error"])
    assert found.record["running"][-1] == 0
    written = _written(found)
    vectors, results = run.job.vectors, run.job.results
    assert vectors is not None
    assert results is not None
    stride = vectors.size // run.job.batch
    for number, (codes, exponent) in enumerate(zip(run.expected.codes, run.expected.exponents, strict=True)):
        place = vectors.address + number * stride
        same(np.frombuffer(bytes(written.pop(place + n) for n in range(HIDDEN * CODE_BYTES)), "<u2"), codes)
        place = results.address + number * run.job.result_stride
        header = bytes(written.pop(place + n) for n in range(HEADER_BYTES))
        assert header == (0).to_bytes(2, "little") + int(exponent).to_bytes(2, "little", signed=True)
    assert not written


def _written(found: Recording) -> dict[int, int]:
    """Bytes by address."""
    written: dict[int, int] = {}
    beats = iter(found.payloads("w"))
    size = CONFIG.port_bytes
    for bits in found.payloads("aw"):
        burst = unpacked(address_layout(), bits)
        for number in range(burst.length + 1):
            beat = unpacked(write_layout(CONFIG.port_bits), next(beats))
            assert beat.last == (number == burst.length)
            for byte in range(size):
                if beat.strobe >> byte & 1:
                    written[burst.address + number * size + byte] = beat.data >> 8 * byte & 255
    return written


def test_edge_sums(tmp_path: Path) -> None:
    """One term of two factors, of one, and several."""
    bench = Bench(Layout.SPARSE)
    bench.play(bench.sums([[(3, 4)], [(5, None)], [(8, 1), (9, None), (3, 10), (7, 7)]]), tmp_path)


@pytest.mark.parametrize("layout", Layout)
def test_edge_weights(layout: Layout, tmp_path: Path) -> None:
    """Few tokens, more columns than are asked for ahead, all but some, and what is left of all."""
    bench = Bench(layout)
    many = tuple(range(0, 40, 3))
    edges = [Edge((2,)), Edge(many), Edge((4, 60, 5), others=True), Edge((), others=True)]
    bench.play(bench.weights(edges), tmp_path)
