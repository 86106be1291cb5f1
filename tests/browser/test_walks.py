"""The walk of an address: links are as wide as their parts, its strongest path is bold, a pin dims the others."""

import math
import re
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from browser.drawn import WIDE, ends
from browser.sample_sums import walk
from browser.shown_sums import bars, pairs, running

from loadstore.views.base import plain
from loadstore.views.sums import load

if TYPE_CHECKING:
    from playwright.sync_api import Locator

Show = Callable[..., "Locator"]
LINKS = """(figure) => Object.fromEntries([...figure.querySelectorAll('[data-pair]')].map(link => [link.dataset.pair, {
    width: parseFloat(getComputedStyle(link).strokeWidth),
    opacity: parseFloat(getComputedStyle(link).strokeOpacity),
    stroke: link.getAttribute('stroke'), dashes: link.getAttribute('stroke-dasharray'),
}]))"""


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
    assert [text.split()[0] for text in bold.all_text_contents()] == ["embed+.71", "L0.H7+.84", "embed+.90"]
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
    assert re.search(r"pinned ?K ␣on·4 L0\.H2 share \+\.050 what L0\.H2 stored for K strongest pair", readout)
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
    empty = {**walk(), "sides": {"V": plain(load("␣on·4", [("embed", 1.0, "")], 0.0))}, "parts": []}
    figure = show(empty)
    said = " ".join(figure.locator(".stop svg text").all_text_contents())
    assert "Q: nothing loaded here" in said
    assert "K: nothing loaded here" in said
    assert figure.locator("[data-pair]").count() == 0
