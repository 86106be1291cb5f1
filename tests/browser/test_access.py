"""Everybody can use the page: axe finds nothing serious, and the keyboard reaches everything."""

from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser.sample import sample_page
from depth import deep

from loadstore.views.page import render_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
OPENED = {f"figure-{number}" for number in (3, 6, 7, 9, 11, 13, 15, 16, 17, 18)}
"""One of every kind of table, and not the longest: axe looks at every cell."""
OPEN_ALL = "document.querySelectorAll('details').forEach(details => { details.open = true; })"
VIOLATIONS = "axe.run(document, { resultTypes: ['violations'] }).then(result => result.violations)"
REACHABLE = """() => [...document.querySelectorAll('a[href], button, select, input, summary, [tabindex]')]
    .filter(element => element.tabIndex >= 0 && element.checkVisibility())
    .filter(element => element.type !== 'radio' || element.checked)
    .map((element, index) => (element.dataset.reach = String(index)))"""
IN_FOCUS = """() => {
    const element = document.activeElement;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return {
        reach: element.dataset.reach ?? null,
        seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        what: element.outerHTML.slice(0, 90),
    };
}"""
STOPS = """() => [...document.querySelectorAll('section.view')].map(view => [
    view.querySelector('h4').textContent, view.querySelectorAll('.body [tabindex="0"]').length])"""

Visit = Callable[..., "Page"]


@pytest.fixture(scope="module")
def visit(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Visit]":
    """Open a document in a context where axe may be put into the page, which its policy forbids otherwise."""
    folder: Path = tmp_path_factory.mktemp("access")

    def go(document: dict[str, Any], width: int = 1400, **context: Any) -> "Page":
        path = folder / "page.html"
        path.write_text(render_page(document), encoding="utf-8")
        made = browser.new_context(
            viewport={"width": width, "height": 900}, reduced_motion="reduce", bypass_csp=True, **context
        )
        page = made.new_page()
        page.set_default_timeout(120_000)
        page.goto(path.as_uri(), wait_until="load")
        page.wait_for_selector("article.figure")
        return page

    yield go
    for context in browser.contexts:
        context.close()


def with_figures(wanted: Callable[[str], bool]) -> dict[str, Any]:
    """The sample with some of its figures."""
    document = sample_page()
    for section in document["sections"]:
        section["figures"] = [figure for figure in section["figures"] if wanted(figure["id"])]
    return document


def serious(page: "Page") -> list[str]:
    """What axe finds that keeps somebody out, one line each."""
    page.evaluate(AXE)
    return [
        f"{found['id']}: {node['html'][:120]} {node['failureSummary']}"
        for found in page.evaluate(VIOLATIONS)
        if found["impact"] in {"serious", "critical"}
        for node in found["nodes"]
    ]


@pytest.fixture(scope="module")
def plain(visit: Visit) -> "Page":
    """The sample, for those who only look at it."""
    return visit(sample_page())


def test_axe_finds_nothing_serious(plain: "Page") -> None:
    assert serious(plain) == []


def test_axe_finds_nothing_serious_in_the_dark_on_a_narrow_window(visit: Visit) -> None:
    assert serious(visit(sample_page(), 400, color_scheme="dark")) == []


def test_axe_finds_nothing_serious_in_opened_tables(visit: Visit) -> None:
    page = visit(with_figures(OPENED.__contains__))
    page.evaluate(OPEN_ALL)
    page.wait_for_timeout(200)
    assert serious(page) == []


def test_axe_finds_nothing_serious_where_the_prompt_is_long_or_the_page_compact(visit: Visit) -> None:
    document = with_figures(lambda name: name == "figure-1")
    assert serious(visit({**document, "tokens": document["tokens"] * 20})) == []
    document = deep(sample_page(), usual=with_figures(OPENED.__contains__))
    assert serious(visit({**document, "compact": True})) == []


def test_axe_would_find_a_fault(visit: Visit) -> None:
    page = visit(with_figures(lambda name: name in {"figure-1", "figure-14"}))
    page.evaluate(
        "document.querySelectorAll('button.head').forEach(head => { head.replaceChildren(); head.ariaLabel = ''; })"
    )
    assert any(line.startswith("button-name") for line in serious(page))


@pytest.mark.parametrize("width", [1400, 400])
def test_tab_reaches_everything_in_order_and_leaves(visit: Visit, width: int) -> None:
    page = visit(sample_page(), width)
    count = len(page.evaluate(REACHABLE))
    assert count > 80
    met: list[int] = []
    for _ in range(count):
        page.keyboard.press("Tab")
        focus = page.evaluate(IN_FOCUS)
        assert focus["reach"] is not None, focus
        assert focus["seen"], focus
        assert focus["ring"], focus
        met.append(int(focus["reach"]))
    assert met == list(range(count)), "document order, nothing missed, nowhere caught"
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(IN_FOCUS)["reach"] == str(count - 2)


def test_a_picture_is_one_tab_stop(plain: "Page") -> None:
    stops = dict(plain.evaluate(STOPS))
    packed = stops.pop("all heads on the prompt, packed")
    assert packed == 2, "the heads, and the one that is large"
    assert set(stops.values()) == {1}


def test_every_picture_has_a_name(plain: "Page") -> None:
    names = plain.evaluate("[...document.querySelectorAll('canvas')].map(c => [c.role, c.ariaLabel])")
    assert len(names) == 24 + 24
    assert all(role == "img" and name for role, name in names)
    unnamed = "[...document.querySelectorAll('svg')].filter(s => !s.ariaLabel && !s.ariaHidden).length"
    assert plain.evaluate(unnamed) == 0
    said = plain.get_by_role("img", name="scores: S, 11 by 11, = X, 11 by 384, W sub Q, 384 by 32, W sub K transposed")
    assert said.count() == 1


@pytest.mark.parametrize("zoom", ["window", "text"])
def test_twice_the_size_still_fits(visit: Visit, zoom: str) -> None:
    page = visit(sample_page(), 700, device_scale_factor=2 if zoom == "window" else 1)
    if zoom == "text":
        page.add_style_tag(content="html { font-size: 200% }")
    page.evaluate(OPEN_ALL)
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 700


@pytest.mark.parametrize("width", [360, 1400])
def test_forced_colours_keep_pictures_and_words(visit: Visit, width: int) -> None:
    page = visit(sample_page(), width, forced_colors="active")
    ink = "getComputedStyle(document.querySelector('#figure-7 svg text')).fill"
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ink) != page.evaluate(ground)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    bars = "new Set([...document.querySelectorAll('#figure-8 .bar')].map(b => getComputedStyle(b).fill)).size"
    assert page.evaluate(bars) > 5, "colours that carry a value are kept"


@pytest.mark.parametrize(("width", "theme"), [(1400, "dark"), pytest.param(400, "light", marks=pytest.mark.nightly)])
def test_axe_finds_nothing_serious_in_an_open_block(visit: Visit, width: int, theme: str) -> None:
    document = sample_page()
    document["sections"] = document["sections"][1:]
    figures = document["sections"][0]["figures"]
    document["sections"][0]["figures"] = [figure for figure in figures if figure["id"] == "figure-15"]
    page = visit(document, width, color_scheme=theme)
    page.locator(".stop").focus()
    for key in ("ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.locator(".trail button").wait_for()
    page.evaluate(OPEN_ALL)
    page.locator("table.data").first.wait_for()
    assert serious(page) == []
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(IN_FOCUS)["what"].startswith("<button")
    page.keyboard.press("Enter")
    assert page.locator(".trail").inner_text() == "All layers"
    assert page.evaluate("document.activeElement.className") == "stop scroll"
