"""Sums as pictures: bars end where their sums do, links are as wide as their parts, a switch shows one choice."""

import csv
import io
import math
import re
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from browser.reading import OPEN_TABLES
from browser.sample_sums import switch, walk, waterfall
from browser.sample_tokens import HOSTILE
from browser.shown import READ_TABLES, exact, read, tables_of
from browser.shown_sums import bars, pairs, running

from loadstore.views.sums import load
from loadstore.views.sums import waterfall as made

if TYPE_CHECKING:
    from playwright.sync_api import Locator

View = dict[str, Any]
Show = Callable[..., "Locator"]
RECTS = """(figure) => [...figure.querySelectorAll('rect.bar:not(.share)')].map(bar => {
    const at = bar.getBBox();
    return [at.x, at.x + at.width, bar.getAttribute('fill')];
})"""
LINKS = """(figure) => Object.fromEntries([...figure.querySelectorAll('[data-pair]')].map(link => [link.dataset.pair, {
    width: parseFloat(getComputedStyle(link).strokeWidth),
    opacity: parseFloat(getComputedStyle(link).strokeOpacity),
    stroke: link.getAttribute('stroke'), dashes: link.getAttribute('stroke-dasharray'),
}]))"""
WIDE = "figure => document.documentElement.scrollWidth"


def ends(figure: "Locator", total: float) -> list[tuple[float, float]]:
    """From where to where each bar runs, in the units of its axis; the last bar is the total, from zero."""
    rects = figure.evaluate(RECTS)
    zero, unit = rects[-1][0], (rects[-1][1] - rects[-1][0]) / total
    return [((left - zero) / unit, (right - zero) / unit) for left, right, _ in rects]


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
    assert {"−1.25", "+0.50", "+6.00", "−2.13", "∞", "NaN", "n/a", "+3.13"} <= set(said)
    fills = [[int(part) for part in re.findall(r"\d+", fill)] for _, _, fill in figure.evaluate(RECTS)]
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
    view = made("steps", "nats", ("step", "text"), rows, total=("sum", 0.25), remainder=0.0)
    figure = show(view)
    assert figure.locator("path.odd.filled").count() == 0, "nothing runs off it"
    found = ends(figure, 0.25)
    assert found[1] == pytest.approx((-2, 7), abs=0.05)
    assert "remainder 0:" in figure.locator(".remainder").inner_text()


@pytest.mark.parametrize("width", [1400, 360])
def test_links_are_as_wide_as_their_parts(show: Show, width: int) -> None:
    view = walk()
    figure = show(view, width)
    links = figure.evaluate(LINKS)
    assert links.keys() == {f"{q},{k}" for _, q, k in pairs(view)}, "a pair that does not exist has none"
    unit = links["0,1"]["width"] / 9.75
    for part, q, k in pairs(view):
        link = links[f"{q},{k}"]
        if isinstance(part, float):
            assert link["width"] == pytest.approx(abs(part) * unit, rel=1e-3, abs=1e-3)
            assert bool(link["dashes"]) == (part < 0)
        else:
            assert link["stroke"] is None
            assert link["dashes"] == "1 4"
    number = [part for part, _, _ in pairs(view) if isinstance(part, float)]
    colours = {math.copysign(1, part): links[f"{q},{k}"]["stroke"] for part, q, k in pairs(view) if part in number}
    assert len(set(colours.values())) == 2
    assert figure.evaluate(WIDE) <= width


def test_the_strongest_path_is_bold(show: Show) -> None:
    figure = show(walk())
    assert figure.locator(".body > .stop .card.hero").count() == 3 + 2, "a writer of each side, the weight, the store"
    bold = figure.locator(".stop svg g[font-weight='700'][font-size='12']")
    assert bold.count() == 3
    assert [text.split()[0] for text in bold.all_text_contents()] == ["embed+0.71", "L0.H7+0.84", "embed+0.90"]
    casing = figure.locator(".links .casing")
    assert casing.count() == 1
    hero = figure.locator("[data-pair='0,1']")
    assert casing.get_attribute("d") == hero.get_attribute("d")
    assert figure.evaluate(LINKS)["0,1"]["opacity"] == 1
    assert "weight .71" in " ".join(figure.locator(".stop svg text").all_text_contents())


def test_a_pin_keeps_its_links_and_dims_the_others(show: Show) -> None:
    figure = show(walk())
    page = figure.page
    figure.locator(".stop").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    readout = re.sub(r"\s+", " ", figure.locator(".readout").inner_text())
    assert re.search(r"pinned ?K ␣on·4 L0\.H2 share \+0\.050 what L0\.H2 stored for K strongest pair", readout)
    links = figure.evaluate(LINKS)
    assert {pair for pair, link in links.items() if link["opacity"] > 0.5} == {
        pair for pair in links if pair.endswith(",2")
    }
    assert max(link["opacity"] for pair, link in links.items() if not pair.endswith(",2")) < 0.1
    page.keyboard.press("Escape")
    assert figure.evaluate(LINKS)["0,1"]["opacity"] == 1


def test_a_pinned_bar_keeps_its_pair(show: Show) -> None:
    view = walk(odd=False)
    figure = show(view)
    page = figure.page
    figure.locator(".stop").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Home", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    label = bars(view)[1]["label"]
    assert label in figure.locator(".readout").inner_text()
    best = next((q, k) for _, q, k in pairs(view) if [q, k] != view["hero"][:2])
    lit = [pair for pair, link in figure.evaluate(LINKS).items() if link["opacity"] > 0.5]
    assert lit == [f"{best[0]},{best[1]}"]
    for key in ("End", "Enter"):
        page.keyboard.press(key)
    assert all(link["opacity"] > 0.5 for link in figure.evaluate(LINKS).values()), "the total has all of them"


def test_the_bars_of_a_walk_add_up_to_its_score(show: Show) -> None:
    view = walk(odd=False)
    figure = show(view, 360)
    rows = bars(view)
    score = view["score"]["value"]
    assert sum(row["value"] for row in rows) + view["score"]["remainder"] == pytest.approx(score, abs=1e-5)
    found = ends(figure, score)
    sums = [0.0, *running([row["value"] for row in rows])]
    for (left, right), (low, high) in zip(found[:-1], pairwise(sums), strict=True):
        assert (left, right) == pytest.approx((min(low, high), max(low, high)), abs=0.1)
    assert "remainder 1e−6" in figure.inner_text()


def test_a_side_without_stores_says_so(show: Show) -> None:
    view = walk()
    del view["sides"]["V"]
    figure = show(view)
    assert "V: nothing stored here" in " ".join(figure.locator(".stop svg text").all_text_contents())
    assert figure.locator("table[data-panel='V']").count() == 0
    empty = {**walk(), "sides": {"V": load("␣on·4", [("embed", 1.0, "")], 0.0)}, "parts": []}
    figure = show(empty)
    said = " ".join(figure.locator(".stop svg text").all_text_contents())
    assert "Q: nothing loaded here" in said
    assert "K: nothing loaded here" in said
    assert figure.locator("[data-pair]").count() == 0


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
    assert page.evaluate("document.activeElement.textContent") == "CSV", "the group is one Tab stop"


def test_the_views_of_a_switch_have_tables_exports_and_pins_of_their_own(show: Show) -> None:
    view = switch()
    figure = show(view)
    page = figure.page
    figure.locator(".stop").focus()
    page.keyboard.press("Enter")
    figure.get_by_role("radio", name=HOSTILE).check()
    assert figure.locator(".readout:visible").inner_text().startswith("Point at a bar"), "no pin comes along"
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
