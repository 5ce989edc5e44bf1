"""What hmm_guard closes, as descriptors and their records say it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..model.golden.constants import Operation
from ..model.packing.directory import Directory, directory_of
from ..model.packing.matrix import PackedModel

NOTHING = 0


@dataclass(frozen=True)
class Closed:
    """Numbers of what gets no leak, each plus 1; NOTHING without hmm_guard."""

    row: int
    """The state of end-of-text."""
    records: dict[Operation, int]
    """Of each operation's outputs: that of end-of-text and, backward, that of its state."""
    token: int | None
    """End-of-text."""

    @classmethod
    def of(cls, model: PackedModel, by_token: Directory) -> "Closed":
        """Return what a model says; `by_token` is the directory of beta."""
        if model.end_state is None:
            return cls(NOTHING, dict.fromkeys(Operation, NOTHING), None)
        by_row, eos = directory_of(model.alpha_by_row), model.eos_token_id
        # both have levels
        records = {
            Operation.FORWARD: NOTHING,
            Operation.BACKWARD: 1 + int(by_row.ranks[model.end_state]),
            Operation.SCORES: 1 + int(by_token.ranks[eos]),
        }
        return cls(model.end_state + 1, records, eos)

    def listed(self, tokens: Sequence[int]) -> int:
        """Return the record of a list of `tokens`, all of which have entries.

        Raises ValueError where end-of-text is listed twice: a descriptor names one record.
        """
        if self.token is None:
            return NOTHING
        times = tokens.count(self.token)
        if times > 1:
            raise ValueError(f"listed has end-of-text {times} times, expected once with hmm_guard")
        return 1 + tokens.index(self.token) if times else NOTHING
