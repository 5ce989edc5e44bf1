"""What the study computes: configurations in order of importance, and the work that each is cut into."""

from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from ...model.decoding.engine import EosMode, Lengths
from ...model.quantize.kmeans import KMEANS_NAMES
from ...model.quantize.layerwise import ActivationScale
from ...model.quantize.linear import METHOD, NORMALIZED_METHOD, UNIFORM_METHOD
from ...model.quantize.methods import METHODS, NORMQ_METHOD, Setting
from ...model.quantize.prune import Renormalization

BEAMS = 8
LENGTHS = Lengths(4, 20)
CHUNK = 25
"""Concept sets of one piece of work."""
GOLDEN_CHUNKS = 2
"""Pieces that golden decodes, of configurations whose levels the packed file holds."""
RTL_SETS = 3
"""Sets that the engine in RTL decodes."""

WIDTHS = tuple(range(2, 9))
FEW_WIDTHS = (2, 3, 4, 8)
SHARES = (0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995)
LAYERWISE_BITS = (*WIDTHS, 10, 12, 16, 24)

DEFAULT, LANGUAGE_MODEL = "default", "none"
FLOAT_METHOD, AWARE_METHOD = "float", "norm-q-aware-em"
SEEDS = (1, 2, 3)
INTERVALS = (20, 50, 10, 5, 2, 1)


@dataclass(frozen=True)
class Configuration:
    """One way to guide the language model."""

    method: str
    """Name of a method; FLOAT_METHOD, AWARE_METHOD."""
    bits: int | None = None
    share: float | None = None
    guard: bool = False
    row_mass_leak: bool = False
    eos: EosMode = EosMode.EVENT
    source: str = DEFAULT
    """The HMM: DEFAULT, LANGUAGE_MODEL (no HMM), "seed-1", ..."""
    interval: int | None = None
    """Of aware EM, in chunks."""
    has_texts: bool = True
    """False where only the HMM's own metrics are taken."""

    @property
    def name(self) -> str:
        """A name that no other configuration has."""
        fields: dict[str, Any] = {**asdict(self), "eos": self.eos.value}
        del fields["has_texts"]
        return " ".join(f"{key}={value}" for key, value in fields.items() if value not in (None, False))

    @property
    def has_levels(self) -> bool:
        """Whether the packed file holds it; otherwise it is of floats."""
        if self.method == AWARE_METHOD:
            return True
        return self.method != FLOAT_METHOD and METHODS[self.method].levels is not None

    @property
    def setting(self) -> Setting:
        """What the method is asked for."""
        return Setting(self.bits, self.share, self.guard, self.row_mass_leak)


def configurations() -> list[Configuration]:
    """Return all, the most important first."""
    event, ctrlg = EosMode.EVENT, EosMode.CTRLG
    modes = (event, ctrlg)
    leaks = ((True, False), (False, True), (True, True))
    return [
        Configuration(FLOAT_METHOD),
        Configuration(FLOAT_METHOD, eos=ctrlg),
        Configuration(FLOAT_METHOD, source=LANGUAGE_MODEL),
        *(Configuration(NORMQ_METHOD, bits, eos=eos) for eos, bits in product(modes, WIDTHS)),
        *(Configuration(NORMQ_METHOD, bits, guard=True) for bits in WIDTHS),
        *(Configuration(NORMQ_METHOD, bits, guard=True, eos=ctrlg) for bits in WIDTHS),
        *(Configuration(METHOD, bits) for bits in WIDTHS),
        *(Configuration(NORMALIZED_METHOD, bits) for bits in WIDTHS),
        *(Configuration(name, bits) for name, bits in product(KMEANS_NAMES, FEW_WIDTHS)),
        *(Configuration(kind.value, share=share) for kind, share in product(Renormalization, SHARES)),
        *(Configuration(scale.value, bits) for scale, bits in product(ActivationScale, LAYERWISE_BITS)),
        *(
            Configuration(NORMQ_METHOD, bits, guard=guard, row_mass_leak=leak, eos=eos)
            for (guard, leak), eos, bits in product(leaks[1:], modes, WIDTHS)
        ),
        *(Configuration(UNIFORM_METHOD, bits) for bits in WIDTHS),
        *(Configuration(name, bits) for name, bits in product(KMEANS_NAMES, (5, 6, 7))),
        *(Configuration(f"{name}-float", bits, has_texts=False) for name, bits in product(KMEANS_NAMES, WIDTHS)),
    ]


def trained_configurations() -> list[Configuration]:
    """Return those whose HMM is trained for the study: EM seeds, then aware EM."""
    return [
        *(
            Configuration(NORMQ_METHOD, bits, guard=guard, source=f"seed-{seed}")
            for seed, guard, bits in product(SEEDS, (False, True), FEW_WIDTHS)
        ),
        *(Configuration(FLOAT_METHOD, source=f"seed-{seed}") for seed in SEEDS),
        *(
            Configuration(AWARE_METHOD, bits, interval=interval, source="seed-1")
            for interval, bits in product(INTERVALS, FEW_WIDTHS)
        ),
    ]


def golden_configurations() -> list[Configuration]:
    """Return those that golden decodes: all with texts whose levels the packed file holds."""
    everything = (*configurations(), *trained_configurations())
    return [one for one in everything if one.has_texts and one.has_levels]


def rtl_configurations() -> list[Configuration]:
    """Return those that the engine decodes: all of golden's."""
    return golden_configurations()


def golden_check(configuration: Configuration) -> str:
    """Return what golden's texts of a configuration are called."""
    return f"golden {configuration.name}"


def rtl_check(configuration: Configuration) -> str:
    """Return what the engine's texts of a configuration are called."""
    return f"rtl {configuration.name}"
