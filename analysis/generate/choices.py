"""Names that a user chooses from; apart from request.py, whose imports take seconds."""

from enum import Enum

FLOAT_METHOD = "float"
"""No method: the HMM as it is."""
BITS = 8
"""Index width of a method with a codebook, where none is asked for."""


class EngineKind(Enum):
    """Who computes the guidance."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"
    GOLDEN = "golden"
    """Integers, bit by bit those of the accelerator."""
    RTL = "rtl"
    """The accelerator in simulation, every bit compared with golden."""

    @property
    def is_packed(self) -> bool:
        """Whether it computes with packed levels."""
        return self in (EngineKind.GOLDEN, EngineKind.RTL)
