"""Roofline of an operation: the cycles that no engine of a configuration can go below, term by term."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from ..model.config import AcceleratorConfig, Layout
from ..model.formats import CODE_BYTES
from ..model.golden.constants import Operation
from ..model.packing.bitmap import unpack_bitmap
from ..model.packing.directory import Directory
from ..model.packing.matrix import BLOCK_BYTES, PackedMatrix, PackedModel
from ..rtl.operation import RECORD_BYTES

PASSES = {Operation.FORWARD: 3, Operation.SCORES: 2, Operation.BACKWARD: 3}
"""Passes over the elements of a group's vectors: load with maximum, z, result; scores have no result vector, backward's
passes are load, maximum of the scaled outputs, result."""


@dataclass(frozen=True)
class Roofline:
    """Cycles that one group of P vectors needs of each resource."""

    read: float
    """Bytes read / bytes of the port."""
    write: float
    """Bytes written / bytes of the port."""
    entries: float
    """Entries of the weight stream / S; dense: weights / S."""
    outputs: float
    """Non-empty outputs / W, where the result is a vector."""
    passes: float
    """Elements / W, over all passes."""

    @property
    def bound(self) -> float:
        """The largest term: cycles of a group in steady state, everything overlapped."""
        return max(asdict(self).values())

    @property
    def limit(self) -> str:
        """Name of the largest term."""
        terms = asdict(self)
        return max(terms, key=lambda name: terms[name])

    @property
    def total(self) -> float:
        """Sum of the terms: cycles of one group alone, nothing overlapped, without latency."""
        return sum(asdict(self).values())


def roofline(
    config: AcceleratorConfig, model: PackedModel, operation: Operation, emission_bytes: float = 0
) -> Roofline:
    """Return the terms of `operation` for one full group of P vectors; the port carries what they need, once.

    `emission_bytes` is what the emission columns of the group's tokens take, forward only (`column_bytes`).
    """
    matrix = operand(model, operation)
    is_score = operation is Operation.SCORES
    elements, results = config.elements_per_cycle, stored_outputs(matrix)
    vectors = config.lanes * (RECORD_BYTES + CODE_BYTES * matrix.inputs)
    header = 2 * CODE_BYTES * config.lanes
    written = header + (config.record_bytes * results if is_score else config.lanes * CODE_BYTES * matrix.outputs)
    return Roofline(
        read=(matrix.data.size + vectors + emission_bytes) / config.port_bytes,
        write=written / config.port_bytes,
        entries=stream_entries(matrix) / config.entries_per_cycle,
        outputs=0 if is_score else results / elements,
        passes=PASSES[operation] * matrix.inputs / elements,
    )


def operand(model: PackedModel, operation: Operation) -> PackedMatrix:
    """Return the matrix that an operation streams."""
    return {
        Operation.FORWARD: model.alpha_by_column,
        Operation.BACKWARD: model.alpha_by_row,
        Operation.SCORES: model.beta_by_token,
    }[operation]


def stream_entries(matrix: PackedMatrix) -> int:
    """Return the entries of one pass over the weights: every weight of a dense matrix."""
    return matrix.inputs * matrix.outputs if matrix.layout is Layout.DENSE else matrix.entries


def stored_outputs(matrix: PackedMatrix) -> int:
    """Return the outputs that are gathered: all of a dense matrix."""
    if matrix.layout is Layout.DENSE:
        return matrix.outputs
    return int(np.count_nonzero(unpack_bitmap(matrix.nonempty, matrix.outputs)))


def column_bytes(matrix: PackedMatrix, directory: Directory, tokens: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Return the bytes [B] of the blocks that hold the emission columns of tokens [B]."""
    numbers = tokens.astype(np.int64)
    if matrix.layout is Layout.DENSE:
        first = numbers * matrix.dense_output_bytes
        end = first + matrix.dense_output_bytes
        unit = BLOCK_BYTES
    else:
        first, end = directory.offsets[numbers], directory.offsets[numbers + 1]
        unit = matrix.entry_format.per_block
    blocks = -(-end // unit) - first // unit
    return np.where(end > first, blocks, 0) * BLOCK_BYTES
