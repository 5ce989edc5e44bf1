"""What the utilization study measures: its builds and its points."""

from dataclasses import dataclass, replace

from ...model.config import AcceleratorConfig, Layout

VOCAB = 50257
"""V of the distilled Ctrl-G models: GPT-2's vocabulary (arXiv 2406.13892)."""
DENSE_VOCAB = 1000
"""Tokens that a dense model keeps: cycles of dense scores are the same for every token, and all would take hours."""
MAIN = "main"
CONFIG = AcceleratorConfig(hidden_capacity=4096)
BUILDS = {
    MAIN: CONFIG,
    "S=8": replace(CONFIG, entries_per_cycle=8),
    "P=32": replace(CONFIG, lanes=32),
    "W=8": replace(CONFIG, elements_per_cycle=8),
    "port of 256 bits": replace(CONFIG, port_bits=256),
}
"""By name: the main build, and each parameter changed alone."""
WIDTHS = (3, 4, 8)
SIZES = (1024, 4096)
DENSE_WIDTHS = (4,)
"""Index widths of dense models at the greatest H, where a group takes 4 M cycles; at H=1024 all take the same."""
BUILD_WIDTH = 4
"""Index width at which the builds are compared."""


@dataclass(frozen=True)
class PointSpec:
    """One simulation: a build and a synthetic model, all operations."""

    build: AcceleratorConfig
    hidden: int
    bits: int
    layout: Layout
    vocab: int = VOCAB
    scored: int = VOCAB
    """Tokens that the model keeps, the first ones; all of them in a sparse model."""

    @property
    def name(self) -> str:
        """What the point is called on the way."""
        return f"{build_name(self.build)}: H={self.hidden} b={self.bits} {self.layout.value}"


def build_name(config: AcceleratorConfig) -> str:
    """Return the name of a build; its sizes where it has none."""
    names = (name for name, build in BUILDS.items() if build == config)
    sizes = f"S={config.entries_per_cycle} P={config.lanes} W={config.elements_per_cycle} port={config.port_bits}"
    return next(names, sizes)


def all_points() -> list[PointSpec]:
    """Return every point: short ones first, so that an early end leaves the most."""
    sparse = [PointSpec(CONFIG, hidden, bits, Layout.SPARSE) for hidden in SIZES for bits in WIDTHS]
    others = [
        PointSpec(build, hidden, BUILD_WIDTH, Layout.SPARSE)
        for name, build in BUILDS.items()
        if name != MAIN
        for hidden in SIZES
    ]
    dense = [
        PointSpec(CONFIG, hidden, bits, Layout.DENSE, scored=DENSE_VOCAB)
        for hidden in SIZES
        for bits in (DENSE_WIDTHS if hidden == max(SIZES) else WIDTHS)
    ]
    return [*sparse, *others, *dense]
