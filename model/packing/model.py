"""A quantized HMM to its packed form, and a packed matrix back to levels."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..config import Layout
from ..errors import PackingError
from ..formats import IndexFormat, VectorCode
from ..quantize.tensor import Levels, QuantizedHMM, QuantizedTensor, ZeroRows
from .dense import pack_dense, unpack_dense
from .limits import LevelScale, LevelSums, check_datapath
from .matrix import EntryFormat, PackedMatrix, PackedModel, RowConstants
from .rows import RowNormalizer
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
    per_mille = _check_tensors(quantized)
    alpha_rows = _row_constants(alpha, "alpha")
    beta_rows = _row_constants(beta, "beta")
    gamma_rows = _row_constants(gamma, "gamma")
    sums = LevelSums(
        alpha_rows=alpha_rows.row_sums,
        alpha_columns=alpha.levels.sum(axis=0, dtype=np.int64),
        beta_rows=beta_rows.row_sums,
        beta_tokens=beta.levels.sum(axis=0, dtype=np.int64),
    )
    scale = LevelScale(bits, IndexFormat(bits).greatest, alpha.pseudocount)
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
        alpha_codebook=identity_codebook(bits),
        beta_codebook=identity_codebook(bits),
        pseudocount_per_mille=per_mille,
        method=quantized.method,
        provenance={**quantized.provenance, **provenance},
    )


def _check_tensors(quantized: QuantizedHMM) -> int:
    """Return eps * 1000 of three tensors that agree with each other; raise PackingError where they do not."""
    tensors = (quantized.alpha, quantized.beta, quantized.gamma)
    hidden, vocab = quantized.hidden_states, quantized.vocab_size
    expected = ((hidden, hidden), (hidden, vocab), (1, hidden))
    shapes = tuple(tensor.levels.shape for tensor in tensors)
    if shapes != expected:
        raise PackingError(f"alpha, beta, gamma: shapes are {shapes!r}, expected {expected!r}")
    widths = [tensor.bits for tensor in tensors]
    if len(set(widths)) > 1:
        raise PackingError(f"alpha, beta, gamma: index bits are {widths!r}, expected one width")
    _check_norm_q(quantized)
    counts = {tensor.pseudocount for tensor in tensors}
    per_mille = quantized.alpha.pseudocount * 1000
    if len(counts) > 1 or per_mille.denominator != 1 or per_mille < 1:
        found = [str(tensor.pseudocount) for tensor in tensors]
        raise PackingError(f"alpha, beta, gamma: pseudocounts are {found!r}, expected one positive multiple of 1/1000")
    if not 0 <= quantized.eos_token_id < vocab:
        raise PackingError(f"eos_token_id: is {quantized.eos_token_id!r}, expected 0..{vocab - 1}")
    return per_mille.numerator


def _check_norm_q(quantized: QuantizedHMM) -> None:
    """Raise PackingError for what the format has no place for; packed without it, a model would be another one."""
    if quantized.guard:
        raise PackingError("hmm_guard: is set, expected a model without it")
    for name in ("alpha", "beta", "gamma"):
        tensor: QuantizedTensor = getattr(quantized, name)
        if tensor.codebook is not None:
            raise PackingError(f"{name}: has a codebook, expected indices that are their own levels")
        if tensor.scale is not None or tensor.zero_rows is not ZeroRows.UNIFORM:
            raise PackingError(f"{name}: has rows that are not normalized or empty, expected Norm-Q's")
        if tensor.leak_units is not None:
            raise PackingError(f"{name}: has a leak for each row, expected one eps")


def _row_constants(tensor: QuantizedTensor, name: str) -> RowConstants:
    return RowNormalizer(tensor.bits, tensor.pseudocount).constants(tensor.row_sums, name)
