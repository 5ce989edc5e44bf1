"""What a packed model weighs, against the weights it stands for."""

from dataclasses import dataclass

import numpy as np

from .packing.matrix import PackedMatrix
from .packing.verify import level_sums


def weight_count(hidden_states: int, vocab_size: int) -> int:
    """Return the weights of an HMM: H * H + H * V + H."""
    return hidden_states * (hidden_states + vocab_size + 1)


def bits_per_weight(stored_bytes: int, hidden_states: int, vocab_size: int) -> float:
    """Return the stored bits per weight of the HMM, each weight counted once though alpha is stored twice."""
    return 8 * stored_bytes / weight_count(hidden_states, vocab_size)


@dataclass(frozen=True)
class Occupancy:
    """How full a matrix is."""

    elements: int
    """Inputs times outputs."""
    nonzero: int
    """Indices other than 0."""
    nonempty_outputs: int
    """Outputs with such an index."""

    @property
    def zero_share(self) -> float:
        """Sparsity: the share of indices that are 0."""
        return 1 - self.nonzero / self.elements


def occupancy(matrix: PackedMatrix) -> Occupancy:
    """Return how full a well-formed packed matrix is."""
    counted = np.ones(1 << matrix.bits, np.uint16)
    counted[0] = 0
    _, by_output = level_sums(matrix, counted)
    return Occupancy(matrix.inputs * matrix.outputs, int(by_output.sum()), int(np.count_nonzero(by_output)))
