"""What levels stand for, in float64: the one meaning that packing, golden model and RTL approach."""

import numpy as np

from ..errors import QuantizationError
from ..weights import FloatWeights, Weights
from .row_mass_leak import leaks
from .tensor import QuantizedHMM, QuantizedTensor, ZeroRows

EOS_SHARE = 0.5
"""The state of end-of-text emits it with more than this."""


def dequantize(tensor: QuantizedTensor, closed_row: int | None = None, closed_column: int | None = None) -> Weights:
    """Return the entries [rows, columns] that the indices stand for, float64.

    `closed_row` has no leak, and none reaches `closed_column`: hmm_guard. A row without a level is uniform over the
    columns that a leak reaches, or empty, as `tensor.zero_rows` says.
    """
    columns = tensor.levels.shape[1]
    values = tensor.above_least.astype(np.float64)[tensor.levels]
    row_leaks = _row_leaks(tensor)
    if closed_row is not None:
        row_leaks[closed_row] = 0
    reached = np.ones(columns)
    if closed_column is not None:
        reached[closed_column] = 0
    values += (row_leaks / columns)[:, np.newaxis] * reached
    if tensor.scale is not None:
        return values * tensor.scale
    # exact sums of levels, as the packed row constants have them
    row_sums = tensor.row_sums
    occupied = row_sums > 0
    kept = row_leaks * (reached.sum() / columns)
    values[occupied] /= (row_sums[occupied] + kept[occupied])[:, np.newaxis]
    values[~occupied] = reached / reached.sum() if tensor.zero_rows is ZeroRows.UNIFORM else 0.0
    return values


def float_weights(quantized: QuantizedHMM) -> FloatWeights:
    """Return the float64 weights of a quantized model, hmm_guard included.

    Raises QuantizationError where hmm_guard finds no state of end-of-text.
    """
    state = end_state(quantized) if quantized.guard else None
    column = quantized.eos_token_id if quantized.guard else None
    return FloatWeights(
        dequantize(quantized.alpha, state),
        dequantize(quantized.beta, state, column),
        dequantize(quantized.gamma)[0],
        quantized.eos_token_id,
    )


def end_state(quantized: QuantizedHMM) -> int:
    """Return the state that emits end-of-text with more than EOS_SHARE.

    Raises QuantizationError unless there is one such state with levels in its rows of alpha and beta.
    """
    eos = quantized.eos_token_id
    states = np.flatnonzero(dequantize(quantized.beta)[:, eos] > EOS_SHARE)
    if states.size != 1:
        raise QuantizationError(
            f"beta: {states.size} states emit end-of-text ({eos}) with more than {EOS_SHARE}, hmm_guard needs one"
        )
    state = int(states[0])
    for name, tensor in (("alpha", quantized.alpha), ("beta", quantized.beta)):
        if not tensor.row_sums[state]:
            raise QuantizationError(f"{name}: row {state}, of end-of-text, has no level, hmm_guard needs one")
    return state


def _row_leaks(tensor: QuantizedTensor) -> Weights:
    if tensor.leak_units is not None:
        return leaks(tensor.leak_units).copy()
    return np.full(len(tensor.levels), float(tensor.effective_pseudocount))
