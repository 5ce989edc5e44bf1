"""REASON beside an engine: what its authors publish, ours in the same columns, and what may be compared.

Z. Wan et al., "REASON: Accelerating Probabilistic Logical Reasoning for Scalable Neuro-Symbolic Intelligence", HPCA
2026 (arXiv 2601.20784), abstract: TSMC 28 nm, 6 mm2, 2.12 W; over desktop and edge GPUs 12-50x speed-up and 310-681x
energy efficiency on six neuro-symbolic workloads, end-to-end tasks in 0.8 s.
"""

from collections.abc import Sequence

from ..cost.band import Band
from .compare import ROOFLINE, Ratio
from .engine import EDGE
from .markdown import band, number, table

NODE_NM, AREA_MM2, WATTS = 28, 6.0, 2.12
SPEEDUP, ENERGY = (12, 50), (310, 681)
HIDDEN, BEAMS, GPU, FLOAT = 4096, 16, "Jetson AGX Orin 64 GB", "float16"

NOTES = """\
Comparable: node and area, by order of magnitude; that both stand beside an edge GPU; that HMMs are among REASON's
workloads. Not comparable: REASON runs logic, circuits and HMMs and is programmable, this engine runs one HMM format;
REASON's ratios are of whole tasks against measured GPUs (desktop and edge), ours of a token step's HMM share against a
GPU's roofline, which real kernels do not reach; REASON's power is its own, ours is energy over time with DRAM's full
path and leakage; REASON's weights are not compressed to a few bits, so part of our ratio is the format's (see above).
"""


def reason_text(found: Sequence[Ratio]) -> str:
    """Return the table and its notes; `found` holds the edge engine beside the edge GPU."""
    ours = next(
        one
        for one in found
        if (one.engine.engine, one.baseline.name, one.baseline.variant, one.baseline.origin)
        == (EDGE, GPU, FLOAT, ROOFLINE)
        and (one.engine.hidden, one.engine.beams) == (HIDDEN, BEAMS)
    )
    step, cost = ours.engine, ours.engine.cost
    area = Band(cost.area_low_mm2, cost.area_mm2, cost.area_high_mm2)
    energy = ours.energy
    rows = [
        (
            "REASON (published)",
            f"{NODE_NM} nm",
            number(AREA_MM2),
            number(WATTS),
            "{}-{}x".format(*SPEEDUP),
            "{}-{}x".format(*ENERGY),
        ),
        (
            f"{EDGE}, H={HIDDEN}, b={step.bits}, B={BEAMS} (estimate)",
            cost.node,
            band(area),
            number(step.watts),
            f"{ours.speedup:.3g}x",
            f"{band(energy)}x" if energy else "",
        ),
    ]
    headings = ("design", "node", "area, mm2", "power, W", "speed-up over GPUs", "energy efficiency over GPUs")
    return f"{table(headings, rows)}\n\nThe GPU of our row: {GPU}, {FLOAT}, roofline.\n\n{NOTES}"
