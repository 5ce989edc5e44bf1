"""What changes the answer: the chosen design with one thing changed, and the choice under other rules."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from ...model.errors import OptionError
from .designs import KEY, Row, predicted, ranked, records, same
from .targets import AWAKE_ENERGY, ENERGY, TEXT_ENERGY, THROUGHPUT, Target

TOGETHER = (
    ("bits",),
    ("layout",),
    ("lanes",),
    ("entries_per_cycle",),
    ("elements_per_cycle",),
    ("port_bits",),
    ("mantissa_bits",),
    ("residency", "local_bytes"),
    ("memory", "channels"),
    ("hidden_states",),
    ("clock_mhz",),
    ("node",),
)
"""What is one change: the second of a pair follows from the first."""
RESIDENCIES = {
    "none": "nothing on chip",
    "model": "weights on chip",
    "vectors": "vectors on chip",
    "both": "weights and vectors on chip",
}
BEST_SUCCESS = 0.985
"""Only 7 and 8 bits have it, as published."""


def neighbors(table: pd.DataFrame, chosen: Row) -> Iterator[tuple[str, Row]]:
    """Yield each point that differs from the chosen one in one thing, and that thing in words."""
    points = predicted(table)
    for changed in TOGETHER:
        near = same(points, chosen, [name for name in (*KEY, "beams") if name not in changed])
        other = pd.Series(False, index=near.index)
        for name in changed:
            other |= near[name] != chosen[name]
        for row in records(near[other].sort_values([*changed])):
            told = [f"{name} = {row[name]}" for name in changed if row[name] != chosen[name]]
            yield ", ".join(told), row


@dataclass(frozen=True)
class Variant:
    """A target with another rule, and what comes of it."""

    change: str
    chosen: Row | None
    """None where no design is left."""
    designs: int
    """That satisfy it."""


def variants_of(target: Target) -> dict[str, Target]:
    """Return the target under other rules, by what is changed."""
    found = {
        f"success of at least {BEST_SUCCESS:.1%}": replace(target, least_success=BEST_SUCCESS),
        "any index width": replace(target, least_success=0.0),
        "an LM step of 2.7 ms": replace(target, lm_ms=2.7),
        "an LM step of 2.7 ms, a tenth slower at most": replace(target, lm_ms=2.7, slowdown=1.1),
    }
    kept = {words: narrowed(target, residency=residency) for residency, words in RESIDENCIES.items()}
    if target.is_fpga:
        return {**found, "one DDR4 channel": narrowed(target, channels=1), **kept}
    if target.least == ENERGY:
        found |= {
            "energy at the low end of its band": replace(target, energy="energy_low_uj"),
            "energy at the high end of its band": replace(target, energy="energy_high_uj"),
            f"least {TEXT_ENERGY}": replace(target, least=TEXT_ENERGY),
            f"least {AWAKE_ENERGY}": replace(target, least=AWAKE_ENERGY),
        }
    found |= {
        "no margin for wires": replace(target, clock_share=1.0),
        **kept,
    }
    other = THROUGHPUT if target.least == ENERGY else ENERGY
    found[f"least {other}"] = replace(target, least=other)
    if target.greatest_area_mm2 is None:
        return found
    limit = target.greatest_area_mm2
    found |= {f"{size:g} mm²": replace(target, greatest_area_mm2=size) for size in (limit / 2, 2 * limit)}
    found["high end of the area within the limit"] = replace(target, area="area_high_mm2")
    nodes = ("nangate45", "28nm", "asap7")
    found |= {f"node {node}, nothing on chip": narrowed(target, node=node, residency="none") for node in nodes}
    found |= {f"{memory}": narrowed(target, memory=memory) for memory in ("ddr4-3200", "hbm2e")}
    found["one 16-bit channel"] = narrowed(target, channels=1)
    found["H = 1024"] = narrowed(target, hidden_states=1024)
    return found


def narrowed(target: Target, **where: object) -> Target:
    """Return the target among other points."""
    return replace(target, where={**target.where, **where})


def variants(table: pd.DataFrame, target: Target) -> Iterator[Variant]:
    """Yield what each other rule leads to."""
    for change, other in variants_of(target).items():
        try:
            best = ranked(table, other)
        except OptionError:
            yield Variant(change, None, 0)
        else:
            yield Variant(change, records(best.iloc[:1])[0], len(best))
