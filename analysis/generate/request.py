"""What is asked for: the models, the engine, the constraint, and how to search."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from ...model.config import AcceleratorConfig, Layout
from ...model.decoding.engine import EosMode, Lengths
from ...model.quantize.methods import METHODS, NORMQ_METHOD, Setting
from ...model.training.distill import DEFAULT
from .choices import BITS, FLOAT_METHOD, EngineKind
from .concepts import Concepts


@dataclass(frozen=True)
class Request:
    """Sentences to write."""

    concepts: Concepts
    model: Path = DEFAULT
    """Checkpoint folder or packed file of the HMM; DEFAULT for the embedded one."""
    language_model: Path = DEFAULT
    engine: EngineKind = EngineKind.GOLDEN
    asked_method: str | None = None
    """Name of a method, or FLOAT_METHOD; None where any will do: NORMQ_METHOD, or that of a packed file."""
    setting: Setting = field(default_factory=Setting)
    """Without an index width, BITS where the method has levels, or that of a packed file."""
    asked_layout: Layout | None = None
    """Of the packed weights; None where any will do: SPARSE, or that of a packed file."""
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
    def method(self) -> str:
        """Method for a checkpoint."""
        return self.asked_method or NORMQ_METHOD

    @property
    def layout(self) -> Layout:
        """Layout for the levels of a checkpoint."""
        return self.asked_layout or Layout.SPARSE

    @property
    def has_levels(self) -> bool:
        """Whether the method has a codebook."""
        return self.method != FLOAT_METHOD and METHODS[self.method].levels is not None

    @property
    def has_datapath(self) -> bool:
        """Whether a checkpoint's levels are packed, and the engine's integers computed with them."""
        return self.has_levels and (self.engine.is_packed or self.counts_cycles)

    @property
    def method_setting(self) -> Setting:
        """What a method is asked for, of a checkpoint."""
        missing = self.setting.bits is None and self.has_levels
        return replace(self.setting, bits=BITS) if missing else self.setting
