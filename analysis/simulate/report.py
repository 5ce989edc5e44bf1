"""What a simulated token step found out, as a table and as JSON."""

import io
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

Fields = dict[str, Any]
WIDTH = 160


@dataclass(frozen=True)
class Phase:
    """One phase of the step."""

    name: str
    descriptors: int
    cycles: int
    """Of its descriptors, each from the end of the one before to its own, as the host saw them: they overlap."""
    roofline_cycles: float
    roofline_limit: str


@dataclass(frozen=True)
class StepReport:
    """One run; cycles are of the RTL, bytes are those on the memory port."""

    preset: str
    model: str
    hidden: int
    vocab: int
    bits: int
    layout: str
    engine: str
    memory: str
    beams: int
    keywords: int
    automaton_states: int
    edge_lanes: int
    """Edges of beams beside their default one, each a lane of listed scores."""
    seed: int
    sampled_tokens: int | None
    """Tokens that the passes over the vocabulary were restricted to; None: all of them."""
    is_equal: bool
    """Every output bit: RTL == golden."""
    difference: str
    """The first difference, "" where there is none."""
    cycles: int
    """The whole step, from the first descriptor's start to the last one's end."""
    roofline_cycles: float
    """Largest sum of a term over all phases: everything overlapped."""
    roofline_limit: str
    phases: tuple[Phase, ...]
    without_listed: Phase
    """The step without its listed scores, in a run of its own: forward, denominators, numerators."""
    counters: dict[str, int]
    """Of the whole step."""
    dram: dict[str, int]
    """What the DRAM counted in it, zeros without one."""
    seconds: dict[str, float]
    """Wall-clock time by what was done."""
    cycles_per_second: float
    """Of the simulation."""
    peak_bytes: int
    """Of this process, and of the greatest of those it started."""

    @property
    def utilization(self) -> float:
        """Roofline over achieved cycles."""
        return self.roofline_cycles / self.cycles

    @classmethod
    def of(cls, fields: Fields) -> "StepReport":
        """Return the report that `asdict` made these fields of."""
        rest: Fields = {name: value for name, value in fields.items() if name not in ("phases", "without_listed")}
        phases = tuple(Phase(**phase) for phase in fields["phases"])
        return cls(phases=phases, without_listed=Phase(**fields["without_listed"]), **rest)


def text(report: StepReport) -> str:
    """Return the report for people."""
    sink = io.StringIO()
    console = Console(file=sink, width=WIDTH, highlight=False, color_system=None, legacy_windows=False)
    console.print(_head(report), markup=False)
    console.print(_phases(report))
    console.print(_traffic(report))
    console.print(_foot(report), markup=False)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines()) + "\n"


def _head(report: StepReport) -> str:
    lines = [
        f"one token step, {report.model}, H={report.hidden}, V={report.vocab}, b={report.bits}, {report.layout}",
        f"{report.beams} beams, {report.keywords} keywords ({report.automaton_states} states), "
        f"{report.edge_lanes} listed edges, seed {report.seed}; {report.engine}; {report.memory}",
    ]
    if report.sampled_tokens is not None:
        lines.append(
            f"SAMPLED: both passes over the vocabulary are restricted to the first {report.sampled_tokens} of "
            f"{report.vocab} tokens. Cycles and bytes below are those of the sample, not of a token step."
        )
    return "\n".join(lines)


def _phases(report: StepReport) -> Table:
    table = Table(box=SIMPLE)
    table.add_column("phase")
    for heading in ("descriptors", "cycles", "roofline", "limit", "utilization"):
        table.add_column(heading, justify="right")
    for phase in (*report.phases, report.without_listed):
        ratio = f"{phase.roofline_cycles / phase.cycles:.2f}" if phase.cycles else ""
        cells = (f"{phase.descriptors}", f"{phase.cycles:,}", f"{phase.roofline_cycles:,.0f}", phase.roofline_limit)
        table.add_row(phase.name, *cells, ratio)
    name = "whole step" if report.sampled_tokens is None else "whole sample"
    bound = f"{report.roofline_cycles:,.0f}"
    descriptors = sum(phase.descriptors for phase in report.phases)
    table.add_row(
        name, f"{descriptors}", f"{report.cycles:,}", bound, report.roofline_limit, f"{report.utilization:.2f}"
    )
    return table


def _traffic(report: StepReport) -> Table:
    table = Table(box=SIMPLE)
    table.add_column("bytes on the port")
    table.add_column("kB", justify="right")
    for name, value in report.counters.items():
        if name.startswith(("read.", "write.")) and value:
            table.add_row(name, f"{value / 1000:,.1f}")
    for name, value in report.dram.items():
        if value:
            table.add_row(f"DRAM: {name.replace('_', ' ')}, a number", f"{value:,}")
    return table


def _foot(report: StepReport) -> str:
    spent = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.seconds.items())
    verdict = "every bit of every output" if report.is_equal else f"DIFFER: {report.difference}"
    return "\n".join(
        [
            "descriptors overlap: the cycles of one are those from the end of the one before to its own",
            f"RTL == golden: {verdict}",
            f"{report.cycles_per_second / 1000:,.0f} kcycles/s; {spent}; {report.peak_bytes / 1e9:.2f} GB",
        ]
    )
