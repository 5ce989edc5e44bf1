"""Design points as a flat table: what its columns are called, their units, and which way each is better."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from ..model.errors import OptionError
from .cycle_sources import MEASURED, PREDICTED

SOURCES = {MEASURED: "measured in RTL", PREDICTED: "timing model"}
"""What a figure calls them."""
ESTIMATE = "estimate"


@dataclass(frozen=True)
class Quantity:
    """A column that a figure can put on an axis."""

    name: str
    title: str
    unit: str = ""
    better: int = 0
    """-1 where less is better, 1 where more is, 0 where it is a choice."""
    origin: str = ""
    """What the figure has to say about where the column comes from: "estimate" for cost; cycles tell by `source`."""
    spread: tuple[str, str] | None = None
    """Columns of the least and the greatest value of a band."""

    @property
    def label(self) -> str:
        """The title with its unit and origin, as an axis shows it."""
        notes = ", ".join(note for note in (self.unit, self.origin) if note)
        return f"{self.title} ({notes})" if notes else self.title


CONFIGURATION = (
    Quantity("model", "weights"),
    Quantity("hidden_states", "hidden states H"),
    Quantity("vocab_size", "vocabulary V"),
    Quantity("bits", "index width b", "bits"),
    Quantity("layout", "layout"),
    Quantity("method", "method"),
    Quantity("beams", "beams"),
    Quantity("keywords", "keywords"),
    Quantity("seed", "seed"),
    Quantity("entries_per_cycle", "entries a cycle S"),
    Quantity("lanes", "lanes P"),
    Quantity("elements_per_cycle", "elements a cycle W"),
    Quantity("port_bits", "memory port", "bits"),
    Quantity("exponent_bits", "exponent bits E"),
    Quantity("mantissa_bits", "mantissa bits M"),
    Quantity("outstanding_reads", "outstanding reads"),
    Quantity("stream_buffer_bytes", "stream buffer", "bytes"),
    Quantity("memory", "memory"),
    Quantity("channels", "channels"),
    Quantity("latency", "memory latency", "cycles"),
    Quantity("residency", "on chip"),
    Quantity("local_bytes", "local memory", "bytes"),
    Quantity("clock_mhz", "clock", "MHz"),
    Quantity("node", "node"),
)
TIMING = (
    Quantity("cycles", "token step", "cycles", -1),
    Quantity("latency_us", "token step", "µs", -1),
    Quantity("cycles_setup", "constraint set-up", "cycles", -1),
    Quantity("bytes_total", "traffic of a token step", "bytes", -1),
    Quantity("bytes_weights", "traffic of weights", "bytes", -1),
    Quantity("over_roofline", "cycles / roofline", "", -1),
)
COST = (
    Quantity("energy_uj", "energy of a token step", "µJ", -1, ESTIMATE, ("energy_low_uj", "energy_high_uj")),
    Quantity("energy_device_uj", "energy on the device", "µJ", -1, ESTIMATE),
    Quantity("area_mm2", "area", "mm²", -1, ESTIMATE),
    Quantity("gate_equivalents", "gate equivalents", "", -1, ESTIMATE),
    Quantity("fmax_mhz", "greatest clock", "MHz", 1, ESTIMATE),
    Quantity("leakage_mw", "leakage", "mW", -1, ESTIMATE),
    Quantity("bits_on_chip", "memory on chip", "bits", -1),
    Quantity("fpga_luts", "LUTs on UltraScale+", "", -1, ESTIMATE),
    Quantity("fpga_dsps", "DSP slices", "", -1, ESTIMATE),
    Quantity("fpga_block_rams", "block RAMs", "of 36 kbit", -1, ESTIMATE),
    Quantity("fpga_ultra_rams", "UltraRAMs", "", -1, ESTIMATE),
)
QUALITY = (
    Quantity("quality_nat_per_token", "log-likelihood", "nat a token", 1),
    Quantity("quality_kl", "KL to the float model", "nat a token", -1),
    Quantity("quality_success", "constraint success", "share", 1),
    Quantity("quality_rouge_l", "ROUGE-L", "", 1),
    Quantity("quality_bits_per_weight", "stored bits per weight", "bits", -1),
    Quantity("published_success", "constraint success", "share, published", 1),
    Quantity("published_rouge_l", "ROUGE-L", "published", 1),
)
QUANTITIES = {quantity.name: quantity for quantity in (*CONFIGURATION, *TIMING, *COST, *QUALITY)}


def require(points: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise OptionError where the table is empty or lacks one of `columns`."""
    missing = [name for name in columns if name not in points.columns]
    if missing:
        raise OptionError(f"design points: lack the column {missing[0]!r}, expected {', '.join(columns)}")
    if points.empty:
        raise OptionError("design points: none, expected at least one row")


def successful(points: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that were evaluated: those whose status is "ok", all where there is no such column."""
    return points[points["status"] == "ok"] if "status" in points.columns else points


def configuration_in(points: pd.DataFrame) -> list[Quantity]:
    """Return the parts of the configuration that the table tells."""
    return [quantity for quantity in CONFIGURATION if quantity.name in points.columns]


def varying(points: pd.DataFrame) -> list[Quantity]:
    """Return the parts of the configuration in which the rows differ."""
    return [one for one in configuration_in(points) if points[one.name].nunique(dropna=False) > 1]
