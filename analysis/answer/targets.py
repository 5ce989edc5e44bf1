"""What is decided about: targets, what a design must satisfy there, and what is then made least.

Every limit is a choice of this project, none a law; the page names them all, and what changes with them.
"""

from dataclasses import dataclass, field, replace

from ..simulate.scenario import GREATEST_TOKENS
from .card import CARD, CARD_LIMIT
from .latency import PUBLISHED

CLOCK_SHARE = 0.8
"""Of the greatest clock before placement: what wires leave of it. An assumption."""
SLOWDOWN = 1.01
"""A token beside the language model may take so many times the model's own step: the engine then hides behind it."""
LEAST_SUCCESS = 0.975
"""Published constraint success (arXiv 2509.25439, H = 4096, beam 128; float: 1.0) that an index width must have."""
TIE = 1.05
"""Designs within so many times the least count as equal; of those the one of least area is taken."""

ENERGY, THROUGHPUT, CARD_SHARE = "energy", "latency x area", "latency x share of the card"
"""What is made least, of a token step at the greatest number of beams."""
TEXT_ENERGY = f"energy of a text of {GREATEST_TOKENS} tokens and its set-up"
"""Of a whole text under a constraint of its own."""
AWAKE_ENERGY = "energy without power gating"
"""Of a token beside the language model, leakage all along."""


@dataclass(frozen=True)
class Target:
    """One place where the engine may be built."""

    name: str
    title: str
    where: dict[str, object] = field(default_factory=dict[str, object])
    """Columns and their values: the points of the sweep that belong to it."""
    beams: tuple[int, ...] = (1, 16)
    """Every design is judged at all of them; the last is what is made least."""
    greatest_area_mm2: float | None = None
    least: str = ENERGY
    least_success: float = LEAST_SUCCESS
    area: str = "area_mm2"
    """Which end of the area's band is held against the limit."""
    energy: str = "energy_uj"
    """Which end of the energy's band is made least."""
    lm_ms: float = PUBLISHED.milliseconds
    """A step of the language model that the engine must hide behind."""
    slowdown: float = SLOWDOWN
    """A token beside it over its step, at most."""
    clock_share: float = CLOCK_SHARE
    is_fpga: bool = False
    """Its clock is assumed, its logic's energy is not known."""

    @property
    def main(self) -> int:
        """The beams at which designs are compared."""
        return self.beams[-1]

    @property
    def has_counts(self) -> bool:
        """Whether size is counted in the card's resources."""
        return self.least == CARD_SHARE

    @property
    def rules(self) -> list[str]:
        """What designs must satisfy, and what is made least, in words."""
        clock = f"a clock of at most {self.clock_share:.0%} of the greatest one before placement (an assumption)"
        limit = (
            f"at most {CARD_LIMIT:.0%} of the card's LUTs, DSP slices, block RAMs and UltraRAMs (an assumption)"
            if self.has_counts
            else "no limit of size: LUTs and DSP slices were not counted; area at 45 nm stands in for the card's share"
            if self.is_fpga
            else f"at most {self.greatest_area_mm2:g} mm² at {self.where['node']} (typical end of the band)"
            if self.greatest_area_mm2
            else ""
        )
        return [
            f"evaluated at {', '.join(map(str, self.beams))} beams, each of which must satisfy what follows",
            "the clock is assumed: no open place and route knows the chip" if self.is_fpga else clock,
            *([limit] if limit else []),
            f"max(LM, scores) + update at most {self.slowdown:g} times an LM step of {self.lm_ms:g} ms",
            f"an index width whose published success is at least {self.least_success:.1%}",
            f"of these, least {self.least} at {self.main} beams; within {TIE - 1:.0%} of it, least "
            + ("share of the card" if self.has_counts else "area"),
        ]


EDGE = Target(
    "edge",
    "Edge device",
    {"hidden_states": 4096, "memory": "lpddr5-6400", "node": "22nm", "mantissa_bits": 12},
    greatest_area_mm2=5.0,
)
FPGA = Target(
    "fpga",
    f"FPGA card ({CARD.name})",
    {"hidden_states": 4096, "memory": "ddr4-3200", "node": "nangate45"},
    beams=(1, 16, 128),
    least=CARD_SHARE,
    is_fpga=True,
)
UNCOUNTED = replace(FPGA, least=THROUGHPUT)
"""The same where the table has no counts of the card's resources."""
CHIPLET = Target("chiplet", "Data-center chiplet", beams=(1, 16, 128), least=THROUGHPUT)
CHIPLETS = tuple(
    replace(
        CHIPLET,
        name=f"chiplet-{hidden}",
        title=f"Data-center chiplet, H = {hidden}",
        where={"hidden_states": hidden, "memory": "hbm2e", "node": "asap7"},
    )
    for hidden in (4096, 8192, 16384)
)


def targets(has_counts: bool) -> tuple[Target, ...]:
    """Return the targets; `has_counts` says whether the table counts an FPGA's resources."""
    return (EDGE, FPGA if has_counts else UNCOUNTED, *CHIPLETS)
