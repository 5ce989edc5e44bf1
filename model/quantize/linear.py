"""Linear quantization without pseudocount: what Norm-Q adds to it is the pseudocount, and that empty rows are uniform.

The levels are those of Norm-Q. Without normalization an entry is level * s, s the step of the whole tensor.
"""

from dataclasses import replace
from fractions import Fraction

from ..hmm import HMM, Probabilities
from .normq import quantize, quantize_tensor, tensor_scale
from .tensor import QuantizedHMM, QuantizedTensor, ZeroRows

METHOD, NORMALIZED_METHOD, UNIFORM_METHOD = "linear", "linear-normalized", "linear-normalized-uniform"


def quantize_linear(hmm: HMM, bits: int) -> QuantizedHMM:
    """Return levels times the step of their tensor, rows as they come out. Raises QuantizationError."""
    alpha, beta, gamma = (_scaled(tensor, bits) for tensor in (hmm.alpha, hmm.beta, hmm.gamma[None]))
    return QuantizedHMM(alpha, beta, gamma, hmm.eos_token_id, METHOD, dict(hmm.provenance))


def quantize_linear_normalized(hmm: HMM, bits: int, zero_rows: ZeroRows = ZeroRows.EMPTY) -> QuantizedHMM:
    """Return levels over the sum of their row; a row without a level is as `zero_rows` says. Raises QuantizationError.

    UNIFORM is Norm-Q without its pseudocount.
    """
    whole = quantize(hmm, bits)
    parts = {
        name: replace(getattr(whole, name), pseudocount=Fraction(0), zero_rows=zero_rows)
        for name in ("alpha", "beta", "gamma")
    }
    method = NORMALIZED_METHOD if zero_rows is ZeroRows.EMPTY else UNIFORM_METHOD
    return replace(whole, **parts, method=method)


def _scaled(p: Probabilities, bits: int) -> QuantizedTensor:
    levels = quantize_tensor(p, bits)
    step = float(tensor_scale(float(p.max()), bits))
    return replace(levels, pseudocount=Fraction(0), scale=step, zero_rows=ZeroRows.EMPTY)
