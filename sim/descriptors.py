"""Descriptors: what the host writes into memory to start an operation, and reads back when it is done."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..model.config import AcceleratorConfig, Layout
from ..model.formats import CODE_BYTES
from ..model.golden.constants import Operation, absent_levels, leak_constants
from ..model.golden.vectors import Codes, Vectors
from ..model.packing.directory import Directory, directory_of
from ..model.packing.matrix import BLOCK_BYTES, ENTRY_WIDTHS, PackedMatrix, PackedModel, RowConstants, above_least
from ..rtl.operation import LayoutCode, Opcode, column_record_layout, descriptor_layout, record_layout
from .closed import Closed
from .layout_bytes import layout_bytes
from .memory.map import MemoryMap, Region, Space
from .operand import StoredVectors, place_vectors, vector_stride, written_vectors
from .row_leaks import check_row_leaks, constant, leak_fields, leak_options, leak_pairs

OPCODES = {
    Operation.FORWARD: Opcode.FORWARD,
    Operation.BACKWARD: Opcode.BACKWARD,
    Operation.SCORES: Opcode.SCORES,
}
LAYOUT_CODES = {Layout.SPARSE: LayoutCode.SPARSE, Layout.DENSE: LayoutCode.DENSE}
NOTHING: frozenset[Operation] = frozenset()
ALPHA_SLOT, BETA_SLOT = 0, 1
"""Codebook slots and row tables of the two tensors."""
EMISSION_SLOT = 2
"""Codebook slot of whole levels of beta, where index 0 has a level that the leak holds."""


@dataclass(frozen=True)
class PlacedMatrix:
    """A packed matrix and where its bytes lie."""

    matrix: PackedMatrix
    stream: int
    nonempty: int

    @property
    def stream_blocks(self) -> int:
        """Blocks of one pass over the weights."""
        return -(-self.matrix.data.size // BLOCK_BYTES)

    @property
    def records(self) -> int:
        """Outputs that are stored: all of a dense matrix."""
        if self.matrix.layout is Layout.DENSE:
            return self.matrix.outputs
        return int(np.unpackbits(self.matrix.nonempty).sum())

    @property
    def entry_width(self) -> int:
        """Code of the entry width, 0 when dense."""
        return 0 if self.matrix.layout is Layout.DENSE else ENTRY_WIDTHS.index(self.matrix.entry_format.width)


@dataclass(frozen=True)
class Job:
    """A descriptor in memory and where its results will be."""

    name: str
    descriptor: int
    operation: Operation | None
    batch: int
    outputs: int
    records: int
    vectors: Region | None
    results: Region | None
    result_stride: int

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The descriptor alone: a job is the shortest chain."""
        return (self.descriptor,)

    @property
    def written(self) -> StoredVectors:
        """The vectors it will write, for jobs that read them; raises ValueError for a job that writes none."""
        if self.vectors is None:
            raise ValueError(f"{self.name}: this job writes no vectors")
        return written_vectors(self.vectors, self.batch, self.outputs)


