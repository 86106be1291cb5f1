"""Sums as pictures: bars end where their sums do, signs are seen and printed, a switch shows one choice."""

import csv
import io
import re
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from browser.drawn import RECTS, WIDE, ends
from browser.reading import OPEN_TABLES
from browser.sample_sums import switch, waterfall
from browser.sample_tokens import HOSTILE
from browser.shown import READ_TABLES, exact, read, tables_of
from browser.shown_sums import running

from loadstore.views.base import plain
from loadstore.views.sums import waterfall as made

if TYPE_CHECKING:
    from playwright.sync_api import Locator

View = dict[str, Any]
Show = Callable[..., "Locator"]


@pytest.mark.parametrize("width", [1400, 400])
def test_bars_run_from_where_the_last_ended(show: Show, width: int) -> None:
    view = waterfall()
    view["rows"] = [row for row in view["rows"] if isinstance(row["value"], float)]
    figure = show(view, width)
    sums = [0.0, *running([row["value"] for row in view["rows"]])]
    expected = [tuple(sorted(pair)) for pair in pairwise(sums)]
    found = ends(figure, view["total"]["value"])
    for (left, right), (low, high) in zip(found, [*expected, (0, view["total"]["value"])], strict=True):
        assert left == pytest.approx(low, abs=0.02)
        assert right == pytest.approx(high, abs=0.02)
    assert "remainder 3e−7" in figure.locator(".body").inner_text()
    assert figure.evaluate(WIDE) <= width


def test_what_is_no_number_moves_nothing(show: Show) -> None:
    view = waterfall()
    figure = show(view)
    found = ends(figure, view["total"]["value"])
    assert [left for left, _ in found] == pytest.approx([-1.25, -1.25, -0.75, 3.125, 3.125, 0], abs=0.02)
    assert found[3][1] == pytest.approx(5.25, abs=0.02), "the NaN before it moved nothing"
    assert figure.locator("path.odd.filled").count() == 1, "the endless step runs off the scale"
    assert figure.locator("svg.chart rect[fill^='url(#']").count() == 1, "the impossible step is hatched"


def test_signs_have_colours_and_are_printed(show: Show) -> None:
    figure = show(waterfall())
    said = figure.locator("svg.chart text").all_text_contents()
    assert {"−1.25", "+.50", "+6.00", "−2.13", "∞", "NaN", "n/a", "+3.13"} <= set(said)
    fills = [[int(part, 16) for part in re.findall(r"[0-9a-f]{2}", fill)] for _, _, fill in figure.evaluate(RECTS)]
    falls = [blue > red for red, _, blue in fills]
    assert falls == [True, False, False, True, False, False]


def test_a_waterfall_says_its_sums(show: Show) -> None:
    figure = show(waterfall())
    page, readout = figure.page, figure.locator(".readout")
    figure.locator(".stop").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    said = re.sub(r"\s+", " ", readout.inner_text())
    assert re.search(r"L1\.H4 logit less .* \+6\.00 sum so far \+5\.25 copies ␣on·4", said)
    page.keyboard.press("End")
    assert re.search(r"logit of ␣on .*\+3\.13 total", re.sub(r"\s+", " ", readout.inner_text()))


def test_the_scale_of_a_waterfall_holds_every_sum(show: Show) -> None:
    rows = [("up", 7.0, ""), ("down", -9.0, ""), ("up again", 2.25, "")]
    view = plain(made("steps", "nats", ("step", "text"), rows, total=("sum", 0.25), remainder=0.0))
    figure = show(view)
    assert figure.locator("path.odd.filled").count() == 0, "nothing runs off it"
    found = ends(figure, 0.25)
    assert found[1] == pytest.approx((-2, 7), abs=0.05)
    assert "remainder 0:" in figure.locator(".remainder").inner_text()


@pytest.mark.parametrize("width", [1400, 360])
def test_a_switch_shows_the_choice_and_is_walked(show: Show, width: int) -> None:
    view = switch()
    figure = show(view, width)
    page = figure.page
    group = page.get_by_role("group", name="Measure")
    assert group.get_by_role("radio").count() == 3

    def titles() -> list[str]:
        return figure.locator("h4:visible").all_inner_texts()

    assert titles() == ["the walk without values"]
    figure.locator("a.number").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "radio"
    page.keyboard.press("ArrowDown")
    assert titles() == ["loads by size", "loads by name"]
    assert group.get_by_role("radio", name=HOSTILE).is_checked()
    assert figure.evaluate(WIDE) <= width
    page.keyboard.press("ArrowDown")
    assert titles() == []
    assert "nothing to show" in figure.inner_text()
    page.keyboard.press("ArrowDown")
    assert titles() == ["the walk without values"], "round to the first"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "stop scroll", "the group is one Tab stop"


def test_the_views_of_a_switch_have_tables_exports_and_pins_of_their_own(show: Show) -> None:
    view = switch()
    figure = show(view)
    page = figure.page
    figure.locator(".stop").focus()
    page.keyboard.press("Enter")
    figure.get_by_role("radio", name=HOSTILE).check()
    assert figure.locator(".readout:visible").inner_text() == "", "no pin comes along"
    page.evaluate(OPEN_TABLES)
    tables = {(table["view"], table.get("panel")): table["values"] for table in page.evaluate(READ_TABLES)}
    walked = tables_of(view["choices"][0]["views"][0])
    places = sorted({where for where, _ in tables})
    assert places[2] == "0-traffic-all-0"
    assert [re.sub(r"^0-script-img-[\w-]+-", "", where) for where in places[:2]] == ["0", "1"]
    for (panel, _), rows in walked.items():
        found = tables["0-traffic-all-0", panel]
        assert [[read(v) for v in row] for row in found] == [[exact(v) for v in row] for row in rows]
    figure.get_by_role("radio", name="Traffic").check()
    assert "pinned" in figure.locator(".readout:visible").inner_text(), "it kept its own"
    with page.expect_download() as download:
        figure.get_by_role("button", name="CSV of the walk without values").click()
    assert download.value.suggested_filename.endswith("-0-traffic-all-0.csv")
    header, *lines = csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8"), newline=""))
    assert header == ["panel", "row", "column", "value", "text"]
    assert len(lines) == (5 + 1) + (6 + 1) + 5 * 6 + 3
