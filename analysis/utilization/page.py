"""The utilization page: docs/UTILIZATION.md from measured rows."""

from collections.abc import Mapping, Sequence

from ...model.config import Layout
from .page_text import CONCLUSIONS, COSTS, HEAD, ON_CHIP, SHRINK
from .row import AIMS, Measurement
from .spec import BUILD_WIDTH, MAIN
from .tables import gain, on_chip, pairs, per_vector, ratios, result_weights, speedups, traffic

BEAMS = 128
GATHER_BOUND, WRITE_BOUND, GOAL = 97_800, 54_600, 110_000
"""Cycles of a step of 128 beams, H=4096, b=4, S=4: entries, result writes, and the aim."""

EXPECTED_GAIN = 30


def page(rows: Sequence[Measurement], memories: Mapping[str, Mapping[str, int]]) -> str:
    """Return the page; builds beside the main one are compared at one index width. Needs rows of the main one."""
    main = [row for row in rows if row.build == MAIN]
    compared = [row for row in rows if row.bits == BUILD_WIDTH and row.layout == Layout.SPARSE.value]
    others = [row for row in compared if row.build != MAIN]
    parts = [HEAD, "## Cycles over the roofline, main build\n", ratios(main), "", verdict(main), COSTS]
    parts += ["## Bytes on the port, one group\n", traffic(main), ""]
    if any(row.layout == Layout.DENSE.value for row in main):
        parts += ["## What zeros are worth\n", speedups(main), "", _expectation(main)]
    parts += ["## Results weigh more than weights\n", result_weights(main), "", SHRINK]
    if others:
        parts += [f"## Other builds, sparse, b={BUILD_WIDTH}\n", "Each parameter is changed alone.\n"]
        parts += [ratios(others, is_named=True), "", verdict(others)]
        parts += [f"Cycles of {BEAMS} vectors in steady state:\n", per_vector(compared, BEAMS), ""]
        parts += [_token_step(compared)]
    parts += ["## Memory on chip, kibibits\n", ON_CHIP, on_chip(memories), ""]
    return "\n".join(parts)


def verdict(rows: Sequence[Measurement]) -> str:
    """Return how many rows are within the aim of their layout, and which are not."""
    missed = [row for row in rows if not row.meets_aim]
    aims = ", ".join(f"{aim:.2f} {layout}" for layout, aim in AIMS.items())
    if not missed:
        return f"All {len(rows)} are within the aim ({aims}).\n"
    names = [f"{row.build} H={row.hidden} {row.layout} b={row.bits} {row.operation}: {row.ratio:.3f}" for row in missed]
    return f"{len(rows) - len(missed)} of {len(rows)} are within the aim ({aims}). Not: {'; '.join(names)}.\n"


def _expectation(rows: Sequence[Measurement]) -> str:
    gains = [gain(sparse, dense) for sparse, dense in pairs(rows) if sparse.bits == BUILD_WIDTH]
    above = sum(value > EXPECTED_GAIN for value in gains)
    return (
        f"Counting non-zeros let expect over {EXPECTED_GAIN} at b={BUILD_WIDTH}: {above} of {len(gains)} are above.\n"
        "Dense cycles depend on neither b nor the weights.\n"
    )


def _token_step(rows: Sequence[Measurement]) -> str:
    """What the passes of a token step take by build: forward, scores and scores of products at the greatest H."""
    greatest = max(row.hidden for row in rows)
    steps: dict[str, float] = {}
    for row in rows:
        if row.hidden == greatest and row.operation != "backward":
            steps[row.build] = steps.get(row.build, 0) + row.cycles * BEAMS / row.lanes
    totals = "\n".join(f"- {name}: {cycles:,.0f}" for name, cycles in steps.items())
    return (
        f"Computed from them: forward, scores and scores of products of {BEAMS} beams at H={greatest},\n"
        f"b={BUILD_WIDTH}, a token step without listed scores and without the start of its first group. The aim was\n"
        f"{GOAL:,} at S=4, P=16, W=4; its entries take {GATHER_BOUND:,} cycles, its results {WRITE_BOUND:,} beats.\n\n"
        f"{totals}\n\n{CONCLUSIONS}"
    )
