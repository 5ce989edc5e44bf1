"""What the main job finds out about one row."""

from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]


@dataclass(frozen=True)
class Timing:
    """One operation of a row, cycles of one group of P vectors."""

    operation: str
    steady_groups: int
    """n of the difference that `cycles` is."""
    cycles: float
    """A group in steady state."""
    alone_cycles: int
    """One group by itself, from descriptor to interrupt: its latency."""
    roofline_cycles: float
    """Largest term of the roofline."""
    roofline_limit: str
    """Which term that is."""
    terms_cycles: float
    """Sum of the terms."""
    bytes_per_group: dict[str, float]
    """Bytes by kind in steady state, on the port."""

    @property
    def over_roofline(self) -> float:
        """Steady state over the largest term."""
        return self.cycles / self.roofline_cycles

    @property
    def over_terms(self) -> float:
        """One group alone over the sum of the terms."""
        return self.alone_cycles / self.terms_cycles


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    source: str
    hidden: int
    vocab: int
    bits: int
    layout: str
    artifact_bytes: int
    bits_per_weight: float
    kl_arithmetic_nat: float
    worst_relative_error: float
    kl_quantization_nat: float
    is_equal: bool
    """Every output bit of every trial: RTL == golden."""
    difference: str
    """The first difference, "" where there is none."""
    timings: tuple[Timing, ...]
    simulated_cycles: int
    simulation_seconds: float

    @classmethod
    def of(cls, fields: Fields) -> "Row":
        """Return the row that `asdict` made these fields of."""
        rest: Fields = {name: value for name, value in fields.items() if name != "timings"}
        return cls(timings=tuple(Timing(**timing) for timing in fields["timings"]), **rest)
