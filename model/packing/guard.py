"""hmm_guard in a packed model: which state is that of end-of-text."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ..errors import PackingError
from .limits import TensorLeaks
from .row_leaks import leak_values

EOS_SHARE = Fraction(1, 2)
"""The state of end-of-text emits it with more than this."""

Sums = npt.NDArray[np.int64]


def end_state(eos_levels: Sums, alpha_sums: Sums, beta_sums: Sums, leaks: TensorLeaks, scale: Fraction | None) -> int:
    """Return the state that emits end-of-text with more than EOS_SHARE, exactly.

    `eos_levels` [H] are the levels above c[0] of end-of-text in every state, `leaks` are beta's with nothing closed,
    `scale` the factor of rows that are not normalized. Raises PackingError unless there is one such state, with levels
    in its rows of alpha and beta, and where c[0] of beta is not 0: what is closed would emit it all the same.
    """
    rule = leaks.rule
    if rule.least_level:
        raise PackingError(f"beta: index 0 has level {rule.least_level}, expected 0 with hmm_guard")
    own = None if leaks.codes is None else leak_values(leaks.codes)
    found: list[int] = []
    for state in np.flatnonzero(eos_levels):
        leak = rule.pseudocount if own is None else own[state]
        factor = 1 / (int(beta_sums[state]) + leak) if scale is None else scale
        if (int(eos_levels[state]) + leak / rule.columns) * factor > EOS_SHARE:
            found.append(int(state))
    if len(found) != 1:
        raise PackingError(
            f"beta: {len(found)} states emit end-of-text with more than {EOS_SHARE}, expected one with hmm_guard"
        )
    if not alpha_sums[found[0]]:
        raise PackingError(f"alpha: row {found[0]}, of end-of-text, has no level, expected some with hmm_guard")
    return found[0]
