"""A quantized HMM to its packed form, and a packed matrix back to levels."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ..config import Layout
from ..errors import PackingError
from ..formats import IndexFormat, VectorCode
from ..hmm import row_chunks
from ..quantize.tensor import Levels, QuantizedHMM, QuantizedTensor, ZeroRows
from .dense import pack_dense, unpack_dense
from .guard import end_state
from .limits import LevelScale, LevelSums, TensorLeaks, check_datapath
from .matrix import EntryFormat, PackedMatrix, PackedModel, RowConstants
from .row_leaks import row_leaks_fault
from .rows import RowNormalizer
from .rule import RowRule, TensorRule
from .sparse import SparseStream, pack_sparse, unpack_sparse

EMPTY_BITMAP = np.zeros(0, np.uint8)
"""The `nonempty` map of a dense matrix, which needs none."""


def pack_matrix(levels: Levels, bits: int, layout: Layout) -> PackedMatrix:
    """Pack `levels` [outputs, inputs], which may be a transposed view.

    Raises ValueError when an entry of the sparse layout would be too wide.
    """
    outputs, inputs = levels.shape
    if layout is Layout.DENSE:
        return PackedMatrix(layout, bits, inputs, outputs, pack_dense(levels, bits), EMPTY_BITMAP, 0)
    stream = pack_sparse(levels, EntryFormat(inputs, bits))
    return PackedMatrix(layout, bits, inputs, outputs, stream.data, stream.nonempty, stream.entries)


def unpack_matrix(matrix: PackedMatrix) -> Levels:
    """Return the levels [outputs, inputs] of a well-formed packed matrix: the inverse of `pack_matrix`."""
    if matrix.layout is Layout.DENSE:
        return unpack_dense(matrix.data, matrix.bits, matrix.inputs, matrix.outputs)
    stream = SparseStream(matrix.data, matrix.nonempty, matrix.entries)
    return unpack_sparse(stream, matrix.entry_format, matrix.outputs)


def identity_codebook(bits: int) -> npt.NDArray[np.uint16]:
    """Return the codebook of Norm-Q: an index is its own level."""
    return np.arange(IndexFormat(bits).greatest + 1, dtype=np.uint16)


def pack_model(
    quantized: QuantizedHMM, layout: Layout, provenance: Mapping[str, str], code: VectorCode | None = None
) -> PackedModel:
    """Pack all three tensors for a datapath with vectors of format `code` (the default format where None).

    `provenance` adds to what the quantized model already says of its origin.

    Raises PackingError, naming the tensor and the rule, for what the format or the datapath cannot hold: entries too
    wide, row sums or shifts out of range, too few significant bits, an accumulator that could overflow.
    """
    alpha, beta, gamma = quantized.alpha, quantized.beta, quantized.gamma
    bits = alpha.bits
    _check_tensors(quantized)
    alpha_rule, beta_rule, gamma_rule = (_rule(quantized, name) for name in ("alpha", "beta", "gamma"))
    beta_tensor = _tensor_rule(beta, beta_rule)
    state = _end_state(quantized, beta_tensor) if quantized.guard else None
    beta_tensor = replace(beta_tensor, closed_columns=int(state is not None))
    alpha_rows = _row_constants(alpha, "alpha", _tensor_rule(alpha, alpha_rule), state)
    beta_rows = _row_constants(beta, "beta", beta_tensor, state)
    gamma_rows = _row_constants(gamma, "gamma", _tensor_rule(gamma, gamma_rule), None)
    sums = LevelSums(
        alpha_rows=alpha_rows.row_sums,
        alpha_columns=_column_sums(alpha),
        beta_rows=beta_rows.row_sums,
        beta_tokens=_column_sums(beta),
    )
    scale = LevelScale(
        int(alpha.above_least[-1]),
        TensorLeaks(_tensor_rule(alpha, alpha_rule), alpha.leak_units),
        TensorLeaks(beta_tensor, beta.leak_units),
    )
    check_datapath(sums, scale, code or VectorCode())
    try:
        alpha_by_column = pack_matrix(alpha.levels.T, bits, layout)
        alpha_by_row = pack_matrix(alpha.levels, bits, layout)
        beta_by_token = pack_matrix(beta.levels.T, bits, layout)
    except ValueError as error:
        raise PackingError(f"layout {layout.value}: {error}") from error
    return PackedModel(
        layout=layout,
        bits=bits,
        hidden_states=quantized.hidden_states,
        vocab_size=quantized.vocab_size,
        eos_token_id=quantized.eos_token_id,
        alpha_by_column=alpha_by_column,
        alpha_by_row=alpha_by_row,
        beta_by_token=beta_by_token,
        alpha_rows=alpha_rows,
        beta_rows=beta_rows,
        gamma_levels=gamma.levels[0].copy(),
        gamma_rows=gamma_rows,
        alpha_codebook=alpha.integer_levels.copy(),
        beta_codebook=beta.integer_levels.copy(),
        gamma_codebook=gamma.integer_levels.copy(),
        alpha_rule=alpha_rule,
        beta_rule=beta_rule,
        gamma_rule=gamma_rule,
        end_state=state,
        method=quantized.method,
        provenance={**quantized.provenance, **provenance},
    )


def _check_tensors(quantized: QuantizedHMM) -> None:
    """Raise PackingError where three tensors do not agree with each other, or the format has no place for one."""
    tensors = (quantized.alpha, quantized.beta, quantized.gamma)
    hidden, vocab = quantized.hidden_states, quantized.vocab_size
    expected = ((hidden, hidden), (hidden, vocab), (1, hidden))
    shapes = tuple(tensor.levels.shape for tensor in tensors)
    if shapes != expected:
        raise PackingError(f"alpha, beta, gamma: shapes are {shapes!r}, expected {expected!r}")
    widths = [tensor.bits for tensor in tensors]
    if len(set(widths)) > 1:
        raise PackingError(f"alpha, beta, gamma: index bits are {widths!r}, expected one width")
    if quantized.gamma.leak_units is not None:
        raise PackingError("gamma: has a leak for each row, expected one eps")
    if not 0 <= quantized.eos_token_id < vocab:
        raise PackingError(f"eos_token_id: is {quantized.eos_token_id!r}, expected 0..{vocab - 1}")


def _rule(quantized: QuantizedHMM, name: str) -> RowRule:
    """Return what the format keeps of a tensor's rows; raise PackingError for an eps that it cannot."""
    tensor: QuantizedTensor = getattr(quantized, name)
    per_mille = tensor.pseudocount * 1000
    if per_mille.denominator != 1:
        raise PackingError(f"{name}: pseudocount is {tensor.pseudocount}, expected a multiple of 1/1000")
    normalized, has_leaks = tensor.scale is None, tensor.leak_units is not None
    if has_leaks and not normalized:
        raise PackingError(f"{name}: has a leak for each row, expected one eps where rows are not normalized")
    return RowRule(per_mille.numerator, normalized, tensor.zero_rows if normalized else ZeroRows.EMPTY, has_leaks)


