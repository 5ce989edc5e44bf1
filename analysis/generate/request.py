"""What is asked for: the models, the engine, the constraint, and how to search."""

from dataclasses import dataclass, field
from pathlib import Path

from ...model.config import AcceleratorConfig, Layout
from ...model.decoding.engine import EosMode, Lengths
from ...model.quantize.methods import METHODS, NORMQ_METHOD, Setting
from ...model.training.distill import DEFAULT
from .choices import FLOAT_METHOD, EngineKind
from .concepts import Concepts


@dataclass(frozen=True)
class Request:
    """Sentences to write."""

    concepts: Concepts
    model: Path = DEFAULT
    """Checkpoint folder or packed file of the HMM; DEFAULT for the embedded one."""
    language_model: Path = DEFAULT
    engine: EngineKind = EngineKind.GOLDEN
    method: str = NORMQ_METHOD
    """Name of a method, or FLOAT_METHOD."""
    setting: Setting = field(default_factory=Setting)
    layout: Layout = Layout.SPARSE
    eos: EosMode = EosMode.EVENT
    lengths: Lengths = field(default_factory=Lengths)
    beams: int = 8
    samples: int = 0
    """Draw so many texts instead of searching with beams."""
    seed: int = 0
    whole_words: bool = False
    prompt: str = ""
    """What the language model reads before; the HMM does not."""
    counts_cycles: bool = False
    config: AcceleratorConfig = field(default_factory=AcceleratorConfig)

    @property
    def has_levels(self) -> bool:
        """Whether the method has a codebook."""
        return self.method != FLOAT_METHOD and METHODS[self.method].levels is not None
