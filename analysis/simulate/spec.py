"""What a simulated token step is of: a model's size, the engine, the constraint, the beams."""

from dataclasses import dataclass, replace

from ...model.config import AcceleratorConfig, Layout
from ...model.errors import OptionError
from ...sim.memory.dram import Dram


@dataclass(frozen=True)
class Preset:
    """Sizes of a model, and the engine that it runs on."""

    hidden: int
    vocab: int
    config: AcceleratorConfig
    memory_bytes: int
    """Simulated memory at least, so that most runs share a build."""


def _ctrlg(hidden: int) -> Preset:
    """A distilled Ctrl-G model over GPT-2's vocabulary (arXiv 2406.13892) on the main engine."""
    return Preset(hidden, 50257, AcceleratorConfig(hidden_capacity=max(64, hidden)), 1 << 24)


PRESETS = {
    "small": Preset(64, 300, AcceleratorConfig(4, 4, 4, 512, hidden_capacity=128), 1 << 22),
    "ctrlg-1024": _ctrlg(1024),
    "ctrlg-4096": _ctrlg(4096),
    "ctrlg-16384": _ctrlg(16384),
}
"""By name; all models are synthetic (model/synthetic.py)."""


@dataclass(frozen=True)
class StepSpec:
    """One run of `normq simulate`. Raises OptionError for what cannot be run."""

    preset: str
    bits: int
    layout: Layout
    beams: int = 16
    keywords: int = 3
    seed: int = 0
    lanes: int | None = None
    """P, where it is not the preset's."""
    dram: Dram | None = None
    """Behind the memory port; without one, a memory of fixed latency."""

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise OptionError(f"--preset: {self.preset!r} given, expected one of {', '.join(PRESETS)}")
        for name, value, least, greatest in (
            ("bits", self.bits, 2, 8),
            ("beams", self.beams, 1, 1024),
            ("keywords", self.keywords, 0, 8),
            ("seed", self.seed, 0, 2**32 - 1),
        ):
            if not least <= value <= greatest:
                raise OptionError(f"--{name}: {value} given, expected {least}..{greatest}")
        if self.lanes is not None and self.lanes not in (1 << power for power in range(7)):
            raise OptionError(f"--lanes: must be a power of two up to 64, got {self.lanes}")

    @property
    def sizes(self) -> Preset:
        """The preset, with these lanes."""
        preset = PRESETS[self.preset]
        return preset if self.lanes is None else replace(preset, config=replace(preset.config, lanes=self.lanes))

    @property
    def groups(self) -> int:
        """Groups of P beams."""
        return -(-self.beams // self.sizes.config.lanes)
