"""Weights kept on chip and vectors handed on there: golden bits, predicted counters, traffic that is gone."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.model.errors import LocalMemoryError
from normq.model.golden.constants import Operation
from normq.model.golden.vectors import Vectors
from normq.rtl.bus.axi import LOCAL_BIT
from normq.rtl.operation import Opcode, Status
from normq.sim.descriptors import Job, ModelImage
from normq.sim.memory.map import MemoryMap, Space
from normq.sim.operand import StoredVectors, written_vectors
from normq.sim.read_back import read_vectors
from normq.sim.session import JobOutcome, MemoryBehavior, Outcome
from normq.sim.timing.predict import predict
from normq.tests.cosim.engine_cases import AT_ONCE, SLOW, STALLS, UNEVEN, Session, operands, same
from normq.tests.cosim.test_engine_equality import config, label
from normq.tests.cosim.test_engine_status import BATCH, CONFIG, OUTSIDE, Faults
from normq.tests.cosim.test_engine_status import model_of as model_with_faults
from normq.tests.model.golden_cases import Model, random_model

KIB = 1 << 10
LOCAL = 1 << LOCAL_BIT
CONFIGS = (
    replace(config(2, 2, 2, 64), local_bytes=128 * KIB),
    replace(config(4, 4, 4, 512), local_bytes=128 * KIB),
)
FULL = (
    *CONFIGS,
    replace(config(2, 4, 1, 128), local_bytes=256 * KIB),
    replace(config(8, 8, 4, 256), local_bytes=256 * KIB),
)
EVERYTHING = frozenset(Operation)
BLOCK = 64
RANDOM = (STALLS, *UNEVEN)
"""Behaviors that the timing model does not know."""


def model_of(bits: int) -> Model:
    return random_model(100, 77, bits, CONFIGS[0].code, 0.3, bits)


class Chain:
    """Every operation on vectors from memory, its results on chip; then every operation on those."""

    def __init__(self, shape: AcceleratorConfig) -> None:
        self.session = Session(shape, MemoryMap(shape.local_bytes))

    def add(self, model: Model, layout: Layout, batch: int, resident: frozenset[Operation]) -> None:
        session, golden = self.session, model.golden(layout)
        image = ModelImage(session.config, golden.packed, session.memory, resident)
        session.jobs += image.loads()
        vectors, tokens = operands(model, batch, 1)
        for operation in (Operation.FORWARD, Operation.BACKWARD):
            result = golden.forward(vectors, tokens) if operation is Operation.FORWARD else golden.backward(vectors)
            consumed = tokens if operation is Operation.FORWARD else None
            first = image.operation(operation, vectors, consumed, written_to=Space.LOCAL)
            self._add_vectors(image, first, result)
            assert first.vectors is not None
            addresses = written_vectors(first.vectors, batch, model.shape[0]).addresses
            stored = StoredVectors(addresses, tuple(result.exponents.tolist()))
            second = image.operation(Operation.BACKWARD, stored, written_to=Space.LOCAL)
            self._add_vectors(image, second, golden.backward(result))
            session.add(golden, image, Operation.SCORES, result, tokens, stored)
            session.add(golden, image, Operation.FORWARD, result, tokens, stored)

    def _add_vectors(self, image: ModelImage, job: Job, expected: Vectors) -> None:
        copied = image.copy_out(job)
        self.session.jobs += [job, copied]

        def check(dump: bytes) -> None:
            found = read_vectors(copied, dump, self.session.config.lanes)
            same(found.codes, expected.codes)
            same(found.exponents, expected.exponents)

        self.session.checks.append((copied, check))

    def run(self, folder: Path, behavior: MemoryBehavior) -> Outcome:
        """Golden bits, the bytes that the memory counted; where nothing stalls at random, the counters predicted."""
        session = self.session
        outcome = session.run(folder, behavior)
        for number, done in enumerate(outcome.jobs):
            where = number, done.job.name, behavior
            for kind, beats in (("read.", done.beats_read), ("write.", done.beats_written)):
                assert (*where, kind, total(done, kind)) == (*where, kind, beats * session.config.port_bytes)
            if behavior not in RANDOM:
                found = predict(session.config, session.memory, done.job.descriptors, behavior)
                assert (*where, found.counters) == (*where, done.counters)
        return outcome


def total(done: JobOutcome, kind: str) -> int:
    """Bytes of all counters whose name begins with `kind`."""
    return sum(value for name, value in done.counters.items() if name.startswith(kind))


def streams(model: Model, layout: Layout) -> dict[Operation, int]:
    """Bytes of each weight stream, in whole blocks."""
    packed = model.golden(layout).packed
    matrices = {
        Operation.FORWARD: packed.alpha_by_column,
        Operation.BACKWARD: packed.alpha_by_row,
        Operation.SCORES: packed.beta_by_token,
    }
    return {operation: -(-matrix.data.size // BLOCK) * BLOCK for operation, matrix in matrices.items()}


@pytest.mark.parametrize("behavior", [MemoryBehavior(), STALLS], ids=label)
@pytest.mark.parametrize("shape", CONFIGS, ids=label)
def test_resident_model(shape: AcceleratorConfig, behavior: MemoryBehavior, tmp_path: Path) -> None:
    """Weights cross the port once, when they are copied on chip; each group's pass over them is counted there."""
    bits, layout = ((3, Layout.DENSE), (6, Layout.SPARSE))[CONFIGS.index(shape)]
    chain = Chain(shape)
    batch = 2 * shape.lanes + 1
    chain.add(model_of(bits), layout, batch, EVERYTHING)
    outcome = chain.run(tmp_path, behavior)
    sizes = streams(model_of(bits), layout)
    loaded = [done.counters for done in outcome.jobs if done.job.name.startswith("copy weights")]
    assert [counters["read.copies"] for counters in loaded] == list(sizes.values())
    assert [counters["local.written"] for counters in loaded] == list(sizes.values())
    for done in outcome.jobs:
        counters, operation = done.counters, done.job.operation
        assert counters["read.weights"] == counters["read.emissions"] == 0
        if done.job.vectors is not None and done.job.vectors.address >= LOCAL:
            assert counters["write.vectors"] == 0
            assert counters["local.written"] > 0
        if operation is not None and not done.job.name.endswith("copied out"):
            assert counters["local.weights"] == 3 * sizes[operation]
            assert (counters["local.emissions"] > 0) == (operation is Operation.FORWARD)


