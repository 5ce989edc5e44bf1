"""What the operations are run on: the states that a sequence of tokens brings about."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..model.golden.constants import Operation
from ..model.golden.operations import GoldenModel
from ..model.golden.vectors import Codes, Vectors
from ..sim.trial import Trial

Tokens = npt.NDArray[np.int64]


def random_tokens(batch: int, vocab: int, seed: int) -> Tokens:
    """Return `batch` tokens, each as likely as the other."""
    return np.random.default_rng(seed).integers(0, vocab, batch)


def states(golden: GoldenModel, tokens: Tokens) -> Vectors:
    """Return A_0 .. A_T of N sequences [N, T] as one batch of N * (T + 1) vectors, sequence by sequence."""
    vectors = [golden.initial(len(tokens))]
    for step in tokens.T:
        vectors.append(golden.forward(vectors[-1], step))
    codes = np.stack([v.codes for v in vectors], axis=1)
    exponents = np.stack([v.exponents for v in vectors], axis=1)
    return Vectors(codes.reshape(-1, codes.shape[-1]), exponents.reshape(-1))


def trial(golden: GoldenModel, operation: Operation, vectors: Vectors, tokens: Codes) -> Trial:
    """Return an operation on state vectors; backward gets them weighted by their token's emission, as vectors that
    lie far apart."""
    if operation is Operation.BACKWARD:
        return Trial(operation, golden.forward_input(vectors, tokens), tokens)
    return Trial(operation, vectors, tokens)


def first_trials(golden: GoldenModel, operations: Sequence[Operation], tokens: Tokens) -> list[Trial]:
    """Return each operation on the states before each of `tokens` [T], in the order of the sequence."""
    vectors = states(golden, tokens[np.newaxis]).take(np.arange(tokens.size))
    return [trial(golden, operation, vectors, tokens.astype(np.uint16)) for operation in operations]
