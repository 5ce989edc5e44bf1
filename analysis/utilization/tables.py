"""Tables of the utilization page, in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from ...model.config import Layout
from .row import AIMS, Measurement
from .spec import MAIN

BYTE_KINDS = {
    "weights": ("read.weights",),
    "vectors read": ("read.vectors",),
    "emission columns": ("read.emissions",),
    "descriptor, tables, records": ("read.descriptors", "read.tables", "read.records", "read.lists"),
    "vectors written": ("write.vectors",),
    "scores written": ("write.scores",),
    "headers": ("write.headers",),
}
"""Counters of each kind that the page shows."""
TERMS = ("read", "write", "entries", "outputs", "passes")


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def ratios(rows: Sequence[Measurement], is_named: bool = False) -> str:
    """Return cycles, all five terms, which binds, the ratio, and whether it is what was aimed at."""
    headings = [*(["build"] if is_named else []), "H", "layout", "b", "operation", "cycles", *TERMS]
    headings += ["binds", "over roofline", "within aim"]
    return markdown(headings, ([*([row.build] if is_named else []), *_ratio(row)] for row in rows))


def traffic(rows: Sequence[Measurement]) -> str:
    """Return bytes of a group by kind."""
    body: list[list[str]] = []
    for row in rows:
        counted = row.bytes_per_group
        kinds = [sum(counted.get(name, 0) for name in names) for names in BYTE_KINDS.values()]
        body.append([*_identity(row), *(f"{value:,.0f}" for value in kinds), f"{sum(counted.values()):,.0f}"])
    return markdown(["H", "layout", "b", "operation", *BYTE_KINDS, "all"], body)


def pairs(rows: Sequence[Measurement]) -> list[tuple[Measurement, Measurement]]:
    """Return sparse and dense of the same operation, size and width, wherever both were measured."""
    dense = {(row.hidden, row.bits, row.operation): row for row in rows if row.layout == Layout.DENSE.value}
    sparse = [row for row in rows if row.layout == Layout.SPARSE.value]
    found = ((row, dense.get((row.hidden, row.bits, row.operation))) for row in sparse)
    return [(row, other) for row, other in found if other is not None]


def gain(sparse: Measurement, dense: Measurement) -> float:
    """Return how many times as long the dense layout takes."""
    return dense.whole_cycles / sparse.cycles


def speedups(rows: Sequence[Measurement]) -> str:
    """Return dense over sparse cycles wherever both were measured."""
    body: list[list[str]] = []
    for sparse, dense in pairs(rows):
        mark = " (computed)" if dense.whole_cycles != dense.cycles else ""
        sizes = [str(sparse.hidden), str(sparse.bits), sparse.operation]
        cycles = [f"{sparse.cycles:,.0f}", f"{dense.whole_cycles:,.0f}{mark}"]
        body.append([*sizes, *cycles, f"{gain(sparse, dense):,.0f}"])
    return markdown(["H", "b", "operation", "sparse cycles", "dense cycles", "dense / sparse"], body)


def result_weights(rows: Sequence[Measurement]) -> str:
    """Return what results weigh beside weights, sparse scores and steps."""
    body = [
        [
            *_identity(row),
            f"{row.records:,}",
            f"{row.weight_bytes:,.0f}",
            f"{row.result_bytes:,.0f}",
            f"{row.result_bytes / row.weight_bytes:.1f}",
        ]
        for row in rows
        if row.layout == Layout.SPARSE.value
    ]
    headings = ["H", "layout", "b", "operation", "outputs with entries", "weight bytes", "result bytes"]
    return markdown([*headings, "results / weights"], body)


def on_chip(memories: Mapping[str, Mapping[str, int]]) -> str:
    """Return kibibits by kind of memory, one column a build."""
    kinds = list(memories[MAIN])
    body = [[kind, *(f"{bits[kind] / 1024:,.1f}" for bits in memories.values())] for kind in kinds]
    body.append(["all", *(f"{sum(bits.values()) / 1024:,.1f}" for bits in memories.values())])
    return markdown(["memory", *memories], body)


def per_vector(rows: Sequence[Measurement], beams: int) -> str:
    """Return cycles of a whole pass over `beams` vectors on every build: full groups, in steady state."""
    operations = list(dict.fromkeys(row.operation for row in rows))
    body: list[list[str]] = []
    for key in dict.fromkeys((row.hidden, row.build) for row in rows):
        mine = {row.operation: row for row in rows if (row.hidden, row.build) == key}
        cycles = [mine[name].cycles * beams / mine[name].lanes for name in operations]
        body.append([str(key[0]), key[1], *(f"{value:,.0f}" for value in cycles)])
    return markdown(["H", "build", *operations], body)


def _ratio(row: Measurement) -> list[str]:
    mark = "*" if row.steady_groups == 1 else ""
    mark += "+" if row.scored < row.vocab and row.operation.startswith("scores") else ""
    terms = asdict(row.roofline)
    return [
        *_identity(row),
        f"{mark}{row.cycles:,.0f}",
        *(f"{terms[name]:,.0f}" for name in TERMS),
        row.roofline.limit,
        f"{row.ratio:.3f}",
        "yes" if row.meets_aim else f"NO, aim {AIMS[row.layout]:.2f}",
    ]


def _identity(row: Measurement) -> list[str]:
    return [str(row.hidden), row.layout, str(row.bits), row.operation]
