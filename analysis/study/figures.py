"""Figures of the study: distance and success by method and width, and the training curves."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...model.decoding.engine import EosMode
from ..figures.style import BLUE, DPI, GREEN, ORANGE, PURPLE, SKY, VERMILION
from .results import Results, Rows
from .spec import FEW_WIDTHS, INTERVALS, SEEDS, WIDTHS, Configuration
from .summary import Outcome, Summary, summary_of
from .trained import aware_name, seed_name

LINES = {
    "norm-q": (BLUE, "o"),
    "kmeans-linear-normalized": (GREEN, "s"),
    "kmeans-log-normalized": (ORANGE, "^"),
    "kmeans-linear": (SKY, "D"),
    "kmeans-log": (PURPLE, "v"),
    "linear": (VERMILION, "x"),
}
CURVES = dict(zip(sorted(INTERVALS), (VERMILION, ORANGE, PURPLE, GREEN, SKY, BLUE), strict=True))


def draw_figures(results: Results, folder: Path) -> list[Path]:
    """Write the figures into `folder` and return their files."""
    found = summary_of(results)
    figures = {"methods": _methods(found), "training": training_curves(results)}
    files = [folder / f"{name}.png" for name in figures]
    for file, figure in zip(files, figures.values(), strict=True):
        figure.savefig(file, dpi=DPI)
    return files


def _methods(found: Summary) -> Figure:
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for method, (color, marker) in LINES.items():
        ones = [one for bits in WIDTHS if (one := found.get(Configuration(method, bits)))]
        _line(left, [(one, one.hmm["kl_nat"]) for one in ones if one.hmm["kl_infinite_share"] == 0], color, marker)
        _line(middle, [(one, 100 * one.success.mean()) for one in ones if one.sets], color, marker)
        _line(right, [(one, one.scores.percent()[0]) for one in ones if one.sets], color, marker, method)
    ctrlg = [one for bits in WIDTHS if (one := found.get(Configuration("norm-q", bits, eos=EosMode.CTRLG)))]
    _line(middle, [(one, 100 * one.success.mean()) for one in ctrlg if one.sets], "0.4", "+")
    right.plot([], [], "+-", color="0.4", label="norm-q, eos = ctrlg")
    right.axhline(found.base.scores.percent()[0], color="0.6", linewidth=0.8, label="float")
    left.set_yscale("log")
    titles = ("KL to float, nat (infinite ones left out)", "success, %", "ROUGE-L, %")
    for axis, title in zip((left, middle, right), titles, strict=True):
        axis.set_title(title, fontsize="medium")
        axis.set_xlabel("bits")
    figure.legend(loc="outside right center", fontsize="small", frameon=False)
    return figure


def _line(
    axis: Axes, points: Sequence[tuple[Outcome, float]], color: str, marker: str, label: str | None = None
) -> None:
    bits = [one.configuration.bits or 0 for one, _ in points]
    axis.plot(bits, [value for _, value in points], marker=marker, color=color, label=label)


def training_curves(results: Results) -> Figure:
    """Return the curves of aware EM, an axis for each width, and those of the seeds."""
    curves: dict[str, Rows] = defaultdict(list)
    for row in results.curves:
        curves[row["run"]].append(row)
    figure = Figure(figsize=(13, 3.6), layout="constrained")
    axes = figure.subplots(1, len(FEW_WIDTHS) + 1, sharey=True)
    *widths, last = axes
    for axis, bits in zip(widths, FEW_WIDTHS, strict=True):
        for interval, color in CURVES.items():
            _curve(axis, curves[aware_name(bits, interval)], color, f"interval {interval}", "chunk of 2,000 sentences")
        axis.set_title(f"Norm-Q aware EM, {bits} bits", fontsize="medium")
    for seed, style in zip(SEEDS, ("-", "--", ":"), strict=True):
        _curve(last, curves[seed_name(seed)], "0.3", f"float, seed {seed}", "pass over 20,000 sentences", style)
    last.set_title("float EM", fontsize="medium")
    axes[0].set_ylabel("nat per token, held-out samples")
    handles = [*widths[0].lines, *last.lines]
    figure.legend(handles=handles, loc="outside right center", fontsize="small", frameon=False)
    return figure


def _curve(axis: Axes, rows: Rows, color: str, label: str, unit: str, style: str = "-") -> None:
    chunks, dev = [row["chunk"] for row in rows], [row["dev"] for row in rows]
    axis.plot(chunks, dev, color=color, linestyle=style, linewidth=1, label=label)
    axis.set_xlabel(unit)
