"""Every view carries its numbers in tables, and is walked with the keyboard."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser.reading import OPEN_TABLES
from browser.sample import sample_page
from browser.sample_tokens import patterns
from browser.shown import READ_TABLES, axes_of, exact, pattern, read, tables_of, views_of
from browser.shown_sums import totals

from loadstore.views.page import render_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Document = dict[str, Any]
Opener = Callable[..., "tuple[Page, list[str], list[str]]"]
FULL = [31, 32, 109]
"""The end of the sequential scale on a light page."""
PIXELS = """(canvas, places) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return places.map(([x, y]) => {
        const at = 4 * (Math.floor(y * canvas.height) * canvas.width + Math.floor(x * canvas.width));
        return [...data.slice(at, at + 3)];
    });
}"""


@pytest.fixture(scope="module")
def shown(
    browser: "Browser", open_page: Opener, tmp_path_factory: pytest.TempPathFactory
) -> "tuple[Page, list[str], list[str]]":
    """The sample, opened once for the tests that leave it as it was."""
    path = tmp_path_factory.mktemp("views") / "page.html"
    path.write_text(render_page(sample_page()), encoding="utf-8")
    return open_page(browser, path)


def only(sample: Document, view: Document, tmp_path: Path) -> Path:
    """The sample with one figure, which shows `view`."""
    section = sample["sections"][0]
    section["figures"] = [{**section["figures"][0], "views": [view]}]
    path = tmp_path / "one.html"
    path.write_text(render_page({**sample, "sections": [section]}), encoding="utf-8")
    return path


def test_tables_carry_every_number(browser: "Browser", open_page: Opener, path: Path, sample: Document) -> None:
    page, _, _ = open_page(browser, path)
    page.evaluate(OPEN_TABLES)
    page.wait_for_selector("#figure-15 table.data")
    tables = {(t["figure"], t.get("panel"), t.get("detail")): t for t in page.evaluate(READ_TABLES)}
    expected = {
        (figure, *key): rows for figure, view in views_of(sample).items() for key, rows in tables_of(view).items()
    }
    assert tables.keys() == expected.keys()
    for key, rows in expected.items():
        assert [[read(v) for v in row] for row in tables[key]["values"]] == [[exact(v) for v in row] for row in rows]
        axes = axes_of(views_of(sample)[key[0]])
        if axes and len(rows[0]) == len(axes[1]):
            assert (tables[key]["rows"], tables[key]["columns"]) == axes
    last = [line for view in views_of(sample).values() for line in totals(view)]
    assert [[read(v) for v in t["total"]] for t in tables.values() if t["total"]] == [
        [exact(v) for v in row] for row in last
    ]


@pytest.mark.parametrize(
    ("figure", "keys", "said"),
    [
        (7, ["ArrowDown"], r"L0\.H7 logit less .* \+\.42 .*stores the token before"),
        (7, ["End"], r"logit of ␣on .* \+13\.32 total"),
        (8, ["ArrowDown"], r"L0\.H1 share \.500"),
        (9, [], r"L1\.H4@␣sat·9 → ␣the·4 \.710 .*in the smallest set that holds 70 %"),
        (9, ["ArrowDown", "ArrowRight"], r"L0\.H7@␣on·3 → ␣mat·5 impossible"),
        (10, [], r"token ␣on·3 attention \.710 direction v0 NaN"),
        (10, ["Home", "ArrowRight", "ArrowRight"], r"direction v2 \+1\.800"),
        (10, ["Control+End"], r"·10 attention impossible: a token cannot look at a later one"),
        (
            12,
            ["ArrowRight", "ArrowRight"],
            r"L0\.H7 \(\+11\) loads Q, K, V from .*; Q, K from pos stores",
        ),
        (13, ["End", "ArrowLeft"], r"scores / QK gives scores"),
        (13, ["ArrowDown", "ArrowRight", "ArrowRight"], r"A 11 × 11 A moves rows"),
    ],
)
def test_keys_walk_pin_and_clear(
    shown: "tuple[Page, list[str], list[str]]", figure: int, keys: list[str], said: str
) -> None:
    page, _, errors = shown
    readout = page.locator(f"#figure-{figure} .readout")
    assert readout.inner_text() == ""
    page.locator(f"#figure-{figure} .stop").focus()
    for key in keys:
        page.keyboard.press(key)
    assert re.search(said, re.sub(r"\s+", " ", readout.inner_text()))
    page.keyboard.press("Enter")
    page.locator(f"#figure-{figure} .stop").blur()
    assert re.search("pinned.*" + said, re.sub(r"\s+", " ", readout.inner_text()))
    page.locator(f"#figure-{figure} .stop").focus()
    page.keyboard.press("Escape")
    assert readout.inner_text() == ""
    page.locator(f"#figure-{figure} .stop").blur()
    assert errors == []


def test_heads_are_walked_ordered_and_shown_large(
    browser: "Browser", open_page: Opener, path: Path, sample: Document
) -> None:
    page, _, errors = open_page(browser, path)
    figure = page.locator("#figure-14")
    view = views_of(sample)["figure-14"]
    caption, table = figure.locator(".large figcaption"), figure.locator("table.data")
    assert figure.locator("button.head[tabindex='0']").count() == 1
    figure.locator("button.head[tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    assert caption.inner_text().startswith("L1.H4, induction")
    assert figure.locator("button.head:focus canvas").get_attribute("aria-label").startswith("L1.H4, induction")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    assert caption.inner_text().startswith("L1.H4")
    assert table.get_attribute("data-panel") == "L1.H4"
    numbers = next(t for t in page.evaluate(READ_TABLES) if t["figure"] == "figure-14")["values"]
    assert [[read(v) for v in row] for row in numbers] == [[exact(v) for v in row] for row in pattern(view, 16)]
    page.keyboard.press("Escape")
    assert caption.inner_text() == "L1.H11"
    figure.get_by_label("Order").select_option("last first")
    assert figure.locator("button.head .name").first.inner_text() == "L1.H11"
    assert figure.locator("button.head[tabindex='0']").count() == 1
    assert errors == []


def test_the_first_column_is_hidden_without_renormalising(browser: "Browser", open_page: Opener, path: Path) -> None:
    page, _, _ = open_page(browser, path)
    figure = page.locator("#figure-14")
    canvas = figure.locator("button.head canvas").first
    assert canvas.evaluate(PIXELS, [[0.01, 0.01]]) == [FULL], "all of the first token's weight"
    before = canvas.evaluate(PIXELS, [[10.5 / 11, 10.5 / 11]])
    figure.get_by_label("without the·0, not renormalised").check()
    assert "the other weights are unchanged and not renormalised" in figure.inner_text()
    assert canvas.evaluate(PIXELS, [[0.01, 0.01]]) != [FULL]
    assert canvas.evaluate(PIXELS, [[9.5 / 10, 10.5 / 11]]) == before
    assert figure.locator("table.data thead th").count() == 11, "the table keeps every column"


def test_many_heads_are_pixels_not_elements(
    browser: "Browser", open_page: Opener, sample: Document, tmp_path: Path
) -> None:
    page, _, errors = open_page(browser, only(sample, patterns(144, 128), tmp_path))
    assert page.locator("button.head canvas").count() == 144
    assert page.evaluate("document.querySelectorAll('*').length") < 2500
    last = page.locator("button.head canvas").last
    places = [[x / 64 + 0.001, y / 64 + 0.001] for x in range(64) for y in range(64)]
    assert len({tuple(colour) for colour in last.evaluate(PIXELS, places)}) > 3
    assert page.locator("table.data").count() == 0
    page.locator("details.numbers summary").click()
    page.wait_for_selector("table.data")
    assert page.locator("table.data td[data-value]").count() == 128 * 128
    assert errors == []


def test_bytes_that_do_not_fit_are_said(
    browser: "Browser", open_page: Opener, sample: Document, tmp_path: Path
) -> None:
    view = patterns(24, 11)
    view["heads"].append({"name": "L2.H0", "badges": []})
    page, _, _ = open_page(browser, only(sample, view, tmp_path))
    assert "25 heads on 11 tokens need 1650 bytes, and there are 1584" in page.get_by_role("alert").inner_text()


def test_a_large_heatmap_is_pixels_and_its_table_waits(
    browser: "Browser", open_page: Opener, sample: Document, tmp_path: Path
) -> None:
    labels = [f"t·{index}" for index in range(80)]
    view = views_of(sample)["figure-1"] | {"rows": {"name": "query", "labels": labels}}
    values = [[row / 79 if column <= row else None for column in range(80)] for row in range(80)]
    view |= {"columns": {"name": "key", "labels": labels}, "panels": [{"title": "L0.H0", "values": values}]}
    page, _, _ = open_page(browser, only(sample, view, tmp_path))
    assert page.evaluate("document.querySelectorAll('*').length") < 700
    canvas = page.locator("canvas.cells")
    frame = page.locator(".stack .frame").bounding_box()
    box = canvas.bounding_box()
    assert frame is not None
    assert box is not None
    at = [
        (frame["x"] - box["x"] + 0.01 * frame["width"]) / box["width"],
        (frame["y"] - box["y"] + 0.995 * frame["height"]) / box["height"],
    ]
    assert canvas.evaluate(PIXELS, [at]) == [FULL]
    assert page.locator("table.data").count() == 0
    page.locator("details.numbers summary").click()
    page.wait_for_selector("table.data")
    (table,) = page.evaluate(READ_TABLES)
    assert [[read(v) for v in row] for row in table["values"]] == [[exact(v) for v in row] for row in values]
