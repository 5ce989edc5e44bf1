"""Figures of the study: distance and success by method and width, and the training curves."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...model.decoding.engine import EosMode
from ..figures.style import BLUE, DPI, GREEN, ORANGE, PURPLE, SKY, VERMILION
from .results import Results
from .spec import WIDTHS, Configuration
from .summary import Outcome, Summary
from .tables import summary_of

LINES = {
    "norm-q": (BLUE, "o"),
    "kmeans-linear-normalized": (GREEN, "s"),
    "kmeans-log-normalized": (ORANGE, "^"),
    "kmeans-linear": (SKY, "D"),
    "kmeans-log": (PURPLE, "v"),
    "linear": (VERMILION, "x"),
}
CURVES = {20: BLUE, 1: VERMILION}


def draw_figures(results: Results, folder: Path) -> list[Path]:
    """Write the figures into `folder` and return their files."""
    found = summary_of(results)
    figures = {"methods": _methods(found), "training": _training(results)}
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


def _training(results: Results) -> Figure:
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axis, bits in ((left, 4), (right, 8)):
        for interval, color in CURVES.items():
            rows = [row for row in results.curves if row["run"] == f"aware-{bits}-{interval}"]
            axis.plot(
                [row["chunk"] for row in rows], [row["dev"] for row in rows], color=color, label=f"interval {interval}"
            )
        axis.set_title(f"Norm-Q aware EM, {bits} bits", fontsize="medium")
        axis.set_xlabel("chunk")
        axis.legend(fontsize="small", frameon=False)
    left.set_ylabel("nat per token, held-out samples")
    return figure
