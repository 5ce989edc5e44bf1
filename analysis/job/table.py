"""The table of the main job, as text for people and as CSV for programs."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..figures.traffic import KINDS, kilobytes
from .row import Fields, Row, Timing

WIDTH = 260
"""Columns that the text may take; it takes as many as it needs."""

LEGEND = """
real: the embedded model, trained on text; synthetic: generated with published statistics, never a measured model.
KL: mean of the next token in nat; golden: of the bit-accurate datapath from float64 of the same quantized model;
quant.: of the datapath from the unquantized model. worst error: greatest relative one of any element or score, golden
against float64. RTL=golden: every output bit of every simulated operation.
cycles: one group of P=16 vectors in steady state, (cycles of 2n groups - cycles of n) / n, n=4, or n=1 where marked *
(groups of over 50,000 cycles). /roof: over the largest of the roofline's five terms. alone: latency of one group by
itself, descriptor to interrupt; /sum: over the sum of the five terms.
kB: on the memory port, for one group of each of the three operations; other: descriptors, tables, vector records,
emission columns, headers. S=4 entries a cycle, W=4 elements a cycle, port of 512 bits, memory latency 40 cycles.
"""
MODEL_HEADINGS = (
    *("model", "H", "V", "b", "layout", "bits /\nweight", "file\nkB"),
    *("KL\ngolden", "worst\nerror", "KL\nquant.", "RTL=\ngolden"),
)


def text_table(rows: Sequence[Row]) -> str:
    """Return the table and its legend as plain text."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    for heading in MODEL_HEADINGS:
        table.add_column(heading, justify="left" if heading in ("model", "layout") else "right", no_wrap=True)
    for timing in rows[0].timings if rows else ():
        for heading in (f"{timing.operation}\ncycles", "\n/roof", "\nalone", "\n/sum"):
            table.add_column(heading, justify="right", no_wrap=True)
    for kind in KINDS:
        table.add_column(f"kB\n{kind}", justify="right", no_wrap=True)
    last = None
    for row in rows:
        model = (row.hidden, row.vocab)
        if last not in (None, model):
            table.add_section()
        last = model
        table.add_row(*_cells(row))
    sink = io.StringIO()
    Console(file=sink, width=WIDTH, highlight=False, color_system=None, legacy_windows=False).print(table)
    lines = [line.rstrip() for line in sink.getvalue().splitlines()]
    return "\n".join(lines) + LEGEND


def csv_table(rows: Sequence[Row]) -> str:
    """Return every figure of every row, one column each, `operation.figure` for those of an operation."""
    flat = [_flat(row) for row in rows]
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(flat[0]) if flat else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return sink.getvalue()


def _cells(row: Row) -> list[str]:
    cells = [
        row.source,
        str(row.hidden),
        str(row.vocab),
        str(row.bits),
        row.layout,
        f"{row.bits_per_weight:.3g}",
        f"{row.artifact_bytes / 1000:,.1f}",
        f"{row.kl_arithmetic_nat:.1e}",
        f"{row.worst_relative_error:.1e}",
        f"{row.kl_quantization_nat:.3f}",
        "yes" if row.is_equal else "NO",
    ]
    for timing in row.timings:
        cells += _timing_cells(timing)
    return cells + [f"{kilobytes(row, kind):,.1f}" for kind in KINDS]


def _timing_cells(timing: Timing) -> list[str]:
    mark = "*" if timing.steady_groups == 1 else ""
    return [
        f"{mark}{timing.cycles:,.0f}",
        f"{timing.over_roofline:.2f}",
        f"{timing.alone_cycles:,}",
        f"{timing.over_terms:.2f}",
    ]


def _flat(row: Row) -> Fields:
    fields = {name: value for name, value in asdict(row).items() if name != "timings"}
    for timing in row.timings:
        own = asdict(timing)
        counters = own.pop("bytes_per_group")
        name = own.pop("operation")
        fields |= {f"{name}.{key}": value for key, value in own.items()}
        fields |= {
            f"{name}.over_roofline": timing.over_roofline,
            f"{name}.over_terms": timing.over_terms,
        }
        fields |= {f"{name}.{counter}_bytes": value for counter, value in counters.items()}
    return fields
