"""Full-size rows of the main job: what the timing model predicts, and what RTL counts at the size that it runs."""

from dataclasses import asdict, dataclass

from ...model.config import Layout
from ..simulate.run import SOURCES as STEP_SOURCES
from .figures import Fields, Figures
from .measure import measured
from .predict import predicted
from .spec import Source, TimingSpec, Work
from .work import workload

SOURCES = (*STEP_SOURCES, "sim/timing/**/*.py", "analysis/timing/*.py")
"""Everything that decides what a row holds."""
BITS, BEAMS, KEYWORDS = 4, 128, 0
"""8 groups of P=16; without keywords, a token step is forward, scores, and scores with second factors."""
ROWS = (("ctrlg-4096", Source.RTL), ("ctrlg-4096", Source.MODEL), ("ctrlg-16384", Source.MODEL))


@dataclass(frozen=True)
class FullSpec:
    """A model's size, and who counts."""

    preset: str
    source: Source

    @property
    def name(self) -> str:
        """What the row is called on the way."""
        return f"{self.preset} {self.source.value}"

    @property
    def length(self) -> tuple[bool, int]:
        """A simulator's build takes longest, then making the greatest model."""
        return self.source is Source.RTL, self.timing.sizes.hidden

    @property
    def timing(self) -> TimingSpec:
        """The model, and the beams that run on it."""
        return TimingSpec(self.preset, BITS, Layout.SPARSE, BEAMS, KEYWORDS)


@dataclass(frozen=True)
class FullRow:
    """Every kind of work at one size, counted by one source."""

    hidden: int
    vocab: int
    bits: int
    layout: str
    beams: int
    figures: tuple[Figures, ...]

    @property
    def difference(self) -> str:
        """The first output bit in which RTL and golden differ, "" where there is none."""
        return next((figures.difference for figures in self.figures if figures.difference), "")

    @classmethod
    def of(cls, fields: Fields) -> "FullRow":
        """Return the row that `asdict` made these fields of."""
        rest: Fields = {name: value for name, value in fields.items() if name != "figures"}
        return cls(figures=tuple(Figures(**figures) for figures in fields["figures"]), **rest)


def full_rows() -> list[FullSpec]:
    """Return the rows in the order of the table."""
    return [FullSpec(preset, source) for preset, source in ROWS]


def compute_full(spec: FullSpec) -> FullRow:
    """Time one row. Raises SimulationError and CorruptedMemoryError as a simulation does."""
    timing = spec.timing
    load = workload(timing)
    figures = tuple(measured(load, work) if spec.source is Source.RTL else predicted(load, work)[0] for work in Work)
    sizes = timing.sizes
    return FullRow(sizes.hidden, sizes.vocab, timing.bits, timing.layout.value, timing.beams, figures)


def row_fields(row: FullRow) -> list[Fields]:
    """Return one flat record for every figure of a row, with what is derived."""
    own = {name: value for name, value in asdict(row).items() if name != "figures"}
    records: list[Fields] = []
    for figures in row.figures:
        fields = asdict(figures)
        counters = fields.pop("counters")
        records.append({**own, **fields, "over_roofline": figures.over_roofline, **counters})
    return records
