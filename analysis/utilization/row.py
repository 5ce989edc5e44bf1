"""What the utilization study finds out about one operation at one point."""

from dataclasses import dataclass
from typing import Any

from ..roofline import Roofline

Fields = dict[str, Any]
AIMS = {"dense": 1.02, "sparse": 1.10}
"""Greatest cycles over the roofline that the engine aims at."""


@dataclass(frozen=True)
class Measurement:
    """One operation, figures of one group of P vectors in steady state, measured in RTL."""

    build: str
    lanes: int
    hidden: int
    bits: int
    layout: str
    operation: str
    vocab: int
    scored: int
    """Tokens that the model keeps; below `vocab` scores are a part of the whole."""
    steady_groups: int
    """n of (cycles of 2n groups - cycles of n) / n."""
    cycles: float
    terms: dict[str, float]
    """Cycles of each term of the roofline."""
    bytes_per_group: dict[str, float]
    """By kind, counted on the memory port."""
    records: int
    """Outputs with entries; all of a dense model."""

    @property
    def roofline(self) -> Roofline:
        """The five terms."""
        return Roofline(**self.terms)

    @property
    def ratio(self) -> float:
        """Cycles over the largest term."""
        return self.cycles / self.roofline.bound

    @property
    def meets_aim(self) -> bool:
        """Whether the ratio, as it is printed, is within the aim of the layout."""
        return round(self.ratio, 3) <= AIMS[self.layout]

    @property
    def whole_cycles(self) -> float:
        """Cycles of the whole vocabulary: measured, or in proportion where only a part was scored."""
        is_score = self.operation.startswith("scores")
        return self.cycles * self.vocab / self.scored if is_score else self.cycles

    @property
    def result_bytes(self) -> float:
        """Bytes of results."""
        return sum(value for name, value in self.bytes_per_group.items() if name.startswith("write."))

    @property
    def weight_bytes(self) -> float:
        """Bytes of the weight stream."""
        return self.bytes_per_group["read.weights"]


def steady(few: dict[str, int], many: dict[str, int], groups: int) -> dict[str, float]:
    """Return what one group adds to every counter: `few` of `groups` groups, `many` of twice as many."""
    return {name: (many[name] - few[name]) / groups for name in many}
