"""What `normq baseline` does and says."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ...model.cache import cache_folder
from .compare import Ratio, baselines, ratios
from .engine import Counted, count, engine_points, engine_step
from .measure import Measured, measure
from .page import page, parts_table, step_table
from .reason import reason_text
from .tables import COUNTED, MEASURED, SHIPPED, read_rows, write_rows

MEASURED_HERE = cache_folder("baseline")


@dataclass(frozen=True)
class Comparison:
    """Everything that is told."""

    text: str
    """For the terminal: the short of it."""
    page: str
    csv: str


def measure_into(folder: Path, progress: Callable[[str], None]) -> None:
    """Measure and count, and write both tables. Raises OptionError, ImpossiblePointError."""
    write_rows(folder / MEASURED, measure(progress))
    write_rows(folder / COUNTED, count(engine_points(), progress))


def comparison(folder: Path | None) -> Comparison:
    """Return what the tables of a folder say, the shipped ones for None. Raises OptionError."""
    place = folder or SHIPPED
    measured = read_rows(Measured, place / MEASURED)
    engines = [engine_step(row) for row in read_rows(Counted, place / COUNTED)]
    found = ratios(baselines(measured), engines)
    machines = list(dict.fromkeys(row.machine for row in measured))
    text = "\n\n".join(
        [
            f"measured on {'; '.join(machines)}",
            step_table(engines),
            "the format, and the hardware (* scaled):",
            parts_table(found),
            reason_text(found).rstrip(),
            "every baseline and every size: --output PAGE, --csv TABLE",
        ]
    )
    return Comparison(text, page(found, engines, machines), csv_of(found))


def csv_of(found: list[Ratio]) -> str:
    """Return one line for every baseline beside every engine that runs the same model."""
    return pd.DataFrame([_fields(one) for one in found if one.is_same_work]).to_csv(index=False, lineterminator="\n")


def _fields(one: Ratio) -> dict[str, object]:
    baseline, step, energy = one.baseline, one.engine, one.energy
    return {
        "hidden_states": step.hidden,
        "beams": step.beams,
        "baseline": baseline.name,
        "weights": baseline.variant,
        "origin": baseline.origin,
        "bytes": baseline.moved,
        "baseline_ms": 1000 * baseline.seconds,
        "baseline_mj": baseline.millijoules.typical if baseline.millijoules else None,
        "engine": step.engine,
        "bits": step.bits,
        "engine_ms": 1000 * step.seconds,
        "engine_mj": step.millijoules.typical,
        "speedup": one.speedup,
        "energy_ratio_low": energy.low if energy else None,
        "energy_ratio": energy.typical if energy else None,
        "energy_ratio_high": energy.high if energy else None,
    }
