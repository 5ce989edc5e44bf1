"""The full-size rows as text for people and as CSV for programs."""

import csv
import io
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .figures import Fields, Figures
from .rows import FullRow, row_fields
from .spec import Source

WIDTH = 200
TRAFFIC = {
    "weights": ("read.weights",),
    "vectors": ("read.vectors", "write.vectors"),
    "scores": ("write.scores",),
    "other": ("read.descriptors", "read.tables", "read.records", "read.emissions", "write.headers"),
}
HEADINGS = (
    *("counted by", "H", "V", "b", "layout", "vectors", "work", "cycles", "roofline", "limit", "/roof"),
    *(f"kB\n{kind}" for kind in TRAFFIC),
    *("RTL=\ngolden", "model\n=RTL"),
)
TEXTS = ("counted by", "layout", "work", "limit")

LEGEND = """
Full size, synthetic models, S=4, P=16, W=4, port of 512 bits, memory latency 40 cycles. cycles: all vectors, from the
descriptor to the interrupt. step: one chain of forward, scores, and scores with second factors (a token step without
keywords). roofline: largest of five terms, summed over all groups; /roof: cycles over it. RTL: counted by the simulated
RTL, every output bit compared with golden. timing model: counted by sim/timing, no RTL run; model=RTL: every counter of
both at that size is the same, "-" where no RTL ran.
"""


def full_text(rows: Sequence[FullRow]) -> str:
    """Return the table and its legend as plain text."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0, collapse_padding=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in TEXTS else "right", no_wrap=True, min_width=len(heading))
    for row in rows:
        for figures in row.figures:
            table.add_row(*_cells(row, figures, _counted_in_rtl(rows, row, figures)))
        table.add_section()
    sink = io.StringIO()
    Console(file=sink, width=WIDTH, highlight=False, color_system=None, legacy_windows=False).print(table)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines()) + LEGEND


def full_csv(rows: Sequence[FullRow]) -> str:
    """Return every figure, one line for each kind of work of each row."""
    flat: list[Fields] = [record for row in rows for record in row_fields(row)]
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(flat[0]) if flat else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return sink.getvalue()


def _counted_in_rtl(rows: Sequence[FullRow], row: FullRow, figures: Figures) -> Figures | None:
    """Return what RTL counted of the same work at the same size, None where it did not run."""
    same = (
        other
        for candidate in rows
        if (candidate.hidden, candidate.vocab) == (row.hidden, row.vocab)
        for other in candidate.figures
        if other.source == Source.RTL.value and other.work == figures.work
    )
    return next(same, None)


def _cells(row: FullRow, figures: Figures, rtl: Figures | None) -> list[str]:
    is_rtl = figures.source == Source.RTL.value
    equal = "-" if is_rtl or rtl is None else "yes" if rtl.counters == figures.counters else "NO"
    return [
        figures.source,
        *(str(value) for value in (row.hidden, row.vocab, row.bits, row.layout, row.beams)),
        figures.work,
        f"{figures.cycles:,}",
        f"{figures.roofline_cycles:,.0f}",
        figures.roofline_limit,
        f"{figures.over_roofline:.3f}",
        *(f"{figures.kilobytes(*counters):,.1f}" for counters in TRAFFIC.values()),
        ("NO" if figures.difference else "yes") if is_rtl else "-",
        equal,
    ]
