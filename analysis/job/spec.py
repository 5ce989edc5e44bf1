"""What the main job computes: its rows, and the one build that serves them all."""

from dataclasses import dataclass
from enum import Enum

from ...model.config import AcceleratorConfig, Layout

CONFIG = AcceleratorConfig(
    entries_per_cycle=4, lanes=16, elements_per_cycle=4, port_bits=512, hidden_capacity=1024, vocab_capacity=65536
)
MEMORY_BYTES = 1 << 24
"""Simulated memory of the build, enough for the largest row."""


class Source(Enum):
    """Where a row's model comes from."""

    REAL = "real"
    """The embedded default, trained on text."""
    SYNTHETIC = "synthetic"
    """A generated model with published statistics; never a measured one."""


@dataclass(frozen=True)
class RowSpec:
    """One row of the table."""

    source: Source
    hidden: int
    vocab: int
    bits: int
    layout: Layout
    sequences: int = 4
    """Sequences sampled from the unquantized model, for the distances and as the engine's vectors."""
    steps: int = 32
    """Tokens of a sequence."""
    seed: int = 1

    @property
    def name(self) -> str:
        """What the row is called on the way."""
        return f"H={self.hidden} V={self.vocab} b={self.bits} {self.layout.value}"

    @property
    def length(self) -> tuple[bool, int, int]:
        """What makes a row take longer than another."""
        return self.layout is Layout.DENSE, self.hidden * (2 * self.hidden + self.vocab), self.bits


MODELS = (
    (Source.REAL, 64, 4096),
    (Source.REAL, 256, 4096),
    (Source.SYNTHETIC, 1024, 2048),
)
"""Source, H and V. The synthetic one has a small vocabulary so that its dense scores can be simulated in minutes."""

WIDTHS = range(2, 9)


def main_rows() -> list[RowSpec]:
    """Return all rows in the order of the table."""
    return [
        RowSpec(source, hidden, vocab, bits, layout)
        for source, hidden, vocab in MODELS
        for bits in WIDTHS
        for layout in (Layout.SPARSE, Layout.DENSE)
    ]
