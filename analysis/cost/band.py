"""A figure that is not known exactly: low, typical and high."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """Three values of one quantity, in its unit; 0 <= low <= typical <= high. Raises ValueError."""

    low: float
    typical: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.typical <= self.high:
            raise ValueError(f"a band must satisfy 0 <= low <= typical <= high, got {self}")

    @classmethod
    def around(cls, typical: float, factor: float = 2.0) -> "Band":
        """Return typical / factor .. typical * factor."""
        return cls(typical / factor, typical, typical * factor)

    def __add__(self, other: "Band") -> "Band":
        """Sum of each of the three: all low together, all high together."""
        return Band(self.low + other.low, self.typical + other.typical, self.high + other.high)

    def __mul__(self, factor: float) -> "Band":
        """Each of the three, times a number that is known."""
        return Band(self.low * factor, self.typical * factor, self.high * factor)

    def times(self, other: "Band") -> "Band":
        """Product of each of the three."""
        return Band(self.low * other.low, self.typical * other.typical, self.high * other.high)


ZERO = Band(0.0, 0.0, 0.0)


def total(bands: "list[Band]") -> Band:
    """Return the sum, ZERO for none."""
    result = ZERO
    for band in bands:
        result += band
    return result
