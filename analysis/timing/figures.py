"""What is known of a timed piece of work, whoever counted it."""

from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]


@dataclass(frozen=True)
class Figures:
    """One operation or token step over all beams."""

    work: str
    source: str
    """Who counted, by `spec.Source`: "RTL" or "timing model"."""
    counters: dict[str, int]
    roofline_cycles: float
    """Largest term, summed over all groups."""
    roofline_limit: str
    seconds: float
    """Processor time of the prediction with its descriptors; wall-clock time of the simulation."""
    difference: str = ""
    """The first output bit in which the RTL differs from golden; "" where there is none, and where nothing computed."""

    @property
    def cycles(self) -> int:
        """From the first descriptor's start to the last one's end."""
        return self.counters["engine.cycles"]

    @property
    def over_roofline(self) -> float:
        """Cycles over the roofline."""
        return self.cycles / self.roofline_cycles

    def kilobytes(self, *counters: str) -> float:
        """Return kB on the memory port, of all counters that start with one of these."""
        return sum(value for name, value in self.counters.items() if name.startswith(counters)) / 1000