@pytest.mark.parametrize(("shape", "behavior"), list(zip(CONFIGS, (SLOW, AT_ONCE), strict=True)), ids=label)
def test_some_on_chip(shape: AcceleratorConfig, behavior: MemoryBehavior, tmp_path: Path) -> None:
    """Some weights on one side, some on the other, in one run: readers go from side to side."""
    chain = Chain(shape)
    for number, resident in enumerate(({Operation.SCORES}, {Operation.FORWARD, Operation.BACKWARD}, set[Operation]())):
        chain.add(model_of(4 + number), list(Layout)[number % 2], shape.lanes + 1, frozenset(resident))
    chain.run(tmp_path, behavior)


@pytest.mark.full
@pytest.mark.parametrize("shape", FULL, ids=label)
def test_everything_on_chip(shape: AcceleratorConfig, tmp_path: Path) -> None:
    behaviors = (MemoryBehavior(), AT_ONCE, SLOW, STALLS, *UNEVEN, MemoryBehavior(1, 300, 3))
    for number, (bits, layout) in enumerate(product((2, 4, 7, 8), Layout)):
        chain = Chain(shape)
        resident = (EVERYTHING, frozenset({Operation.SCORES}), frozenset({Operation.FORWARD}))[number % 3]
        chain.add(model_of(bits), layout, (1, shape.lanes, 3 * shape.lanes - 1)[number % 3], resident)
        chain.run(tmp_path / str(number), behaviors[number])


@pytest.mark.parametrize("layout", Layout)
def test_beyond_the_local_memory(layout: Layout, tmp_path: Path) -> None:
    """Copies are refused; whatever else lies beyond ends in a bus error; the engine goes on."""
    shape = CONFIGS[1]
    faults = Faults(shape, model_with_faults(), layout, tmp_path)
    end = LOCAL + shape.local_bytes
    copy = faults.image.copy("copy", 0, LOCAL, BLOCK)
    for fields in (
        {"stream_blocks": 0},
        {"stream_blocks": 1 << 26},
        {"stream_blocks": 0xFFFFFFFF},
        {"results": end},
        {"stream": end},
        {"results": end - BLOCK, "stream_blocks": 2},
        {"results": LOCAL + (1 << 38)},
    ):
        faults.add(faults.changed(copy, **fields), Status.BAD_SIZE)
    faults.add(faults.changed(copy, results=end - BLOCK), Status.DONE)
    for fields in ({"stream": OUTSIDE}, {"results": OUTSIDE}):
        faults.add(faults.changed(copy, **fields), Status.BUS_ERROR)
    for operation in Operation:
        fields = ["stream", "vector_records", "results"]
        if layout is Layout.SPARSE and operation is not Operation.SCORES:
            fields.append("nonempty")
        for name in fields:
            faults.add(faults.changed(faults.fresh(operation), **{name: end}), Status.BUS_ERROR)
        for name in ("source", *(() if operation is Operation.SCORES else ("destination",))):
            faults.add(faults.with_records(faults.fresh(operation), BATCH - 1, **{name: end}), Status.BUS_ERROR)
    column = {"emission": end, "count": 5, "emission_blocks": 1, "first": 0}
    faults.add(faults.with_records(faults.fresh(Operation.FORWARD), 2, **column), Status.BUS_ERROR)
    faults.add(replace(faults.fresh(Operation.SCORES), name="nowhere", descriptor=end), Status.BUS_ERROR, silent=True)
    faults.run()


def test_copies_without_a_local_memory(tmp_path: Path) -> None:
    """From memory to memory, to the byte; a local address is refused."""
    faults = Faults(CONFIG, model_with_faults(), Layout.SPARSE, tmp_path)
    memory, content = faults.session.memory, bytes(range(256)) * 5
    source, region = memory.place(content), memory.reserve("copied", len(content))
    faults.add(faults.image.copy("copy", source, region.address, len(content)), Status.DONE)
    for fields in ({"stream": LOCAL}, {"results": LOCAL}):
        faults.add(faults.changed(faults.image.copy("copy", 0, 0, BLOCK), **fields), Status.BAD_SIZE)
    outcome = faults.run(STALLS)
    assert outcome.dump[region.address : region.end] == content


def test_what_does_not_fit() -> None:
    golden = model_of(8).golden(Layout.DENSE)
    memory = MemoryMap(16 * KIB)
    message = (
        r"^weights of backward: 10432 bytes do not fit in the local memory, local_bytes must be at least 20864, "
        r"got 16384$"
    )
    with pytest.raises(LocalMemoryError, match=message):
        ModelImage(CONFIGS[0], golden.packed, memory, EVERYTHING)


def test_copy_is_opcode_8() -> None:
    """The contract that hosts are written against."""
    assert Opcode.COPY.value == 8


@pytest.mark.parametrize("size", [1, 2048, 12288, 1 << 24])
def test_sizes_that_cannot_be_built(size: int) -> None:
    with pytest.raises(ValueError, match=rf"^local_bytes must be 0 or a power of two in 4096..8388608, got {size}$"):
        AcceleratorConfig(local_bytes=size)
