"""The page inside another: figures only, as high as they are, with links that stay in it."""

import html
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser.sample import sample_page
from browser.shown import views_of

from loadstore.views.page import render_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Page

Document = dict[str, Any]
Opener = Callable[..., "tuple[Page, list[str], list[str]]"]
FIGURES = len(views_of(sample_page()))
HEIGHTS = """() => [window.frameElement.getBoundingClientRect().height, document.documentElement.scrollHeight]"""


def framed(document: Document, path: Path, attributes: str = "", width: int = 800) -> Path:
    """A page around the page of `document`, as a notebook has it."""
    inner = html.escape(render_page({**document, "compact": True}), quote=True)
    frame = f'<iframe srcdoc="{inner}" style="width:{width}px;height:150px;border:0" {attributes}></iframe>'
    path.write_text(f"<!doctype html><meta charset=utf-8><title>around</title><body>{frame}<p>after", encoding="utf-8")
    return path


def inside(page: "Page") -> "Frame":
    """The frame, once it is drawn."""
    frame = page.frames[1]
    frame.wait_for_selector("article.figure")
    return frame


def test_compact_is_figures_only(browser: "Browser", open_page: Opener, tmp_path: Path, sample: Document) -> None:
    path = tmp_path / "compact.html"
    path.write_text(render_page({**sample, "compact": True}), encoding="utf-8")
    page, requests, errors = open_page(browser, path)
    assert page.locator("article.figure").count() == FIGURES
    for gone in (".contents", "footer", ".skip", ".masthead", ".prompt"):
        assert page.locator(gone).count() == 0
    assert requests == errors == []


def test_a_frame_is_as_high_as_its_figures(
    browser: "Browser", open_page: Opener, tmp_path: Path, sample: Document
) -> None:
    page, requests, errors = open_page(browser, framed(sample, tmp_path / "around.html"))
    frame = inside(page)
    frame.wait_for_function("window.frameElement.getBoundingClientRect().height > 3000")
    page.wait_for_timeout(300)
    outer, inner = frame.evaluate(HEIGHTS)
    assert outer == inner
    page.wait_for_timeout(1000)
    assert frame.evaluate(HEIGHTS) == [outer, inner], "it stands still"
    frame.locator("#figure-7 .numbers summary").click()
    frame.wait_for_function("(was) => window.frameElement.getBoundingClientRect().height > was + 50", arg=outer)
    frame.locator("#figure-7 .numbers summary").click()
    frame.wait_for_function("(was) => window.frameElement.getBoundingClientRect().height === was", arg=outer)
    page.locator("iframe").evaluate("frame => frame.style.width = '380px'")
    frame.wait_for_function("(was) => window.frameElement.getBoundingClientRect().height > was + 500", arg=outer)
    page.wait_for_timeout(500)
    outer, inner = frame.evaluate(HEIGHTS)
    assert outer == inner
    assert frame.evaluate("document.documentElement.scrollWidth") <= 380
    assert [url for url in requests if not url.startswith("about:")] == errors == []


def test_links_in_a_frame_stay_in_it(browser: "Browser", open_page: Opener, tmp_path: Path, sample: Document) -> None:
    page, _, errors = open_page(browser, framed(sample, tmp_path / "around.html"))
    frame = inside(page)
    before = page.url
    frame.locator("#figure-3 a.number").click()
    page.wait_for_timeout(200)
    assert frame.evaluate("document.activeElement.id") == "figure-3"
    assert frame.locator("article.figure").count() == FIGURES
    assert (page.url, page.frames[1].url) == (before, "about:srcdoc")
    assert page.evaluate("scrollY") > 500
    assert errors == []


def test_a_frame_that_may_not_be_touched_still_shows_the_page(
    browser: "Browser", open_page: Opener, tmp_path: Path, sample: Document
) -> None:
    page, _, errors = open_page(browser, framed(sample, tmp_path / "around.html", 'sandbox="allow-scripts"'))
    frame = inside(page)
    assert frame.locator("article.figure").count() == FIGURES
    box = page.locator("iframe").bounding_box()
    assert box is not None
    assert box["height"] == pytest.approx(150)
    assert errors == []


def test_a_frame_follows_the_theme(browser: "Browser", open_page: Opener, tmp_path: Path, sample: Document) -> None:
    page, _, _ = open_page(browser, framed(sample, tmp_path / "around.html"), dark=True)
    frame = inside(page)
    ground = "getComputedStyle(document.body).backgroundColor"
    assert frame.evaluate(ground) == "rgb(20, 23, 27)"
    page.emulate_media(color_scheme="light")
    assert frame.evaluate(ground) == "rgb(253, 253, 251)"
