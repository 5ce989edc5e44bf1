"""The weights of an HMM in floats, for products with the vectors of many beams."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import OptionError
from ..quantize.layerwise import ActivationQuantizer
from ..weights import FloatWeights


@dataclass(frozen=True, eq=False)
class Guide:
    """The weights of an HMM for products with vectors in rows; float64 or float32."""

    alpha: Tensor
    """[H, H]."""
    beta: Tensor
    """[H, V]."""
    by_token: Tensor
    """[V, H], beta's columns in rows."""
    gamma: Tensor
    """[H]."""
    eos: int
    activation: ActivationQuantizer | None = None
    """Applied to the vectors [groups, vectors, n] of a product, a group an operand."""

    @classmethod
    def of(
        cls, weights: FloatWeights, activation: ActivationQuantizer | None = None, dtype: torch.dtype = torch.float64
    ) -> "Guide":
        """Take weights as they are. Raises OptionError for quantized activations in another type than float64."""
        if activation is not None and dtype is not torch.float64:
            raise OptionError(f"engine: quantized activations need float64, {dtype} was asked for")
        tensors = (weights.alpha, weights.beta, weights.gamma)
        alpha, beta, gamma = (torch.from_numpy(tensor.copy()).to(dtype) for tensor in tensors)
        return cls(alpha, beta, beta.T.contiguous(), gamma, weights.eos_token_id, activation)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights and of all vectors."""
        return self.alpha.dtype

    def quantized(self, x: Tensor) -> Tensor:
        """Return the vectors [groups, vectors, n] as a product is to see them."""
        return torch.from_numpy(self.activation(x.numpy())) if self.activation else x

    def scores(self, x: Tensor) -> Tensor:
        """Return x @ beta [groups, vectors, V]."""
        return self.vocabulary_pass(self.quantized(x))

    def vocabulary_pass(self, quantized: Tensor) -> Tensor:
        """Return what a product sees, [..., H], times beta: every token of each vector."""
        return quantized @ self.beta

    def forward(self, a: Tensor, tokens: Tensor) -> Tensor:
        """Return the normalized next vectors of a [groups, vectors, H], whose states emitted tokens; 0 stays 0."""
        after = self.quantized(a * self.by_token[tokens]) @ self.alpha
        sums = after.sum(-1, keepdim=True)
        return after / torch.where(sums > 0, sums, 1)
