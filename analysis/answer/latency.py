"""A token's latency: the engine alone, beside a language model's step, and one behind the other.

Scores depend on the prefix alone, so they run while the language model does; only the forward update waits for the
token that is chosen: max(LM, scores) + update. The serial sum is LM + scores + update.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCORES = ("cycles_denominators", "cycles_numerators", "cycles_listed")
UPDATE = "cycles_forward"


@dataclass(frozen=True)
class LMStep:
    """One step of a language model."""

    name: str
    milliseconds: float
    source: str


PUBLISHED = LMStep(
    "GPT-2 124M on a GPU", 27.0, "published beside the HMM's own 50 / 86 / 180 ms at H = 4096 / 8192 / 16384"
)
"""arXiv 2509.25439."""


@dataclass(frozen=True)
class TokenLatency:
    """Milliseconds of one token."""

    scores: float
    update: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "TokenLatency":
        """Return that of a row of the sweep's table."""
        per_cycle = 1e-3 / row["clock_mhz"]
        return cls(sum(row[name] for name in SCORES) * per_cycle, row[UPDATE] * per_cycle)

    @property
    def alone(self) -> float:
        """The engine, the language model apart."""
        return self.scores + self.update

    def beside(self, lm_ms: float) -> float:
        """Scores while the language model runs, the update after it."""
        return max(lm_ms, self.scores) + self.update

    def serial(self, lm_ms: float) -> float:
        """All of it, one behind the other."""
        return lm_ms + self.alone
