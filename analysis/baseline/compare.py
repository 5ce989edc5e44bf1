"""Every baseline beside every engine: time, energy, and the ratios between them."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..cost.band import Band
from .engine import EngineStep
from .measure import Measured
from .platforms import PLATFORMS, core_millijoules
from .work import BEAMS, HIDDEN, VOCAB, DenseStep

MEASURED, SCALED, ROOFLINE, PUBLISHED = "measured", "scaled", "roofline", "published"
GOLDEN = "golden"
"""First word of the variant of a packed model on a CPU."""
PUBLISHED_MS = dict(zip(HIDDEN, (50, 86, 180), strict=True))
"""HMM share of a token on a GPU that the source does not name, beam 128 (arXiv 2509.25439)."""
PUBLISHED_BEAMS = 128


@dataclass(frozen=True)
class Baseline:
    """A token step without our engine."""

    name: str
    variant: str
    hidden: int
    beams: int
    seconds: float
    millijoules: Band | None
    """None where nothing is known of its power."""
    origin: str
    """MEASURED, SCALED from a smaller size that was, ROOFLINE (a bound from below), or PUBLISHED."""
    moved: int
    """Bytes that cross the memory's pins."""


@dataclass(frozen=True)
class Ratio:
    """A baseline over an engine: above 1 the engine is better."""

    baseline: Baseline
    engine: EngineStep

    @property
    def is_same_work(self) -> bool:
        """Whether both run the same model: one packed at another index width is not what the engine runs."""
        variant = self.baseline.variant
        return not variant.startswith(GOLDEN) or variant.startswith(f"{GOLDEN} b={self.engine.bits} ")

    @property
    def speedup(self) -> float:
        """Time over time."""
        return self.baseline.seconds / self.engine.seconds

    @property
    def energy(self) -> Band | None:
        """Energy over energy: low end over high end, typical over typical, high end over low end."""
        theirs, ours = self.baseline.millijoules, self.engine.millijoules
        if theirs is None:
            return None
        return Band(theirs.low / ours.high, theirs.typical / ours.typical, theirs.high / ours.low)


def baselines(rows: Sequence[Measured]) -> list[Baseline]:
    """Return all baselines by size, then beams: published, rooflines of data sheets, and what was measured."""
    found = [*_published(), *_rooflines(), *(_measured(row) for row in rows)]
    return sorted(found, key=lambda one: (one.hidden, one.beams))


def ratios(found: Sequence[Baseline], engines: Sequence[EngineStep]) -> list[Ratio]:
    """Return every baseline over every engine of the same size and number of beams."""
    return [
        Ratio(one, step) for one in found for step in engines if (step.hidden, step.beams) == (one.hidden, one.beams)
    ]


def _published() -> list[Baseline]:
    return [
        Baseline("GPU, not named", "float", hidden, PUBLISHED_BEAMS, milliseconds / 1000, None, PUBLISHED, 0)
        for hidden, milliseconds in PUBLISHED_MS.items()
    ]


def _rooflines() -> list[Baseline]:
    steps = [DenseStep(hidden, VOCAB, beams, kind) for hidden in HIDDEN for beams in BEAMS for kind in _TYPES]
    found: list[Baseline] = []
    for step in steps:
        for platform in PLATFORMS:
            seconds = platform.seconds(step.moved, step.operations, step.float_type)
            energy = platform.millijoules(seconds, step.moved)
            size = (step.hidden, step.beams)
            found.append(Baseline(platform.name, step.float_type, *size, seconds, energy, ROOFLINE, step.moved))
    return found


_TYPES = ("float32", "float16")


def _measured(row: Measured) -> Baseline:
    seconds = row.milliseconds / 1000
    is_cpu = row.device == "cpu"
    energy = core_millijoules(seconds, row.moved) if is_cpu else _gpu_millijoules(row, seconds)
    return Baseline(
        name="this CPU, 1 thread" if is_cpu else "this GPU",
        variant=f"{GOLDEN} {row.variant}" if row.what == "packed" else row.variant,
        hidden=row.hidden,
        beams=row.beams,
        seconds=seconds,
        millijoules=energy,
        origin=SCALED if row.measured_at else MEASURED,
        moved=row.moved,
    )


def _gpu_millijoules(row: Measured, seconds: float) -> Band | None:
    """Return the energy by the TDP of the platform that the machine names, None for any other."""
    named = (one for one in PLATFORMS if one.kind == "GPU" and one.name.split()[0] in row.machine)
    platform = next(named, None)
    return None if platform is None else platform.millijoules(seconds, row.moved)
