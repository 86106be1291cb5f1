"""A real browser for the tests of the page, and a page for it to show."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser.reading import OPEN_TABLES, SHOW_CHOICES
from browser.sample import sample_page

from loadstore.views.page import render_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WAY_OUT = "The browser tests need Chromium and Playwright: apt-get install chromium, then pip install playwright."


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Headless Chromium; missing, it is a failure and not a skip, since nothing else tests the page."""
    there = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    executable = os.environ.get("CHROMIUM") or there or "/usr/bin/chromium"
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        pytest.fail(WAY_OUT, pytrace=False)
    if not Path(executable).exists():
        pytest.fail(f"No browser at {executable}. {WAY_OUT} CHROMIUM may name another path.", pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield chromium
        chromium.close()


def open_page(
    browser: "Browser", path: Path, width: int = 1400, dark: bool = False
) -> "tuple[Page, list[str], list[str]]":
    """The page at `path`, loaded; every request it tried besides itself, and every error it had.

    Both lists go on filling while the page lives, and count what the page's policy blocked too.
    """
    requests: list[str] = []
    errors: list[str] = []
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(120_000)  # a loaded machine is slow, not wrong
    page.on("request", lambda request: requests.append(request.url) if request.url != path.as_uri() else None)
    page.on("console", lambda message: errors.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri(), wait_until="load")
    return page, requests, errors


@pytest.fixture(name="open_page", scope="session")
def open_page_fixture() -> "Callable[..., tuple[Page, list[str], list[str]]]":
    """`open_page`, for tests that do not import it."""
    return open_page


@pytest.fixture(scope="session")
def report(article: Path) -> Path:
    """The built-in model's report on the article's sentence."""
    return article


@pytest.fixture(scope="session")
def opened(browser: "Browser", report: Path) -> "tuple[Page, list[str], list[str]]":
    """The report with all of its tables open, its requests and its errors."""
    page, requests, errors = open_page(browser, report)
    page.evaluate(SHOW_CHOICES)
    page.wait_for_selector("[data-view^='0-control']", state="attached")
    page.evaluate(OPEN_TABLES)
    return page, requests, errors


@pytest.fixture
def sample() -> dict[str, Any]:
    """A page with every view, every kind of cell, and text that tries to break out of it."""
    return sample_page()


@pytest.fixture
def path(tmp_path: Path, sample: dict[str, Any]) -> Path:
    """The sample, written as a page."""
    file = tmp_path / "page.html"
    file.write_text(render_page(sample), encoding="utf-8")
    return file


@pytest.fixture
def show(
    browser: "Browser", open_page: "Callable[..., tuple[Page, list[str], list[str]]]", tmp_path: Path
) -> "Callable[..., Locator]":
    """Open a page with one figure, which shows a view; its locator."""

    def go(view: dict[str, Any], width: int = 1400, dark: bool = False) -> "Locator":
        document = sample_page()
        section = document["sections"][0]
        section["figures"] = [{**section["figures"][0], "views": [view]}]
        path = tmp_path / "one.html"
        path.write_text(render_page({**document, "sections": [section]}), encoding="utf-8")
        page, requests, errors = open_page(browser, path, width, dark)
        assert requests == errors == []
        return page.locator("article.figure")

    return go
