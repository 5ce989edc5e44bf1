"""The weights that a float engine multiplies with: of a checkpoint, or of what a method of quantization made of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .errors import ModelError
from .hmm import HMM

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FloatWeights:
    """Three tensors in float64. Rows need not sum to 1: methods without normalization, and pruning, leave them so.

    Raises ModelError naming the field, for another type or shape, an entry that is negative or not finite, and an
    end-of-text token outside the vocabulary.
    """

    alpha: Weights
    """[H, H] float64, row i: from state i to the next."""
    beta: Weights
    """[H, V] float64, row i: the tokens that state i emits."""
    gamma: Weights
    """[H] float64, the first state."""
    eos_token_id: int
    """The end-of-text token, 0..V - 1."""

    def __post_init__(self) -> None:
        hidden, vocab = self.beta.shape if self.beta.ndim == 2 else (0, 0)
        shapes = {"alpha": (hidden, hidden), "beta": (hidden, vocab), "gamma": (hidden,)}
        for name, shape in shapes.items():
            array: Weights = getattr(self, name)
            if array.dtype != np.float64 or array.shape != shape or not array.size:
                expected = f"float64 of shape {list(shape)}" if hidden and vocab else "a float64 matrix, not empty"
                raise ModelError(name, f"is {array.dtype} of shape {list(array.shape)}, expected {expected}")
            # NaN fails both comparisons
            if not (array.min() >= 0 and array.max() < np.inf):
                raise ModelError(name, f"entries are {array.min()}..{array.max()}, expected finite ones, none below 0")
        if not 0 <= self.eos_token_id < vocab:
            raise ModelError("eos_token_id", f"is {self.eos_token_id!r}, expected 0..{vocab - 1}")

    @classmethod
    def from_hmm(cls, hmm: HMM) -> "FloatWeights":
        """Take the float32 tensors of a model as they are, without normalizing them again."""
        alpha, beta, gamma = (t.astype(np.float64) for t in (hmm.alpha, hmm.beta, hmm.gamma))
        return cls(alpha, beta, gamma, hmm.eos_token_id)

    @property
    def hidden_states(self) -> int:
        """H."""
        return self.alpha.shape[0]

    @property
    def vocab_size(self) -> int:
        """V."""
        return self.beta.shape[1]
