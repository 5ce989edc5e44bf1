"""Norm-Q aware EM: at every k-th chunk the model is what Norm-Q makes of the chunk's expected counts.

Source: arXiv 2509.25439. The counts of all three tensors are normalized by rows, without pseudocount, and become b-bit
levels (quantize/normq.py); EM goes on from the probabilities that those levels stand for. The last chunk is quantized
too, and its levels are the result: they are packed as they are, for Norm-Q of its own output changes most rows.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from torch import Tensor

from ..errors import OptionError
from ..formats import IndexFormat
from ..hmm import Probabilities
from ..quantize.dequantize import dequantize
from ..quantize.normq import levels_at
from ..quantize.tensor import QuantizedHMM, QuantizedTensor
from .counts import Counts, Parameters

METHOD = "norm-q-aware-em"


class TopLevel(Enum):
    """What the greatest entry of a tensor is divided by, for the step between levels."""

    FULL = "2**bits - 1"
    PUBLISHED_SCRIPT = "2 ^ bits - 1"
    """As the public training script has it: an exclusive or in Python, 3, 0, 1, 6, 7, 4, 5 at 2..8 bits. Here to show
    what that does, never to be used."""

    def level(self, bits: int) -> int:
        """Return the greatest level at an index width."""
        return IndexFormat(bits).greatest if self is TopLevel.FULL else bits - 1 ^ 2


@dataclass(frozen=True)
class Quantization:
    """When EM quantizes, and to what."""

    bits: int
    """Index width b, 2..8."""
    interval: int
    """k: chunks k, 2k, ... and the last one are quantized."""
    top: TopLevel = TopLevel.FULL

    def __post_init__(self) -> None:
        try:
            IndexFormat(self.bits)
        except ValueError as error:
            raise OptionError(f"bits: {error}") from error
        if self.interval < 1:
            raise OptionError(f"interval: {self.interval!r} chunks given, expected 1 at least")

    def due(self, chunk: int, chunks: int) -> bool:
        """Return whether `chunk`, from 1 to `chunks`, is quantized."""
        return chunk % self.interval == 0 or chunk == chunks

    def quantize(self, counts: Counts, eos_token_id: int) -> QuantizedHMM:
        """Return the levels of counts divided by their rows' sums; a row without counts has level 0 throughout."""
        shares = counts.frequencies()
        alpha, beta, gamma = (self._levels(tensor) for tensor in (shares.alpha, shares.beta, shares.gamma[None]))
        return QuantizedHMM(alpha=alpha, beta=beta, gamma=gamma, eos_token_id=eos_token_id, method=METHOD)

    def _levels(self, shares: Tensor) -> QuantizedTensor:
        p: Probabilities = shares.cpu().numpy()
        top = self.top.level(self.bits)
        # the script divides by 0 at 3 bits: an infinite step, and no entry above level 0
        levels = levels_at(p, p.max() / np.float32(top), self.bits) if top else np.zeros(p.shape, np.uint8)
        return QuantizedTensor(levels, self.bits)


def parameters_of(quantized: QuantizedHMM, device: torch.device | str = "cpu") -> Parameters:
    """Return the probabilities that the levels stand for, rounded to float32."""
    alpha, beta, gamma = (
        torch.from_numpy(dequantize(tensor)).float().to(device)
        for tensor in (quantized.alpha, quantized.beta, quantized.gamma)
    )
    return Parameters(gamma=gamma[0], alpha=alpha, beta=beta)
