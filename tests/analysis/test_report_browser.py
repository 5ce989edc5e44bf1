"""The report in headless Chromium: every filter is clicked, and what is then shown is what pandas finds."""

import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from normq.analysis.pareto import front
from normq.analysis.report.page import report_page
from normq.analysis.report.table import report_table
from normq.tests.analysis.points import report_points

pytestmark = pytest.mark.browser
ROWS = report_points()
POINTS = ROWS[ROWS["status"] == "ok"]
BUTTONS = {"hidden_states": 2, "bits": 3, "layout": 2, "lanes": 2}
SLIDERS = ("latency", "latency_us", "energy_uj", "area_mm2", "quality_nat_per_token")
STATE = "name => { const m = Bokeh.documents[0].get_model_by_name(name); return [m.start, m.end, m.value] }"
PLOT = """() => {
  const plot = Bokeh.documents[0].get_model_by_name("plot"), axis = plot.below[0]
  return {x: axis.axis_label, y: plot.left[0].axis_label, x_scale: plot.x_scale.type, text: axis.axis_label_text_color}
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found, "this test needs Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        # no sandbox: as root, in a container, Chromium refuses to start with one; the page is our own
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_page(report_table(ROWS), "Points"), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    """The page, opened; afterwards it must have asked for nothing but itself, and complained of nothing."""
    opened = browser.new_context(
        color_scheme="light", viewport={"width": 1300, "height": 1400}, offline=True
    ).new_page()
    opened.set_default_timeout(5000)
    faults: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(message.text)

    opened.on("console", listen)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    requests: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(file.as_uri())
    opened.locator("#shown").wait_for()
    yield opened
    assert faults == []
    assert [url for url in requests if not url.startswith("data:")] == [file.as_uri()]
    opened.context.close()


def _expect(page: Page, passing: "pd.Series[bool]") -> None:
    page.wait_for_function(
        "text => document.querySelector('.page') && window.Bokeh && "
        "Bokeh.documents[0].get_model_by_name('count').text.includes(text)",
        arg=f'<b id="shown">{int(passing.sum())}</b> of {len(POINTS)} points',
    )
    keep: list[bool] = page.evaluate(
        "() => Bokeh.documents[0].get_model_by_name('points-table').view.filters[0].booleans"
    )
    assert keep == passing.tolist()


@pytest.mark.parametrize("column", BUTTONS)
def test_every_button_of_a_filter(page: Page, column: str) -> None:
    values = sorted(POINTS[column].unique())
    buttons = page.locator(f".filter-{column} .bk-btn")
    assert buttons.count() == len(values) == BUTTONS[column]
    for place, value in enumerate(values):
        buttons.nth(place).click()
        _expect(page, POINTS[column] != value)
        buttons.nth(place).click()
        _expect(page, POINTS[column].notna())


@pytest.mark.parametrize("column", SLIDERS)
def test_both_ends_of_a_slider(page: Page, column: str) -> None:
    cells = POINTS[column]
    for handle, key in (("lower", "ArrowRight"), ("upper", "ArrowLeft")):
        grip = page.locator(f".filter-{column} .noUi-handle-{handle}")
        grip.focus()
        for _ in range(60):
            grip.press(key)
        start, _, (low, high) = page.evaluate(STATE, f"filter-{column}")
        is_log = not math.isclose(start, cells.min(), rel_tol=0.1)
        below, above = (10**low, 10**high) if is_log else (low, high)
        passing = (cells >= below) & (cells <= above)
        assert passing.sum() < cells.notna().sum()
        _expect(page, passing)
    page.get_by_role("button", name="all filters open").click()
    _expect(page, POINTS["bits"].notna())


def test_list_of_texts(page: Page) -> None:
    field = page.locator(".filter-node")
    for chosen in (["<b>n3</b>"], ["<b>n3</b>", "<b>n0</b>"]):
        field.locator(".choices__inner").click()
        field.locator(".choices__list--dropdown .choices__item", has_text=chosen[-1]).first.click()
        page.keyboard.press("Escape")
        _expect(page, POINTS["node"].isin(chosen))


def test_filters_add_up_and_open_again(page: Page) -> None:
    page.locator(".filter-bits .bk-btn").nth(1).click()
    page.locator(".filter-layout .bk-btn").nth(0).click()
    _expect(page, (POINTS["bits"] != 4) & (POINTS["layout"] == "sparse"))
    page.get_by_role("button", name="all filters open").click()
    _expect(page, POINTS["bits"].notna())


def test_fronts(page: Page) -> None:
    goals = ["cycles", "area_mm2"]
    page.get_by_role("button", name="only the front").click()
    kept = pd.Series(front(POINTS, ["energy_uj", "quality_nat_per_token"]), index=POINTS.index)
    _expect(page, kept)
    for title in ("token step (cycles)", "area (mm²)"):
        page.get_by_role("button", name=title, exact=True).click()
    _expect(page, pd.Series(front(POINTS, goals), index=POINTS.index))
    page.get_by_role("button", name="only the front").click()
    _expect(page, POINTS["bits"].notna())


def test_rings_can_be_hidden(page: Page) -> None:
    rings = "() => Bokeh.documents[0].get_model_by_name('front').data_source.data.x.length"
    assert page.evaluate(rings) == front(POINTS, ["energy_uj", "quality_nat_per_token"]).sum()
    page.get_by_role("button", name="show the front").click()
    page.wait_for_function(f"({rings})() == 0")


def test_axes_scales_and_colors(page: Page) -> None:
    assert page.evaluate(PLOT)["x"] == "energy of a token step (µJ, estimate)"
    page.locator(".select-x select").select_option(label="area (mm², estimate)")
    page.locator(".select-y select").select_option(label="token step (cycles)")
    page.wait_for_function("Bokeh.documents[0].get_model_by_name('plot').left[0].axis_label == 'token step (cycles)'")
    assert page.evaluate(PLOT)["x"] == "area (mm², estimate)"
    assert page.evaluate(PLOT)["x_scale"] == "LinearScale"
    page.get_by_role("button", name="log x").click()
    page.wait_for_function("Bokeh.documents[0].get_model_by_name('plot').x_scale.type == 'LogScale'")
    page.locator(".select-color select").select_option(label="token step (cycles)")
    page.wait_for_function("Bokeh.documents[0].get_model_by_name('legend').text.includes('greatest')")


def test_pointer_shows_the_whole_configuration(page: Page) -> None:
    page.locator(".select-x select").select_option(label="token step (µs)")
    place: Any = page.evaluate(
        """() => {
          const plot = Bokeh.documents[0].get_model_by_name("plot")
          const view = Object.values(Bokeh.index)[0].owner.get_one(plot), box = view.el.getBoundingClientRect()
          const data = plot.renderers[0].data_source.data, frame = view.frame
          return [box.x + frame.x_scale.compute(data.x[0]), box.y + frame.y_scale.compute(data.y[0])]
        }"""
    )
    page.mouse.move(place[0], place[1])
    tip = page.locator(".bk-tooltip-content").first
    tip.wait_for()
    text = re.sub(r"\s+", " ", tip.inner_text())
    for expected in (
        "hidden states H 1,024",
        "layout sparse",
        "vocabulary V 50257",
        "memory ideal",
        "cycles measured in RTL",
    ):
        assert expected in text


def _background(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


LIGHT, DARK = "rgb(255, 255, 255)", "rgb(20, 24, 29)"


def test_theme_follows_the_system_until_the_button(page: Page) -> None:
    assert _background(page) == LIGHT
    light = page.evaluate(PLOT)["text"]
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme == 'dark'")
    assert _background(page) == DARK
    assert page.evaluate(PLOT)["text"] != light
    page.locator("#theme").click()
    assert _background(page) == LIGHT
    page.emulate_media(color_scheme="light")
    page.locator("#theme").click()
    assert _background(page) == DARK


def test_table_lists_what_is_shown(page: Page) -> None:
    page.locator(".filter-layout .bk-btn").nth(1).click()
    _expect(page, POINTS["layout"] == "dense")
    cells = page.locator(".points-table .slick-row").first
    cells.wait_for()
    assert "dense" in cells.inner_text()
