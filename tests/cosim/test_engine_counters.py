"""Counters add up, exactly: cycles by what gather did, entries, and the bytes of every kind that sizes say."""

from pathlib import Path

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.model.formats import CODE_BYTES, VectorCode
from normq.model.golden.constants import Operation
from normq.model.packing.directory import directory_of
from normq.model.packing.matrix import PackedMatrix, PackedModel
from normq.rtl.operation import DESCRIPTOR_BYTES, RECORD_BYTES
from normq.sim.session import JobOutcome, MemoryBehavior
from normq.tests.cosim.engine_cases import STALLS, Session, operands
from normq.tests.cosim.test_engine_equality import CONFIGS, label
from normq.tests.model.golden_cases import random_model

HIDDEN, VOCAB, BITS, BATCH = 100, 203, 5, 9
MODEL = random_model(HIDDEN, VOCAB, BITS, VectorCode(), 0.2)
BLOCK = 64


def up(size: int, unit: int) -> int:
    """Bytes in whole units."""
    return -(-size // unit) * unit


def matrix_of(packed: PackedModel, operation: Operation) -> PackedMatrix:
    return {
        Operation.FORWARD: packed.alpha_by_column,
        Operation.BACKWARD: packed.alpha_by_row,
        Operation.SCORES: packed.beta_by_token,
    }[operation]


def gather_cycles(matrix: PackedMatrix, entries_per_cycle: int) -> int:
    """Cycles that one pass over the stream keeps gather busy: its header, and S entries a cycle, cut at blocks."""
    if matrix.layout is Layout.DENSE:
        return 1 + matrix.outputs * -(-matrix.inputs // entries_per_cycle)
    whole, rest = divmod(matrix.entries, matrix.entry_format.per_block)
    return 1 + whole * -(-matrix.entry_format.per_block // entries_per_cycle) + -(-rest // entries_per_cycle)


def emission_bytes(matrix: PackedMatrix, tokens: list[int]) -> int:
    """Bytes of the blocks that hold the columns of these tokens."""
    offsets = directory_of(matrix).offsets
    total = 0
    for token in tokens:
        if matrix.layout is Layout.DENSE:
            start, end = (matrix.dense_output_bytes * number for number in (token, token + 1))
            total += up(end, BLOCK) - start // BLOCK * BLOCK
        elif offsets[token + 1] > offsets[token]:
            per_block = matrix.entry_format.per_block
            total += BLOCK * int((offsets[token + 1] - 1) // per_block - offsets[token] // per_block + 1)
    return total


def expected_counters(
    config: AcceleratorConfig, packed: PackedModel, operation: Operation, tokens: list[int]
) -> dict[str, int]:
    """Every counter of an operation that sizes alone decide."""
    matrix, groups, port = matrix_of(packed, operation), -(-BATCH // config.lanes), config.port_bytes
    is_dense, is_score = matrix.layout is Layout.DENSE, operation is Operation.SCORES
    entries = matrix.inputs * matrix.outputs if is_dense else matrix.entries
    records = matrix.outputs if is_dense else int(np.unpackbits(matrix.nonempty).sum())
    words = [-(-size // config.elements_per_cycle) for size in (matrix.inputs, matrix.outputs)]
    passes = {Operation.FORWARD: (2, 1), Operation.BACKWARD: (1, 2), Operation.SCORES: (2, 0)}[operation]
    header = 2 * CODE_BYTES * config.lanes
    return {
        "gather.busy": groups * gather_cycles(matrix, config.entries_per_cycle),
        "gather.entries": groups * entries,
        "gather.multiply_accumulates": BATCH * entries,
        "passes.words": groups * sum(count * size for count, size in zip(passes, words, strict=True)),
        "read.descriptors": DESCRIPTOR_BYTES,
        "read.tables": 0 if is_dense or is_score else up(up(matrix.outputs, 8) // 8, BLOCK),
        "read.records": up(RECORD_BYTES * BATCH, BLOCK),
        "read.emissions": emission_bytes(packed.beta_by_token, tokens) if operation is Operation.FORWARD else 0,
        "read.vectors": BATCH * up(CODE_BYTES * matrix.inputs, BLOCK),
        "read.weights": groups * up(matrix.data.size, BLOCK),
        "write.vectors": 0 if is_score else BATCH * up(CODE_BYTES * matrix.outputs, port),
        "write.headers": 0 if is_score else groups * up(header, port),
        "write.scores": groups * up(header + records * config.record_bytes, port) if is_score else 0,
    }


def check_beats(done: JobOutcome, port_bytes: int) -> None:
    """The bytes of all kinds are those that the memory itself counted."""
    for kind, beats in (("read.", done.beats_read), ("write.", done.beats_written)):
        counted = sum(value for name, value in done.counters.items() if name.startswith(kind))
        assert counted == beats * port_bytes, done.job.name


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("behavior", [MemoryBehavior(), STALLS], ids=label)
@pytest.mark.parametrize("shape", CONFIGS[1:4], ids=label)
def test_counters(shape: AcceleratorConfig, behavior: MemoryBehavior, layout: Layout, tmp_path: Path) -> None:
    """The same whatever the memory does; only stalls differ."""
    session = Session(shape)
    golden = MODEL.golden(layout)
    image = session.load(golden)
    vectors, tokens = operands(MODEL, BATCH, 1)
    for operation in Operation:
        session.add(golden, image, operation, vectors, tokens)
    for done in session.run(tmp_path, behavior).jobs:
        check_beats(done, shape.port_bytes)
        if done.job.operation is not None:
            expected = expected_counters(shape, golden.packed, done.job.operation, tokens.tolist())
            assert {name: done.counters[name] for name in expected} == expected, done.job.name


@pytest.mark.parametrize("layout", Layout)
def test_no_bubble_in_the_stream(layout: Layout, tmp_path: Path) -> None:
    """A further group costs its header and its entries over S, nothing else: no bubble between outputs, blocks, groups.

    Where gather is the narrowest stage, as here; the last entries of a sparse block may be fewer than S.
    """
    shape = CONFIGS[2]
    session = Session(shape)
    model = random_model(128, 256, 8, VectorCode(), 0.9)
    golden = model.golden(layout)
    image = session.load(golden)
    groups = (2, 3, 4)
    vectors, tokens = operands(model, groups[-1] * shape.lanes, 1)
    for operation in Operation:
        for batch in (count * shape.lanes for count in groups):
            session.add(golden, image, operation, vectors.take(np.arange(batch)), tokens[:batch])
    done = session.run(tmp_path).jobs[len(image.loads()) :]
    for number, operation in enumerate(Operation):
        runs = [run.counters for run in done[number * len(groups) :][: len(groups)]]
        # more records delay the first vectors, once, by up to a cycle a block; a bubble would come with every output
        waits = [run["engine.cycles"] - run["gather.busy"] for run in runs]
        record_blocks = (groups[-1] - groups[0]) * shape.lanes * RECORD_BYTES // BLOCK
        # and the reads of a group may meet those of the one before
        assert max(waits) - min(waits) <= record_blocks + groups[-1] - groups[0], operation
        assert [run["gather.stall_memory"] + run["gather.stall_output"] for run in runs] == [0] * len(groups)
        one_pass = gather_cycles(matrix_of(golden.packed, operation), shape.entries_per_cycle)
        assert [run["gather.busy"] for run in runs] == [count * one_pass for count in groups]