@dataclass(frozen=True)
class Chain:
    """Jobs whose descriptors are queued one behind the other, so that the engine overlaps them."""

    name: str
    jobs: tuple[Job, ...]

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Their descriptors, in order."""
        return tuple(job.descriptor for job in self.jobs)


@dataclass(frozen=True)
class _ResultLayout:
    name: str
    results: Region
    stride: int
    vectors: Region | None


class ModelImage:
    """A packed model in the simulated memory, and the descriptors of operations on it."""

    def __init__(
        self,
        config: AcceleratorConfig,
        model: PackedModel,
        memory: MemoryMap,
        resident: frozenset[Operation] = NOTHING,
    ) -> None:
        """Lay the model down; the weights of the operations in `resident` are to be copied on chip by `loads`.

        Raises LocalMemoryError when they do not fit, EngineError for a model that the engine was not built for.
        """
        check_row_leaks(config, model)
        self.config, self.model, self.memory = config, model, memory
        self._copies: list[Job] = []
        matrices = {
            Operation.FORWARD: model.alpha_by_column,
            Operation.BACKWARD: model.alpha_by_row,
            Operation.SCORES: model.beta_by_token,
        }
        self._matrices = {
            operation: self._place_matrix(matrix, operation, operation in resident)
            for operation, matrix in matrices.items()
        }
        self._beta_directory: Directory = directory_of(model.beta_by_token)
        self.closed = Closed.of(model, self._beta_directory)

    def loads(self) -> list[Job]:
        """Return the descriptors that bring codebooks, row constants and resident weights on chip."""
        model = self.model
        return [
            self._load_codebook("load alpha codebook", ALPHA_SLOT, above_least(model.alpha_codebook)),
            self._load_codebook("load beta codebook", BETA_SLOT, above_least(model.beta_codebook)),
            self._load_rows("load alpha rows", ALPHA_SLOT, model.alpha_rows),
            self._load_rows("load beta rows", BETA_SLOT, model.beta_rows),
            *self._emission_loads(),
            *self._copies,
        ]

    def _emission_loads(self) -> list[Job]:
        """Bring whole levels on chip, where they are not those that scores add."""
        if self._emission_slot == BETA_SLOT:
            return []
        return [self._load_codebook("load emission codebook", EMISSION_SLOT, self.model.beta_codebook)]

    @property
    def _emission_slot(self) -> int:
        return EMISSION_SLOT if self.model.beta.least_level else BETA_SLOT

    def copy(self, name: str, source: int, destination: int, size: int) -> Job:
        """Return the job that copies `size` bytes, rounded up to whole blocks."""
        fields: dict[int | str, Any] = {
            "opcode": Opcode.COPY.value,
            "stream": source,
            "results": destination,
            "stream_blocks": -(-size // BLOCK_BYTES),
        }
        return self._load(name, fields)

    def copy_out(self, job: Job) -> Job:
        """Return the job that copies the vectors of `job` from the chip into memory; `read_vectors` reads it."""
        if job.vectors is None:
            raise ValueError(f"{job.name}: this job writes no vectors")
        name = f"{job.name}: copied out"
        region = self.memory.reserve(name, job.vectors.size)
        copied = self.copy(name, job.vectors.address, region.address, region.size)
        return replace(job, name=name, descriptor=copied.descriptor, vectors=region)

    def operation(
        self,
        operation: Operation,
        vectors: Vectors | StoredVectors,
        tokens: Codes | None = None,
        *,
        second: StoredVectors | None = None,
        listed: Codes | None = None,
        ends: bool = False,
        follows: bool = False,
        keeps_first: bool = False,
        written_to: Space = Space.PORT,
    ) -> Job:
        """Return the job of one operation on a batch; `tokens` [B] are what a forward step consumes.

        Scores may have a `second` factor for every vector, and be of the tokens `listed` only, of which those with
        entries get a record, in their order. With hmm_guard scores of products are those of tokens other than
        end-of-text, unless `ends`. `follows` makes each group wait for that group of the job before;
        with `keeps_first` the first factors are what the group before has loaded, whatever `vectors` are.
        `written_to` says in which memory vector results go; headers and scores go through the port. Raises ValueError
        where the operation has no such option or a list names end-of-text twice with hmm_guard, LocalMemoryError when
        the results do not fit on chip.
        """
        if operation is not Operation.SCORES and (second is not None or listed is not None):
            raise ValueError(f"only scores have second factors and lists, not {operation.value}")
        operands = vectors if isinstance(vectors, StoredVectors) else place_vectors(self.memory, vectors)
        placed = self._matrices[operation]
        columns = None if listed is None else self._listed_columns(listed)
        records = placed.records if columns is None else len(columns)
        layout = self._reserve(operation, operands.batch, records, written_to)
        fields: dict[int | str, Any] = {
            **self._common(operation, placed),
            "options": {
                "second": second is not None,
                "listed": columns is not None,
                "follows": follows,
                "keeps_first": keeps_first,
                "drops_closed": self.closed.token is not None and second is not None and not ends,
                **leak_options(self.model, operation),
            },
            "vectors": operands.batch,
            "vector_records": self.memory.place(self._records(operands, second, layout.vectors, tokens)),
            "results": layout.results.address,
            "result_stride": layout.stride,
            **({} if columns is None or listed is None else self._list(columns, self._closed_record(listed))),
        }
        outputs = placed.matrix.outputs if columns is None else len(columns)
        descriptor = self._descriptor(fields)
        return Job(
            layout.name,
            descriptor,
            operation,
            operands.batch,
            outputs,
            records,
            layout.vectors,
            layout.results,
            layout.stride,
        )

    @property
    def beta_entry_width(self) -> int:
        """Code of the width of the emission matrix's entries, 0 when dense."""
        return self._matrices[Operation.SCORES].entry_width

    # --- parts ------------------------------------------------------------------------------------------------

    def _common(self, operation: Operation, placed: PlacedMatrix) -> dict[int | str, Any]:
        model, matrix = self.model, placed.matrix
        leak = leak_constants(model, operation, self.config.code)
        return {
            "opcode": OPCODES[operation].value,
            "layout": LAYOUT_CODES[matrix.layout].value,
            "index_bits": matrix.bits,
            "entry_width": placed.entry_width,
            "leak_right": leak.guard,
            "codebook": BETA_SLOT if operation is Operation.SCORES else ALPHA_SLOT,
            "emission_codebook": self._emission_slot,
            "inputs": matrix.inputs,
            "outputs": matrix.outputs,
            "records": placed.records,
            "entries": matrix.entries,
            "stream": placed.stream,
            "stream_blocks": placed.stream_blocks,
            "nonempty": placed.nonempty,
            **leak_fields(model, operation, leak),
            "leak_k0": constant(leak.zero),
            "emission_k0": constant(absent_levels(model.beta)[1]),
            "closed_row": self.closed.row,
            "closed_record": self.closed.records[operation],
        }

    def _reserve(self, operation: Operation, batch: int, records: int, written_to: Space) -> "_ResultLayout":
        """Set room aside for what an operation writes."""
        config, outputs = self.config, self._matrices[operation].matrix.outputs
        is_score = operation is Operation.SCORES
        size = 2 * CODE_BYTES * config.lanes + (config.record_bytes * records if is_score else 0)
        stride = -(-size // BLOCK_BYTES) * BLOCK_BYTES
        name = f"{operation.value} of {batch}"
        results = self.memory.reserve(f"{name}: results", stride * -(-batch // config.lanes))
        vectors = None
        if not is_score:
            vectors = self.memory.reserve(f"{name}: vectors", vector_stride(outputs) * batch, written_to)
        return _ResultLayout(name, results, stride, vectors)

    def _records(
        self, operands: StoredVectors, second: StoredVectors | None, written: Region | None, tokens: Codes | None
    ) -> bytes:
        stride = vector_stride(self.model.hidden_states)
        records: list[bytes] = []
        for number, (address, exponent) in enumerate(zip(operands.addresses, operands.exponents, strict=True)):
            fields: dict[int | str, Any] = {
                "source": address,
                "destination": 0 if written is None else written.address + number * stride,
                "exponent": exponent,
                **({} if tokens is None else self._emission(int(tokens[number]))),
            }
            if second is not None:
                fields |= {"emission": second.addresses[number], "first": second.exponents[number] & 0xFFFF}
            records.append(layout_bytes(record_layout, fields))
        return b"".join(records)

    def _emission(self, token: int) -> dict[int | str, Any]:
        return {**self.column(token), "closed": token == self.closed.token}

    def _listed_columns(self, tokens: Codes) -> list[dict[int | str, Any]]:
        """Where the listed columns that have entries are."""
        columns = (self.column(int(token)) for token in tokens)
        return [column for column in columns if column["count"]]

    def _closed_record(self, tokens: Codes) -> int:
        if self.closed.token is None:
            return 0
        return self.closed.listed([int(token) for token in tokens if self.column(int(token))["count"]])

    def _list(self, columns: list[dict[int | str, Any]], closed_record: int) -> dict[int | str, Any]:
        content = b"".join(layout_bytes(column_record_layout, column) for column in columns)
        count = len(columns)
        return {
            "stream": self.memory.place(content),
            "stream_blocks": -(-len(content) // BLOCK_BYTES),
            "entries": count,
            "records": count,
            "outputs": count,
            "closed_record": closed_record,
        }

    def column(self, token: int) -> dict[int | str, Any]:
        """Where a token's emission column is, from the directory."""
        placed, directory = self._matrices[Operation.SCORES], self._beta_directory
        matrix = placed.matrix
        offset = int(directory.offsets[token])
        count = int(directory.offsets[token + 1]) - offset
        if matrix.layout is Layout.DENSE:
            start = token * matrix.dense_output_bytes
            end, first = start + matrix.dense_output_bytes, start % BLOCK_BYTES // 8
            block, blocks = start // BLOCK_BYTES, -(-end // BLOCK_BYTES) - start // BLOCK_BYTES
        else:
            per_block = matrix.entry_format.per_block
            block, first = divmod(offset, per_block)
            blocks = -(-(first + count) // per_block)
        address = placed.stream + block * BLOCK_BYTES
        return {"emission": address, "emission_blocks": blocks, "first": first, "count": count}

    def _place_matrix(self, matrix: PackedMatrix, operation: Operation, is_resident: bool) -> PlacedMatrix:
        nonempty = self.memory.place(matrix.nonempty.tobytes()) if matrix.layout is Layout.SPARSE else 0
        content = matrix.data.tobytes()
        if not is_resident or not content:
            return PlacedMatrix(matrix, self.memory.place(content), nonempty)
        name = f"weights of {operation.value}"
        kept = self.memory.keep(name, content)
        self._copies.append(self.copy(f"copy {name}", kept.source, kept.address, kept.size))
        return PlacedMatrix(matrix, kept.address, nonempty)

    def _load_codebook(self, name: str, slot: int, codebook: Codes) -> Job:
        fields: dict[int | str, Any] = {
            "opcode": Opcode.LOAD_CODEBOOK.value,
            "codebook": slot,
            "outputs": codebook.size,
            "stream": self.memory.place(codebook.astype("<u2").tobytes()),
        }
        return self._load(name, fields)

    def _load_rows(self, name: str, tensor: int, rows: RowConstants) -> Job:
        fields: dict[int | str, Any] = {
            "opcode": Opcode.LOAD_ROWS.value,
            "codebook": tensor,
            "inputs": rows.rho.size,
            "stream": self.memory.place(rows.rho.astype("<u2").tobytes()),
            "nonempty": self.memory.place(rows.sigma.astype("<i2").tobytes()),
            "vector_records": self.memory.place(rows.zero_rows.tobytes()),
        }
        if (pairs := leak_pairs(self.model, tensor, rows)) is not None:
            fields |= {"options": {"row_leaks": True}, "results": self.memory.place(pairs)}
        return self._load(name, fields)

    def _load(self, name: str, fields: dict[int | str, Any]) -> Job:
        return Job(name, self._descriptor(fields), None, 0, 0, 0, None, None, 0)

    def _descriptor(self, fields: dict[int | str, Any]) -> int:
        return self.memory.place(layout_bytes(descriptor_layout, fields))
