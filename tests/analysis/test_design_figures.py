"""Figures of design points: every axis named with its unit, the data where the table says, sources told apart."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from normq.analysis.figures.column import SMALL, WIDTH, short
from normq.analysis.figures.machine_roofline import machine_roofline_figure
from normq.analysis.figures.pareto_fronts import pareto_fronts_figure
from normq.analysis.figures.scaling import scaling_figure
from normq.analysis.figures.stalls import labels_of, stalls_figure
from normq.analysis.figures.storage import storage_figure
from normq.analysis.figures.utilization_map import utilization_map_figure
from normq.model.errors import OptionError
from normq.tests.analysis.points import points

POINTS = points()
FEW = POINTS[POINTS["lanes"] == 8]
STORED = FEW.assign(bits_per_weight=FEW["bits"] / 10, kind="synthetic")
FIGURES: dict[str, tuple[Callable[[pd.DataFrame], Figure], pd.DataFrame, list[tuple[str, str]]]] = {
    "roofline": (
        machine_roofline_figure,
        POINTS,
        [("multiply-accumulates a byte of traffic", "multiply-accumulates a cycle")],
    ),
    "scaling": (
        scaling_figure,
        POINTS,
        [("", "token step (cycles)"), ("index width b (bits)", "traffic of a token step (bytes)")],
    ),
    "pareto": (
        pareto_fronts_figure,
        POINTS,
        [
            ("energy of a token step (µJ, estimate)", "log-likelihood\n(nat a token)"),
            ("token step (µs)", "log-likelihood\n(nat a token)"),
            ("area (mm², estimate)", "log-likelihood\n(nat a token)"),
        ],
    ),
    "published": (
        lambda rows: pareto_fronts_figure(rows, "published_success"),
        POINTS.assign(published_success=1 - 1 / POINTS["bits"] ** 2),
        [
            ("energy of a token step (µJ, estimate)", "constraint success\n(share, published)"),
            ("token step (µs)", "constraint success\n(share, published)"),
            ("area (mm², estimate)", "constraint success\n(share, published)"),
        ],
    ),
    "stalls": (stalls_figure, FEW, [("share of the token step (% of cycles)", "")]),
    "storage": (storage_figure, STORED, [("index width b (bits)", "stored bits per weight (computed)")]),
    "utilization": (
        utilization_map_figure,
        POINTS,
        [("index width b (bits)", "hidden states H"), ("", "roofline / cycles (%)")],
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_axes_have_units_and_fit_a_column(name: str) -> None:
    draw, table, labels = FIGURES[name]
    figure = draw(table)
    assert [(axis.get_xlabel(), axis.get_ylabel()) for axis in figure.axes] == labels
    assert figure.get_size_inches()[0] == WIDTH
    figure.draw_without_rendering()
    texts = [text for axis in figure.axes for text in (axis.xaxis.label, axis.yaxis.label, axis.title, *axis.texts)]
    texts += [text for item in figure.legends for text in item.get_texts()]
    texts += figure.axes[0].get_yticklabels() if name == "stalls" else []
    for text in filter(lambda text: text.get_text(), texts):
        box = text.get_window_extent()
        assert figure.bbox.x0 - 1 <= box.x0 < box.x1 <= figure.bbox.x1 + 1, text
        assert figure.bbox.y0 - 1 <= box.y0 < box.y1 <= figure.bbox.y1 + 1, text
        assert float(text.get_fontsize()) >= SMALL, text
    for above, below in pairwise(figure.axes if len(figure.axes) == 3 else []):
        assert above.yaxis.label.get_window_extent().y0 > below.yaxis.label.get_window_extent().y1


@pytest.mark.parametrize("name", FIGURES)
def test_missing_columns_and_rows_are_named(name: str) -> None:
    draw, table, _ = FIGURES[name]
    with pytest.raises(OptionError, match=r"^design points: lack the column '\w+', expected "):
        draw(table[["method"]])
    with pytest.raises(OptionError, match=r"^design points: none, expected at least one row$"):
        draw(table.iloc[:0])


def test_roofline_places_points_and_roofs() -> None:
    (axis,) = machine_roofline_figure(POINTS).axes
    drawn = _scattered(axis)
    work = POINTS["multiply_accumulates"]
    np.testing.assert_allclose(
        _rows(drawn), _rows(np.column_stack([work / POINTS["bytes_total"], work / POINTS["cycles"]])), rtol=1e-12
    )
    # 4 entries a cycle on 8 lanes, a port of 64 bytes
    xs, ys = (np.asarray(values, dtype=float) for values in axis.lines[0].get_data())
    np.testing.assert_array_equal(ys, np.minimum(32, 64 * xs))
    assert axis.lines[0].get_label() == "roof S=4 P=8 port=512"


def test_roof_bends_where_the_port_limits() -> None:
    """4 multiply-accumulates a cycle behind a port of 8 bytes: the ridge is at half a multiply-accumulate a byte."""
    table = FEW.assign(entries_per_cycle=1, lanes=4, port_bits=64, multiply_accumulates=FEW["bytes_total"] // 2)
    (axis,) = machine_roofline_figure(table).axes
    xs, ys = (np.asarray(values, dtype=float) for values in axis.lines[0].get_data())
    assert 0.5 in xs.tolist()
    np.testing.assert_array_equal(ys, np.minimum(4, 8 * xs))


def test_filled_markers_are_measured_in_rtl() -> None:
    (axis,) = machine_roofline_figure(POINTS).axes
    filled = {str(item.get_label()): bool(len(item.get_facecolor())) for item in axis.collections}
    assert filled == {
        "sparse, measured in RTL": True,
        "dense, measured in RTL": True,
        "sparse, timing model": False,
        "dense, timing model": False,
    }


@pytest.mark.parametrize(("against", "lines"), [("bits", 4), ("hidden_states", 6)])
def test_scaling_lines_run_through_the_least(against: str, lines: int) -> None:
    above, below = scaling_figure(POINTS, against).axes
    for axis, column in ((above, "cycles"), (below, "bytes_total")):
        assert len(axis.lines) == lines
        label = {"bits": "H=4096 dense", "hidden_states": "b=8 dense"}[against]
        (line,) = (line for line in axis.lines if line.get_label() == label)
        name, value = ("hidden_states", 4096) if against == "bits" else ("bits", 8)
        rows = POINTS[(POINTS[name] == value) & (POINTS["layout"] == "dense")]
        np.testing.assert_array_equal(line.get_ydata(), rows.groupby(against)[column].min())
        assert len(_scattered(axis)) == len(POINTS)


def test_axis_of_cycles_names_a_single_source() -> None:
    above, _ = scaling_figure(POINTS[POINTS["source"] == "RTL"]).axes
    assert above.get_ylabel() == "token step (cycles, measured in RTL)"


def test_front_steps_and_band() -> None:
    energy, *_ = pareto_fronts_figure(POINTS).axes
    assert energy.get_title() == "quality measured at H=256 V=4096 trained"
    (line,) = (line for line in energy.lines if line.get_label() == "front")
    # H=1024 sparse is cheapest at every b, with either P: traffic 1024 * b * 10 bytes, a thousandth of it in µJ
    np.testing.assert_allclose(np.unique(np.asarray(line.get_xdata(), float)), [30.72, 40.96, 81.92], rtol=1e-12)
    (band,) = (item for item in energy.collections if isinstance(item, LineCollection))
    np.testing.assert_allclose(next(segment[:, 0] for segment in band.get_segments()), [15.36, 61.44], rtol=1e-12)


def test_failed_points_are_not_drawn() -> None:
    table = POINTS.assign(status=np.where(POINTS["lanes"] == 8, "ok", "failed"))
    (axis,) = machine_roofline_figure(table).axes
    assert len(_scattered(axis)) == len(FEW)


def test_stalls_fill_every_bar() -> None:
    (axis,) = stalls_figure(FEW).axes
    containers: list[Any] = list(axis.containers)
    assert [part.get_label() for part in containers] == ["not stalled", "input", "output", "memory"]
    ends = [bar.get_x() + bar.get_width() for bar in containers[-1]]
    np.testing.assert_allclose(ends, 100, rtol=1e-12)
    expected = 100 * FEW["stall_memory"] / FEW["cycles"]
    np.testing.assert_allclose([bar.get_width() for bar in containers[-1]], expected, rtol=1e-9)
    assert [tick.get_text() for tick in axis.get_yticklabels()][:2] == ["H=1024 b=3 sparse", "H=1024 b=3 dense"]


def test_rows_alike_are_numbered() -> None:
    assert labels_of(POINTS.iloc[[0, 0]]) == ["point 1", "point 2"]


def test_storage_lines() -> None:
    (axis,) = storage_figure(STORED).axes
    lines = {str(line.get_label()): np.asarray(line.get_ydata()).tolist() for line in axis.lines}
    assert lines["H=1024 V=50257 synthetic sparse"] == [0.3, 0.4, 0.8]
    assert [text.get_text() for text in axis.texts] == ["float32", "99% smaller than float32"]


def test_utilization_cells() -> None:
    table = POINTS[["bits", "hidden_states", "source"]].assign(roofline_cycles=10 * POINTS["bits"], cycles=100)
    figure = utilization_map_figure(table[table["bits"] != 8])
    axis = figure.axes[0]
    assert [text.get_text() for text in axis.texts] == ["30", "40", "30", "40"]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["1024", "4096"]
    assert axis.get_title() == "cycles: measured in RTL and timing model"


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (20, "20"), (1000, "1 k"), (200_000, "200 k"), (3e6, "3 M"), (1e10, "10 G")]
)
def test_ticks_are_short(value: float, text: str) -> None:
    assert short(value) == text


def _scattered(axis: Axes) -> np.ndarray:
    return np.concatenate([np.asarray(item.get_offsets()) for item in axis.collections])


def _rows(values: np.ndarray) -> np.ndarray:
    return values[np.lexsort(values.T)]