def _tensor_rule(tensor: QuantizedTensor, rule: RowRule) -> TensorRule:
    return TensorRule(rule, tensor.bits, tensor.levels.shape[1], int(tensor.integer_levels[0]))


def _column_sums(tensor: QuantizedTensor) -> npt.NDArray[np.int64]:
    """Return the exact sums of levels above c[0], [columns], a chunk of rows at a time."""
    if tensor.codebook is None:
        return tensor.levels.sum(axis=0, dtype=np.int64)
    above, sums = tensor.above_least, np.zeros(tensor.levels.shape[1], np.int64)
    for chunk in row_chunks(*tensor.levels.shape):
        sums += above[tensor.levels[chunk]].sum(axis=0, dtype=np.int64)
    return sums


def _end_state(quantized: QuantizedHMM, rule: TensorRule) -> int:
    beta = quantized.beta
    eos_levels = beta.above_least[beta.levels[:, quantized.eos_token_id]].astype(np.int64)
    leaks = TensorLeaks(rule, beta.leak_units)
    return end_state(eos_levels, quantized.alpha.row_sums, beta.row_sums, leaks, _scale(beta))


def _row_constants(tensor: QuantizedTensor, name: str, rule: TensorRule, closed_row: int | None) -> RowConstants:
    row_sums, leaks = tensor.row_sums, tensor.leak_units
    if leaks is not None and (fault := row_leaks_fault(leaks, row_sums, rule, name)):
        raise PackingError(fault)
    normalizer = RowNormalizer(tensor.bits, rule.pseudocount, _scale(tensor), closed_row, rule.kept_share, leaks)
    return normalizer.constants(row_sums, name)


def _scale(tensor: QuantizedTensor) -> Fraction | None:
    return None if tensor.scale is None else Fraction(tensor.scale)
