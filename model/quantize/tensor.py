"""What a quantizer with a codebook produces: integer levels, and what turns them back into probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ..formats import PSEUDOCOUNT, IndexFormat

Levels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class QuantizedTensor:
    """Integer indices of a row-stochastic matrix, row-major.

    With the identity codebook of Norm-Q a row means (level_ij + eps / n) / (sum_j level_ij + eps), n the row length;
    a row without a level is uniform.
    """

    levels: Levels
    """[rows, columns] uint8 indices in 0..2**bits - 1."""
    bits: int
    """Index width b."""
    pseudocount: Fraction = PSEUDOCOUNT
    """eps: mass spread evenly over a row."""

    def __post_init__(self) -> None:
        greatest = IndexFormat(self.bits).greatest
        if self.levels.ndim != 2 or self.levels.dtype != np.uint8:
            raise ValueError(f"levels must be a uint8 matrix, got {self.levels.dtype} {self.levels.shape!r}")
        if self.levels.size and int(self.levels.max()) > greatest:
            raise ValueError(f"levels must be 0..{greatest} at {self.bits} bits, got {int(self.levels.max())!r}")

    @property
    def row_sums(self) -> npt.NDArray[np.int64]:
        """R: exact integer sum of each row's levels, [rows]."""
        return self.levels.sum(axis=1, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class QuantizedHMM:
    """The three tensors of an HMM after quantization, at one index width."""

    alpha: QuantizedTensor
    """[H, H] transition levels."""
    beta: QuantizedTensor
    """[H, V] emission levels."""
    gamma: QuantizedTensor
    """[1, H] initial levels, a one-row matrix."""
    eos_token_id: int
    method: str = "norm-q"
    provenance: Mapping[str, str] = field(default_factory=dict)
    """Where the model came from, as `HMM.provenance`."""

    @property
    def hidden_states(self) -> int:
        """H."""
        return self.alpha.levels.shape[0]

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.beta.levels.shape[1]
