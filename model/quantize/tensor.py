"""What a quantizer with a codebook produces: integer levels, and what turns them back into probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ..formats import CODEBOOK_BITS, PSEUDOCOUNT, IndexFormat
from ..hmm import row_chunks

Levels = npt.NDArray[np.uint8]
Codebook = npt.NDArray[np.uint16]


class ZeroRows(Enum):
    """What a row without a level above that of index 0 means, where rows are normalized."""

    UNIFORM = "uniform"
    EMPTY = "empty"


@dataclass(frozen=True, eq=False)
class QuantizedTensor:
    """Integer indices of a row-stochastic matrix, row-major, and the integer levels that they stand for.

    With c the codebook, d_ij = c[index_ij] - c[0], n the row length and R_i = sum_j d_ij, a row means
    (d_ij + eps / n) / (R_i + eps), where eps is `effective_pseudocount`. Raises ValueError where parts do not fit.
    """

    levels: Levels
    """[rows, columns] uint8 indices in 0..2**bits - 1."""
    bits: int
    """Index width b."""
    pseudocount: Fraction = PSEUDOCOUNT
    """Mass spread evenly over a row beside that of c[0], 0 or more, in units of the codebook."""
    codebook: Codebook | None = None
    """[2**bits] uint16 levels of at most 12 bits that never fall; None: an index is its own level."""
    scale: float | None = None
    """None: rows are normalized. Otherwise an entry is scale * (d_ij + eps / n) in every row."""
    zero_rows: ZeroRows = ZeroRows.UNIFORM
    leak_units: Levels | None = None
    """[rows] codes of a leak for each row instead of eps (`row_mass_leak.py`)."""

    def __post_init__(self) -> None:
        greatest = IndexFormat(self.bits).greatest
        if self.levels.ndim != 2 or self.levels.dtype != np.uint8:
            raise ValueError(f"levels must be a uint8 matrix, got {self.levels.dtype} {self.levels.shape!r}")
        if self.levels.size and int(self.levels.max()) > greatest:
            raise ValueError(f"levels must be 0..{greatest} at {self.bits} bits, got {int(self.levels.max())!r}")
        if self.pseudocount < 0:
            raise ValueError(f"pseudocount must be 0 or more, got {self.pseudocount!r}")
        if self.scale is not None and not 0 < self.scale < float("inf"):
            raise ValueError(f"scale must be None or a finite number above 0, got {self.scale!r}")
        if self.codebook is not None:
            _check_codebook(self.codebook, greatest + 1)
        units = self.leak_units
        if units is not None and (units.dtype != np.uint8 or units.shape != self.levels.shape[:1]):
            raise ValueError(f"leak_units must be uint8 [{len(self.levels)}], got {units.dtype} {units.shape!r}")

    @property
    def integer_levels(self) -> Codebook:
        """c: [2**bits] uint16, the identity where no codebook is given."""
        count = IndexFormat(self.bits).greatest + 1
        return np.arange(count, dtype=np.uint16) if self.codebook is None else self.codebook

    @property
    def above_least(self) -> Codebook:
        """c - c[0]: what the accumulator adds for each index, [2**bits] uint16."""
        codebook = self.integer_levels
        return codebook - codebook[0]

    @property
    def effective_pseudocount(self) -> Fraction:
        """eps + n * c[0]: the level of index 0 is part of the leak."""
        return self.pseudocount + self.levels.shape[1] * int(self.integer_levels[0])

    @property
    def row_sums(self) -> npt.NDArray[np.int64]:
        """R: exact integer sum of each row's levels above c[0], [rows]."""
        if self.codebook is None:
            return self.levels.sum(axis=1, dtype=np.int64)
        above, sums = self.above_least, np.empty(len(self.levels), np.int64)
        for rows in row_chunks(*self.levels.shape):
            sums[rows] = above[self.levels[rows]].sum(axis=1, dtype=np.int64)
        return sums


def _check_codebook(codebook: Codebook, count: int) -> None:
    if codebook.dtype != np.uint16 or codebook.shape != (count,):
        raise ValueError(f"codebook must be uint16 [{count}], got {codebook.dtype} {codebook.shape!r}")
    if (np.diff(codebook.astype(np.int64)) < 0).any() or codebook[1] == codebook[0]:
        raise ValueError(f"codebook must not fall, and leave its least level to index 0, got {codebook.tolist()!r}")
    if int(codebook[-1]) >> CODEBOOK_BITS:
        raise ValueError(f"codebook must have levels of at most {CODEBOOK_BITS} bits, got {int(codebook[-1])!r}")


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
    guard: bool = False
    """hmm_guard: no leak leaves the state of end-of-text or reaches its token (`guard.py`)."""

    @property
    def hidden_states(self) -> int:
        """H."""
        return self.alpha.levels.shape[0]

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.beta.levels.shape[1]
