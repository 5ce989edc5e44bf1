"""docs/DESIGN-SPACE.md, whole: nothing of it is typed in by hand, so nothing of it can be stale."""

from pathlib import Path
from string import Template

import pandas as pd

from ...model.atomic import replacing
from ...model.errors import OptionError
from ..design_points import MEASURED, PREDICTED
from .card import CARD, CARD_LIMIT
from .grid import HEAD as GRID_HEAD
from .grid import grid_rows
from .latency import PUBLISHED
from .measured import BEAMS, HIDDEN, PREFIX, REPEATS, VOCAB, Measured
from .sections import SUMMARY_HEAD, quality_rows, section, summary_row
from .targets import CLOCK_SHARE, LEAST_SUCCESS, targets
from .text import table

SHIPPED = Path(__file__).parent.parent / "sweep" / "results" / "answer.parquet"
TEMPLATE = Path(__file__).parent / "page.md"
QUALITY_HEAD = (
    *("b", "success, published", "ROUGE-L, published", "success, trained", "ROUGE-L, trained"),
    *("nat a token, trained", "KL, trained, nat", "KL, synthetic, nat"),
)
COUNTED = (
    f"LUTs; DSP slices; block RAMs of 36 kbit; UltraRAMs, of an {CARD.name} ({CARD.source}) of which {CARD_LIMIT:.0%}\n"
    "may be taken. Its energy is DRAM's alone."
)
UNCOUNTED = (
    "gate equivalents and bits on chip, for LUTs and DSP slices were not counted yet; area at 45 nm\nstands in for the "
    "share of the card. Its energy is DRAM's alone."
)


def page_of(rows: pd.DataFrame, measured: Measured) -> str:
    """Return the page as Markdown from a sweep's table. Raises OptionError where a target has no design."""
    has_counts = "fpga_luts" in rows.columns and bool(rows["fpga_luts"].notna().any())
    chosen = targets(has_counts)
    evaluated = rows["status"] == "ok"
    by_model, by_rtl = rows["source"] != MEASURED, int((rows["source"] == MEASURED).sum())
    enough = rows[rows["published_success"] >= LEAST_SUCCESS]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        points=f"{int(by_model.sum()):,}",
        ok=f"{int((evaluated & (rows['source'] == PREDICTED)).sum()):,}",
        impossible=f"{int((rows['status'] == 'impossible').sum()):,}",
        rtl=f", {by_rtl} run in RTL too, with the same counters" if by_rtl else "",
        answer=table(SUMMARY_HEAD, [summary_row(rows, target) for target in chosen]),
        card=f"Size of the FPGA: {COUNTED if has_counts else UNCOUNTED}",
        published_ms=f"{PUBLISHED.milliseconds:g}",
        published_name=PUBLISHED.name,
        published_source=PUBLISHED.source,
        lm=f"GPT-2 124M with random weights, float32, on {measured.machine}: {_measured_steps(measured)}",
        prefix=PREFIX,
        repeats=REPEATS,
        targets="\n\n".join(section(rows, target, measured) for target in chosen),
        synthetic_hidden=HIDDEN,
        synthetic_vocab=VOCAB,
        grid=table(GRID_HEAD, (row for target in chosen for row in grid_rows(rows, target))),
        quality=table(QUALITY_HEAD, quality_rows(rows, measured)),
        least_success=f"{LEAST_SUCCESS:.1%}",
        least_bits=enough["bits"].min(),
        clock_share=f"{CLOCK_SHARE:.0%}",
    )


def _measured_steps(measured: Measured) -> str:
    steps = ((beams, measured.lm_step(beams)) for beams in BEAMS)
    known = [(beams, step.milliseconds) for beams, step in steps if step is not None]
    return ", ".join(f"{spent:.1f} ms at {beams} beam{'s' if beams > 1 else ''}" for beams, spent in known)


def write_page(text: str, path: Path) -> None:
    """Write the page, whole or not at all. Raises OptionError where that is impossible."""
    try:
        with replacing(path) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OptionError(f"--output: {path} cannot be written ({error.strerror})") from error
