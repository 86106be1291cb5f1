"""The page shows the document it was given, all of it, to anyone, offline."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser.sample import sample_page
from browser.shown import views_of

from loadstore.views.page import render_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Document = dict[str, Any]
Opener = Callable[..., "tuple[Page, list[str], list[str]]"]
ROOT = Path(__file__).parents[2]
COUNT = len(views_of(sample_page()))
BUNDLE = ROOT / "src" / "loadstore" / "views" / "bundle"


def test_policy_names_the_hash_of_exactly_what_stands_in_the_page(sample: Document) -> None:
    page = render_page(sample)
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        bodies: list[str] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(bodies) == 1
        digest = base64.b64encode(hashlib.sha256(bodies[0].encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_data_cannot_leave_its_element(sample: Document) -> None:
    carried = re.findall(r'<script type="application/json" id="loadstore-data">(.*?)</script>', render_page(sample))
    assert json.loads(carried[0]) == sample
    assert not set("<>&\u2028\u2029") & set(carried[0])


def test_numbers_that_json_lacks_are_refused(sample: Document) -> None:
    sample["facts"].append(["loss", float("nan")])
    with pytest.raises(ValueError, match="JSON compliant"):
        render_page(sample)


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (400, True)])
def test_page_is_quiet_and_fits(browser: "Browser", open_page: Opener, path: Path, width: int, dark: bool) -> None:
    page, requests, errors = open_page(browser, path, width, dark)
    assert page.locator("h1").inner_text() == "Loads and stores of a small transformer"
    assert page.title() == "Loads and stores of a small transformer"
    assert page.locator("section.view").count() == COUNT
    assert page.locator("img").count() == 0
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert requests == []
    assert errors == []


def test_keyboard_moves_pins_and_clears(browser: "Browser", open_page: Opener, path: Path) -> None:
    page, _, _ = open_page(browser, path)
    figure = page.locator("#figure-2")
    readout = figure.locator(".readout")
    assert readout.inner_text() == ""
    figure.locator(".stop").focus()
    assert re.search(r"Q writer embed → head L1\.H0", readout.inner_text())
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert re.search(r"Q writer pos → head L1\.H11\s+[+−][\d.]", readout.inner_text())
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    assert re.search(r"K writer pos → head L1\.H0", readout.inner_text())
    assert re.search(r"pinned\s*Q writer pos → head L1\.H11", readout.inner_text())
    page.keyboard.press("PageDown")
    assert "impossible: positions are not added to values" in readout.inner_text()
    page.keyboard.press("Escape")
    assert readout.inner_text() == ""
    page.locator("#figure-5 .stop").focus()
    page.keyboard.press("ArrowDown")
    assert re.search(r"pos rank 1 → eigenvalue", page.locator("#figure-5 .readout").inner_text())


def test_pointer_reads_odd_and_clipped_cells(browser: "Browser", open_page: Opener, path: Path) -> None:
    page, _, _ = open_page(browser, path)
    figure = page.locator("#figure-3")
    frame = figure.locator(".stop .frame").bounding_box()
    assert frame is not None
    cell = frame["width"] / 4
    figure.scroll_into_view_if_needed()
    for row, column, said in (
        (0, 1, "impossible"),
        (0, 2, "NaN"),
        (0, 3, "∞: infinite"),
        (1, 0, "1.75 (off the scale"),
    ):
        figure.locator(".stop .frame").hover(position={"x": (column + 0.5) * cell, "y": (row + 0.5) * cell}, force=True)
        assert said in figure.locator(".readout").inner_text()
    for said in ("a token cannot look", "not a number", "infinite", "above 1.00", "below .00"):
        assert said in figure.locator(".legend").inner_text()


@pytest.mark.parametrize("where", ["page", "figure", "view", "shape"])
def test_what_cannot_be_drawn_is_said_in_its_place(
    browser: "Browser", open_page: Opener, tmp_path: Path, sample: Document, where: str
) -> None:
    figure = sample["sections"][0]["figures"][1]
    target = {"page": sample, "figure": figure, "view": figure["views"][0], "shape": figure["views"][0]}[where]
    target.update({"panels": 3} if where == "shape" else {"schema": f"loadstore/{where}@9"})
    path = tmp_path / "odd.html"
    path.write_text(render_page(sample), encoding="utf-8")
    page, requests, errors = open_page(browser, path)
    notice = page.get_by_role("alert").inner_text()
    assert "cannot be drawn" in notice if where == "shape" else f"loadstore/{where}@9" in notice
    assert page.locator("section.view").count() == (0 if where == "page" else COUNT - 1)
    assert requests == errors == []


def test_committed_bundle_is_what_its_source_builds(tmp_path: Path) -> None:
    # Node is for who changes the bundle, not for who runs the tests; `.ci/run` fails on a skipped browser test.
    if shutil.which("npm") is None or not (ROOT / "web" / "node_modules").is_dir():
        pytest.skip("not rebuilt: that needs Node 20 or later and web/node_modules; run `make bundle` once")
    shutil.copytree(ROOT / "web", tmp_path / "web", ignore=shutil.ignore_patterns("node_modules"))
    for command in (["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        subprocess.run(command, cwd=tmp_path / "web", check=True, capture_output=True, timeout=120)
    built = tmp_path / "src" / "loadstore" / "views" / "bundle"
    for name in ("loadstore.js", "loadstore.css", "explorer.js", "explorer.css"):
        assert (built / name).read_bytes() == (BUNDLE / name).read_bytes(), f"{name}: run `npm run build` in web/"
    assert (BUNDLE / "loadstore.js").stat().st_size <= 185_000
    assert (BUNDLE / "explorer.js").stat().st_size <= 300_000
