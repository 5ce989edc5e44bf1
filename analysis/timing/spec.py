"""What is timed: an operation or a token step of a preset's model, on its engine or on another one."""

from dataclasses import dataclass, replace
from enum import Enum

from ...model.config import AcceleratorConfig
from ..simulate.spec import Preset, StepSpec


class Work(Enum):
    """What runs, over all beams."""

    FORWARD = "forward"
    BACKWARD = "backward"
    SCORES = "scores"
    STEP = "step"
    """A token step: one chain of forward, denominators, numerators, and listed scores where keywords ask for them."""


class Source(Enum):
    """Where figures come from."""

    RTL = "RTL"
    MODEL = "timing model"


@dataclass(frozen=True)
class TimingSpec(StepSpec):
    """A token step as `normq simulate` runs it. Raises OptionError for what cannot be run."""

    config: AcceleratorConfig | None = None
    """The engine, None for the preset's own."""

    @property
    def sizes(self) -> Preset:
        """The preset, with the engine that was chosen."""
        preset = super().sizes
        return preset if self.config is None else replace(preset, config=self.config)
