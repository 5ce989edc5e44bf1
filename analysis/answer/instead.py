"""What a user would pick instead of a chosen design: baselines of docs/BASELINES.md beside its token step."""

from collections.abc import Iterator, Sequence

from ..baseline.compare import GOLDEN, Baseline, baselines
from ..baseline.measure import Measured as Kernel
from ..baseline.tables import MEASURED, SHIPPED, read_rows
from ..cost.band import Band
from .designs import Row
from .latency import TokenLatency
from .targets import Target
from .text import number

HEAD = ("instead", "weights", "time is", "ms", "speed-up", "energy ratio (low..high)")


def shipped_baselines() -> list[Baseline]:
    """Return the baselines of the kernels that ship. Raises OptionError."""
    return baselines(read_rows(Kernel, SHIPPED / MEASURED))


def instead_rows(found: Sequence[Baseline], row: Row, target: Target) -> Iterator[list[str]]:
    """Yield a row for each baseline of the same work: of this H and beams, packed only at this index width.

    The design's step has listed scores of three keywords on top, so that its ratios are on the low side.
    """
    for one in found:
        is_other_width = one.variant.startswith(GOLDEN) and not one.variant.startswith(f"{GOLDEN} b={row['bits']} ")
        if (one.hidden, one.beams) != (row["hidden_states"], row["beams"]) or is_other_width:
            continue
        milliseconds = 1000 * one.seconds
        speedup = f"{number(milliseconds / TokenLatency.of(row).alone)}x"
        yield [one.name, one.variant, one.origin, number(milliseconds), speedup, _energy(one.millijoules, row, target)]


def _energy(theirs: Band | None, row: Row, target: Target) -> str:
    """Return theirs over ours, the low end their low over our high; - where one of them is not known."""
    if theirs is None or target.is_fpga:
        return "-"
    low, typical, high = (
        1000 * value / row[name]
        for value, name in (
            (theirs.low, "energy_high_uj"),
            (theirs.typical, "energy_uj"),
            (theirs.high, "energy_low_uj"),
        )
    )
    return f"{number(typical)}x ({number(low)}..{number(high)})"
