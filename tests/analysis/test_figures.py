"""Every figure names its axes with units and shows every model."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from normq.analysis.commands.run import FIGURES
from normq.analysis.job.row import Row
from normq.tests.analysis.rows import row, specs

ROWS = [row(spec) for spec in specs()]
Draw = Callable[[Sequence[Row]], Figure]
LABELS = {
    "bits_per_weight": "packed model file (bits per weight)",
    "divergence": "mean KL of the next token (nat)",
    "cycles_over_roofline": "cycles of a group / roofline",
    "traffic": "traffic of a group of vectors (kB)",
}


@pytest.mark.parametrize(("name", "draw"), FIGURES.items())
def test_axes_are_labelled(name: str, draw: Draw) -> None:
    figure = draw(ROWS)
    axes = figure.axes
    assert axes[0].get_ylabel() == LABELS[name]
    assert all(axis.get_xlabel().startswith("index width b (bits)") for axis in axes)
    (legend,) = figure.legends
    assert len(legend.get_texts()) >= 2
    sink = BytesIO()
    figure.savefig(sink, format="png")
    assert sink.getvalue().startswith(b"\x89PNG")


def test_traffic_bars_add_up() -> None:
    (real, _) = FIGURES["traffic"](ROWS).axes
    bars: Any = real.containers[-1]
    tops = [bar.get_y() + bar.get_height() for bar in bars]
    assert tops == pytest.approx([3 * (6000 + 500 + 64 + 250) / 1000] * 4)


def test_ratio_lines_lie_where_the_rows_say() -> None:
    for axis in FIGURES["cycles_over_roofline"](ROWS).axes:
        data = [
            np.asarray(line.get_ydata()).tolist() for line in axis.lines if line.get_marker() not in ("None", None, "")
        ]
        assert data == [[1.5, 1.5]] * 4
