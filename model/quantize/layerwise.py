"""Layer-wise integer quantization of both operands of every product, linear, no pseudocount. For float engines only.

Weights are quantized once, by the greatest entry of their tensor. Activations change with every product: an engine
calls an ActivationQuantizer on its vectors immediately before it. Products, outputs and element-wise steps stay in
float64.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..errors import QuantizationError
from ..hmm import HMM, Probabilities
from ..weights import FloatWeights, Weights

MOST_BITS = 24
"""A level of more bits would not survive float32 weights."""


class ActivationScale(Enum):
    """Over what the greatest activation is taken."""

    VECTOR = "layerwise-vector"
    OPERAND = "layerwise-operand"
    """All vectors of one product."""


@dataclass(frozen=True)
class ActivationQuantizer:
    """Rounds vectors to 2**bits - 1 steps of their greatest element, half to even."""

    bits: int
    scale: ActivationScale

    def __call__(self, x: Weights) -> Weights:
        """Return x [vectors, n], or [groups, vectors, n] with an operand a group; a vector of zeros stays one."""
        axes = -1 if self.scale is ActivationScale.VECTOR else (-2, -1)
        step = x.max(axis=axes, keepdims=True) / ((1 << self.bits) - 1)
        # a step that underflows would divide by 0
        return np.rint(x / np.where(step > 0, step, 1)) * step


def layerwise_weights(hmm: HMM, bits: int) -> FloatWeights:
    """Return the weights rounded to 2**bits - 1 steps of their tensor's greatest. Raises QuantizationError."""
    if not 2 <= bits <= MOST_BITS:
        raise QuantizationError(f"bits: {bits!r} given, expected 2..{MOST_BITS} for layer-wise quantization")
    alpha, beta, gamma = (_rounded(p, bits) for p in (hmm.alpha, hmm.beta, hmm.gamma))
    return FloatWeights(alpha, beta, gamma, hmm.eos_token_id)


def _rounded(p: Probabilities, bits: int) -> Weights:
    wide = p.astype(np.float64)
    step = wide.max() / ((1 << bits) - 1)
    return np.rint(wide / step) * step
