"""What cannot be run ends with a named status, writes nothing that it should not, and leaves the engine usable."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.model.errors import ArithmeticRangeError
from normq.model.formats import EXPONENT_LIMIT, VectorCode
from normq.model.golden.constants import Operation
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import Vectors
from normq.rtl.operation import DESCRIPTOR_BYTES, RECORD_BYTES, Opcode, Status, descriptor_layout, record_layout
from normq.sim.descriptors import Job, ModelImage
from normq.sim.memory.image import poison, read_dump
from normq.sim.memory.map import MemoryMap
from normq.sim.session import MemoryBehavior, Outcome, run_jobs
from normq.tests.cosim.engine_cases import STALLS, Session, check_counters, operands, simulator
from normq.tests.cosim.test_engine_equality import CONFIGS, NARROW
from normq.tests.model.golden_cases import Model, random_model

DEFAULT = VectorCode()
CONFIG = CONFIGS[2]
HIDDEN, VOCAB, BATCH = 50, 90, 6
OUTSIDE = 1 << 30
LIMIT_CYCLES = 200_000
"""No job of these may take longer: the engine never hangs."""

Fields = dict[str, int]


class Faults:
    """A run in which faulty descriptors and good ones alternate."""

    def __init__(self, config: AcceleratorConfig, model: Model, layout: Layout, folder: Path) -> None:
        self.session = Session(config, MemoryMap(config.local_bytes))
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.golden: GoldenModel = model.golden(layout)
        self.image: ModelImage = self.session.load(self.golden)
        self.vectors, self.tokens = operands(model, BATCH, 3)
        self.expected = [Status.DONE] * len(self.session.jobs)
        self.silent: list[Job] = []
        self._good()

    def fresh(self, operation: Operation) -> Job:
        """A job that is right, not yet in the run."""
        return self.image.operation(operation, self.vectors, self.tokens if operation is Operation.FORWARD else None)

    def bytes_at(self, address: int, size: int) -> bytes:
        path = self.folder / "placed.bin"
        self.session.memory.write(path, 64)
        return read_dump(path, address, size)

    def changed(self, job: Job, **fields: int) -> Job:
        """The job with other values in its descriptor."""
        content = _with_fields(self.bytes_at(job.descriptor, DESCRIPTOR_BYTES), descriptor_layout(), fields)
        named = ", ".join(f"{name}={value}" for name, value in fields.items())
        return replace(job, name=f"{job.name} with {named}", descriptor=self.session.memory.place(content))

    def with_records(self, job: Job, lane: int, **fields: int) -> Job:
        """The job with other values in the record of one vector."""
        at = field_of(self.bytes_at(job.descriptor, DESCRIPTOR_BYTES), descriptor_layout(), "vector_records")
        content = bytearray(self.bytes_at(at, RECORD_BYTES * BATCH))
        place = slice(lane * RECORD_BYTES, (lane + 1) * RECORD_BYTES)
        content[place] = _with_fields(bytes(content[place]), record_layout(), fields)
        named = ", ".join(f"{name}={value}" for name, value in fields.items())
        changed = self.changed(job, vector_records=self.session.memory.place(bytes(content)))
        return replace(changed, name=f"{job.name} with {named} in record {lane}")

    def add(self, job: Job, status: Status, silent: bool = False) -> None:
        """One job that must end with `status`, `silent`: without a write; then one that is right."""
        self.session.jobs.append(job)
        self.expected.append(status)
        if silent:
            self.silent.append(job)
        self._good()

    def run(self, behavior: MemoryBehavior | None = None) -> Outcome:
        session = self.session
        outcome = run_jobs(
            simulator(session.config), session.config, session.memory, session.jobs, self.folder, behavior, LIMIT_CYCLES
        )
        found = [(done.job.name, done.status) for done in outcome.jobs]
        assert found == [(job.name, status) for job, status in zip(session.jobs, self.expected, strict=True)]
        for done in outcome.jobs:
            check_counters(done)
        for job in self.silent:
            for region in filter(None, (job.vectors, job.results)):
                assert outcome.dump[region.address : region.end] == poison(region.size, region.address), job.name
        for _, check in session.checks:
            check(outcome.dump)
        return outcome

    def _good(self) -> None:
        operation = list(Operation)[len(self.expected) // 2 % 3]
        self.session.add(self.golden, self.image, operation, self.vectors, self.tokens)
        self.expected.append(Status.DONE)


def field_of(content: bytes, layout: Any, name: str) -> int:
    field = layout[name]
    return int.from_bytes(content, "little") >> field.offset & ((1 << field.width) - 1)


def _with_fields(content: bytes, layout: Any, fields: Fields) -> bytes:
    value = int.from_bytes(content, "little")
    for name, new in fields.items():
        field = layout[name]
        mask = ((1 << field.width) - 1) << field.offset
        value = value & ~mask | (new << field.offset) & mask
    return value.to_bytes(len(content), "little")


def model_of(bits: int = 4) -> Model:
    return random_model(HIDDEN, VOCAB, bits, DEFAULT, 0.2, bits)


def sink_model() -> Model:
    """Every state goes to state 0 and emits token 7: a forward step makes the greatest element 50 times as great."""
    level = 15
    alpha, beta = np.zeros((HIDDEN, HIDDEN), np.uint8), np.zeros((HIDDEN, VOCAB), np.uint8)
    alpha[:, 0] = beta[:, 7] = level
    return Model(alpha, beta, np.full((1, HIDDEN), level, np.uint8), 4, DEFAULT)


REFUSED: list[tuple[Operation, Fields, Status]] = [
    *((Operation.SCORES, {"opcode": code}, Status.BAD_OPCODE) for code in (0, 9, 128, 255)),
    (Operation.FORWARD, {"inputs": 0}, Status.BAD_SIZE),
    (Operation.SCORES, {"inputs": CONFIG.hidden_capacity + 1}, Status.BAD_SIZE),
    (Operation.BACKWARD, {"inputs": 0xFFFFFFFF}, Status.BAD_SIZE),
    (Operation.FORWARD, {"outputs": 0, "records": 0}, Status.BAD_SIZE),
    (Operation.BACKWARD, {"outputs": CONFIG.hidden_capacity + 1}, Status.BAD_SIZE),
    (Operation.SCORES, {"outputs": CONFIG.vocab_capacity + 1}, Status.BAD_SIZE),
    (Operation.FORWARD, {"vectors": 0}, Status.BAD_SIZE),
    (Operation.SCORES, {"records": VOCAB + 1}, Status.BAD_SIZE),
    (Operation.BACKWARD, {"records": HIDDEN + 1}, Status.BAD_SIZE),
    (Operation.FORWARD, {"layout": 2}, Status.BAD_FORMAT),
    (Operation.SCORES, {"layout": 255}, Status.BAD_FORMAT),
    (Operation.FORWARD, {"index_bits": 1}, Status.BAD_FORMAT),
    (Operation.FORWARD, {"index_bits": 9}, Status.BAD_FORMAT),
    (Operation.SCORES, {"index_bits": 255}, Status.BAD_FORMAT),
    *(
        (Operation.SCORES, {"opcode": opcode.value, **fields}, Status.BAD_SIZE)
        for opcode in (Opcode.EDGE_WEIGHTS, Opcode.EDGE_SUMS)
        for fields in ({"inputs": 0}, {"inputs": CONFIG.hidden_capacity + 1}, {"vectors": 0})
    ),
    (Operation.SCORES, {"opcode": Opcode.EDGE_WEIGHTS.value, "layout": 2}, Status.BAD_FORMAT),
    (Operation.SCORES, {"opcode": Opcode.EDGE_WEIGHTS.value, "index_bits": 9}, Status.BAD_FORMAT),
]


@pytest.mark.parametrize("layout", Layout)
def test_refused_descriptors(layout: Layout, tmp_path: Path) -> None:
    """Refused before anything is written."""
    faults = Faults(CONFIG, model_of(), layout, tmp_path)
    for operation, fields, status in REFUSED:
        faults.add(faults.changed(faults.fresh(operation), **fields), status, silent=True)
    if layout is Layout.SPARSE:
        wrong_width = faults.changed(faults.fresh(Operation.SCORES), entry_width=3)
        faults.add(wrong_width, Status.BAD_FORMAT, silent=True)
        faults.add(faults.changed(faults.fresh(Operation.SCORES), entries=0x7FFFFFFF), Status.BAD_SIZE, silent=True)
    else:
        faults.add(faults.changed(faults.fresh(Operation.SCORES), records=VOCAB - 1), Status.BAD_SIZE, silent=True)
    codebook, _, rows, _ = faults.image.loads()
    for size in (0, 257):
        faults.add(faults.changed(codebook, outputs=size), Status.BAD_SIZE)
    for size in (0, CONFIG.hidden_capacity + 1):
        faults.add(faults.changed(rows, inputs=size), Status.BAD_SIZE)
    faults.run()


def test_what_was_not_built(tmp_path: Path) -> None:
    """A build of one layout and few index widths refuses the others."""
    faults = Faults(NARROW, replace(model_of(), code=NARROW.code), Layout.SPARSE, tmp_path)
    for fields in ({"layout": 1, "records": HIDDEN}, {"index_bits": 3}, {"index_bits": 7}):
        faults.add(faults.changed(faults.fresh(Operation.FORWARD), **fields), Status.BAD_FORMAT, silent=True)
    faults.run(STALLS)


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("behavior", [MemoryBehavior(), STALLS], ids=["steady", "stalls"])
def test_bus_errors(layout: Layout, behavior: MemoryBehavior, tmp_path: Path) -> None:
    """Whatever lies beyond the memory; a result of what was not read is not written."""
    faults = Faults(CONFIG, model_of(), layout, tmp_path)
    for operation in Operation:
        fields = ["stream", "vector_records", "results"]
        if layout is Layout.SPARSE and operation is not Operation.SCORES:
            fields.append("nonempty")
        for name in fields:
            job = faults.changed(faults.fresh(operation), **{name: OUTSIDE})
            faults.add(job, Status.BUS_ERROR, silent=name == "vector_records")
        for name in ("source", *(() if operation is Operation.SCORES else ("destination",))):
            faults.add(faults.with_records(faults.fresh(operation), BATCH - 1, **{name: OUTSIDE}), Status.BUS_ERROR)
    column = {"emission": OUTSIDE, "count": 5, "emission_blocks": 1, "first": 0}
    faults.add(faults.with_records(faults.fresh(Operation.FORWARD), 2, **column), Status.BUS_ERROR)
    for job in faults.image.loads():
        faults.add(faults.changed(job, stream=OUTSIDE), Status.BUS_ERROR)
        for fresh in faults.image.loads():  # what was loaded from nowhere must be loaded again
            faults.session.jobs.append(fresh)
            faults.expected.append(Status.DONE)
        # the good job that `add` put behind the failed load computed with its rubbish
        faults.session.checks.pop()
    faults.add(
        replace(faults.fresh(Operation.SCORES), name="nowhere", descriptor=OUTSIDE), Status.BUS_ERROR, silent=True
    )
    faults.run(behavior)


def _broken_streams(faults: Faults, operation: Operation) -> list[tuple[str, bytes]]:
    """The stream with one bit changed: a `last` flag cleared, one set, an index beyond the inputs."""
    packed = faults.golden.packed
    matrix = {
        Operation.FORWARD: packed.alpha_by_column,
        Operation.BACKWARD: packed.alpha_by_row,
        Operation.SCORES: packed.beta_by_token,
    }[operation]
    data, width = bytes(matrix.data), matrix.entry_format.width
    assert width == 16
    words = np.frombuffer(data, "<u2")[: matrix.entries]
    last = words >> 15

    def with_word(place: int, value: int) -> bytes:
        changed = np.frombuffer(data, "<u2").copy()
        changed[place] = value
        return changed.tobytes()

    ended, open_ = int(np.flatnonzero(last)[2]), int(np.flatnonzero(last == 0)[5])
    final = matrix.entries - 1
    beyond = int(words[open_]) & (1 << matrix.bits) - 1 | HIDDEN << matrix.bits
    return [
        ("a last flag missing", with_word(ended, int(words[ended]) & 0x7FFF)),
        ("the final last flag missing", with_word(final, int(words[final]) & 0x7FFF)),
        ("a last flag too many", with_word(open_, int(words[open_]) | 0x8000)),
        ("all last flags", (np.frombuffer(data, "<u2") | 0x8000).astype("<u2").tobytes()),
        ("no last flags", (np.frombuffer(data, "<u2") & 0x7FFF).astype("<u2").tobytes()),
        ("an index beyond the inputs", with_word(open_, beyond)),
    ]


@pytest.mark.parametrize("behavior", [MemoryBehavior(), STALLS], ids=["steady", "stalls"])
def test_malformed_streams(behavior: MemoryBehavior, tmp_path: Path) -> None:
    faults = Faults(CONFIG, model_of(), Layout.SPARSE, tmp_path)
    for operation in Operation:
        for name, content in _broken_streams(faults, operation):
            job = faults.changed(faults.fresh(operation), stream=faults.session.memory.place(content))
            faults.add(replace(job, name=f"{operation.value}: {name}"), Status.MALFORMED_STREAM)
        job = faults.fresh(operation)
        content = faults.bytes_at(job.descriptor, DESCRIPTOR_BYTES)
        entries, blocks = (field_of(content, descriptor_layout(), name) for name in ("entries", "stream_blocks"))
        faults.add(faults.changed(job, entries=entries - 1), Status.MALFORMED_STREAM)
        faults.add(faults.changed(faults.fresh(operation), records=job.records - 1), Status.MALFORMED_STREAM)
        faults.add(faults.changed(faults.fresh(operation), stream_blocks=blocks + 3), Status.MALFORMED_STREAM)
        faults.add(faults.changed(faults.fresh(operation), entries=0), Status.BAD_SIZE)
    faults.run(behavior)


@pytest.mark.parametrize("layout", Layout)
def test_blocks_that_are_not_those_of_the_entries(layout: Layout, tmp_path: Path) -> None:
    """Too few and too many blocks, of the stream and of an emission column: neither hangs nor spoils what follows."""
    faults = Faults(CONFIG, model_of(6), layout, tmp_path)
    for operation in Operation:
        content = faults.bytes_at(faults.fresh(operation).descriptor, DESCRIPTOR_BYTES)
        blocks = field_of(content, descriptor_layout(), "stream_blocks")
        for wrong in (blocks + 1, blocks + 9, *((blocks - 1, 0) if layout is Layout.DENSE else ())):
            faults.add(faults.changed(faults.fresh(operation), stream_blocks=wrong), Status.MALFORMED_STREAM)
    wrong_columns: list[Fields] = [
        {"count": HIDDEN, "emission_blocks": 0},
        {"count": HIDDEN, "emission_blocks": 9},
        {"count": HIDDEN + 1},
        {"count": 0xFFFFFFFF, "emission_blocks": 0xFFFFFF},
    ]
    for fields in wrong_columns:
        faults.add(faults.with_records(faults.fresh(Operation.FORWARD), 1, **fields), Status.MALFORMED_STREAM)
    faults.run(STALLS)


def test_emission_index_beyond_the_inputs(tmp_path: Path) -> None:
    """A column of another model, with higher indices: named, and not left behind in the emission memory."""
    faults = Faults(CONFIG, model_of(), Layout.SPARSE, tmp_path)
    wide = random_model(128, VOCAB, 4, DEFAULT, 1.0, 1).golden(Layout.SPARSE)
    other = ModelImage(CONFIG, wide.packed, faults.session.memory)
    taken = other.operation(Operation.FORWARD, Vectors.zeros(1, 128), np.array([1], np.uint16))
    at = field_of(faults.bytes_at(taken.descriptor, DESCRIPTOR_BYTES), descriptor_layout(), "vector_records")
    record = faults.bytes_at(at, RECORD_BYTES)
    column = {name: field_of(record, record_layout(), name) for name in ("first", "emission", "emission_blocks")}
    fault = {**column, "count": HIDDEN, "emission": column["emission"] + 128, "first": 31, "emission_blocks": 3}
    faults.add(faults.with_records(faults.fresh(Operation.FORWARD), 0, **fault), Status.MALFORMED_STREAM)
    # a model as long as the other one, with columns that leave most of what was there uncovered
    sparse = random_model(128, VOCAB, 4, DEFAULT, 0.02, 1)
    golden = sparse.golden(Layout.SPARSE)
    image = faults.session.load(golden)
    vectors, tokens = operands(sparse, 4, 0)
    faults.expected += [Status.DONE] * len(image.loads())
    faults.session.add(golden, image, Operation.FORWARD, vectors, tokens)
    faults.expected.append(Status.DONE)
    faults.run()


@pytest.mark.parametrize("layout", Layout)
def test_exponent_range(layout: Layout, tmp_path: Path) -> None:
    """The last exponent that golden accepts is right, the next one is named; at both ends of the range."""
    faults = Faults(CONFIG, sink_model(), layout, tmp_path)
    golden, image = faults.golden, faults.image
    token = np.array([7], np.uint16)
    runs: dict[Operation, Callable[[Vectors], Any]] = {
        Operation.FORWARD: lambda vectors: golden.forward(vectors, token),
        Operation.BACKWARD: golden.backward,
        Operation.SCORES: golden.scores,
    }
    for operation, run in runs.items():
        for end in (1, -1):
            # the greatest code pushes a result's exponent up, the least one down
            codes = np.full((1, HIDDEN), DEFAULT.greatest_code if end == 1 else 1, np.uint16)
            edge = _edge(run, codes, end)
            for exponent in (edge, edge + end):
                if abs(exponent) > EXPONENT_LIMIT:
                    continue
                vectors = Vectors(codes, np.array([exponent], np.int32))
                if exponent == edge:
                    faults.session.add(golden, image, operation, vectors, token)
                    faults.expected.append(Status.DONE)
                else:
                    job = image.operation(operation, vectors, token if operation is Operation.FORWARD else None)
                    faults.add(job, Status.EXPONENT_RANGE)
    assert faults.expected.count(Status.EXPONENT_RANGE) == 4  # every operation downward, forward upward
    faults.run()


def _edge(run: Callable[[Vectors], Any], codes: Any, end: int) -> int:
    """The exponent farthest towards `end` with which golden accepts the vector."""
    inside, outside = 0, EXPONENT_LIMIT + 1
    while outside - inside > 1:
        middle = (inside + outside) // 2
        try:
            run(Vectors(codes, np.array([end * middle], np.int32)))
            inside = middle
        except ArithmeticRangeError:
            outside = middle
    return end * inside
