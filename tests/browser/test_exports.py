"""Every view leaves the page as numbers, as a picture of lines, and as a picture of dots."""

import base64
import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser.sample import sample_page
from browser.sample_layers import matrix
from browser.shown import exact, read, tables_of, views_of
from browser.shown_sums import walk_records

from loadstore.views.page import render_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Document = dict[str, Any]
Opener = Callable[..., "tuple[Page, list[str], list[str]]"]
SAMPLE = sample_page()
FIGURES = {name: view for name, view in views_of(SAMPLE).items() if "choices" not in view}
"""All but the switch, whose views leave under names of their own."""
SVG = "{http://www.w3.org/2000/svg}"
CATCH = """() => {
    window.given = new Promise((give, fail) => {
        HTMLAnchorElement.prototype.click = async function () {
            delete HTMLAnchorElement.prototype.click;
            try {
                const bytes = new Uint8Array(await (await window.kept.get(this.href)).arrayBuffer());
                give([this.download, btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))]);
            } catch (error) { fail(error); }
        };
    });
}"""
KEEP = """() => {
    window.kept = new Map();
    const make = URL.createObjectURL;
    URL.createObjectURL = (file) => { const url = make.call(URL, file); window.kept.set(url, file); return url; };
}"""
DECODE = """async (data) => {
    const image = new Image();
    image.src = 'data:image/png;base64,' + data;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
    const pen = canvas.getContext('2d');
    pen.drawImage(image, 0, 0);
    const pixels = new Uint32Array(pen.getImageData(0, 0, image.width, image.height).data.buffer);
    return { width: image.width, height: image.height, colours: new Set(pixels).size,
        ground: [...new Uint8Array(pixels.buffer, 0, 4)] };
}"""
SAID = {
    "figure-7": ["direct path", "+5.71", "trigram", "stores the token before"],
    "figure-9": ["effective tokens", ".71", "the fewest tokens"],
    "figure-10": ["direction", "attention", ".18"],
    "figure-11": ["L0.H7", "logits", "residual stream"],
    "figure-13": ["11 × 384", "softmax", "QK gives scores"],
    "figure-14": ["L1.H4", "previous token", "1/255"],
    "figure-15": ["all layers", "writer ↓", "no such wire", "each the strongest wire of its block"],
}
SAID |= {
    "figure-16": ["direct path", "+6.00", "remainder 3e−7", "copies ␣on·4"],
    "figure-17": ["␣sat·10", "+0.84", "weight .71", "stores", "other", "remainder 1e−6", "it lowers the score"],
}
VALUE = {"heatmap": "value", "memory": "value", "address": "weight", "patterns": "weight"}


def kept(opened: "tuple[Page, list[str], list[str]]") -> "tuple[Page, list[str], list[str]]":
    """A page that keeps the files it makes."""
    opened[0].evaluate(KEEP)
    return opened


@pytest.fixture(scope="module", params=["light", "dark"])
def opened(
    request: pytest.FixtureRequest, browser: "Browser", open_page: Opener, tmp_path_factory: pytest.TempPathFactory
) -> "tuple[Page, list[str], list[str]]":
    """The sample in one of its themes."""
    path = tmp_path_factory.mktemp("exports") / "page.html"
    path.write_text(render_page(SAMPLE), encoding="utf-8")
    return kept(open_page(browser, path, 1000, request.param == "dark"))


def exported(page: "Page", figure: str, kind: str) -> bytes:
    """What the button of a figure offers, taken at the link: a browser holds back a page's many downloads."""
    page.evaluate(CATCH)
    page.locator(f"#{figure} .exports button", has_text=kind).click()
    name, content = page.evaluate("window.given")
    assert name == f"{figure}-0.{kind.lower()}"
    return base64.b64decode(content)


@pytest.mark.parametrize("kind", ["SVG", "PNG", "CSV"])
def test_a_download_is_what_the_link_offers(browser: "Browser", open_page: Opener, path: Path, kind: str) -> None:
    page = open_page(browser, path, 1000)[0]
    with page.expect_download() as download:
        page.locator("#figure-14 .exports button", has_text=kind).click()
    assert download.value.suggested_filename == f"figure-14-0.{kind.lower()}"
    page.evaluate(KEEP)
    assert Path(download.value.path()).read_bytes() == exported(page, "figure-14", kind)


@pytest.mark.parametrize("figure", FIGURES)
def test_pictures_stand_alone(opened: "tuple[Page, list[str], list[str]]", figure: str) -> None:
    page, requests, errors = opened
    text = exported(page, figure, "SVG").decode()
    picture = ET.fromstring(text)
    assert picture.tag == f"{SVG}svg"
    assert not [node for node in picture.iter() if {"class", "style"} & set(node.attrib)]
    assert "var(" not in text
    ids = {node.get("id") for node in picture.iter()}
    for node in picture.iter():
        for value in node.attrib.values():
            assert not value.startswith("url(") or value[5:-1] in ids or value[6:-2] in ids
    for link in (node.get("href", "") for node in picture.iter(f"{SVG}image")):
        assert link.startswith("data:image/png;base64,")
    said = " ".join(node.text or "" for node in picture.iter(f"{SVG}text"))
    assert FIGURES[figure]["title"] in said
    assert all(label in said for label in SAID.get(figure, []))
    png = page.evaluate(DECODE, base64.b64encode(exported(page, figure, "PNG")).decode())
    assert (png["width"], png["height"]) == (2 * int(picture.get("width", 0)), 2 * int(picture.get("height", 0)))
    assert png["colours"] > 20
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (sum(png["ground"][:3]) < 150) == dark
    assert [url for url in requests if not url.startswith(("blob:", "data:"))] == []
    assert errors == []


@pytest.fixture(scope="module")
def plain(browser: "Browser", open_page: Opener, tmp_path_factory: pytest.TempPathFactory) -> "Page":
    """The sample once more, whatever its theme."""
    path = tmp_path_factory.mktemp("csv") / "page.html"
    path.write_text(render_page(SAMPLE), encoding="utf-8")
    return kept(open_page(browser, path, 1000))[0]


@pytest.mark.parametrize("figure", FIGURES)
def test_csv_equals_the_table(plain: "Page", figure: str) -> None:
    view = FIGURES[figure]
    header, *lines = csv.reader(io.StringIO(exported(plain, figure, "CSV").decode(), newline=""))
    rows = next(iter(tables_of(view).values()))
    kind = view["schema"].removeprefix("loadstore/").removesuffix("@1")
    if kind == "layers":
        at = header.index("value")
        every = np.stack([matrix(view, panel) for panel in range(len(view["panels"]))])
        expected = [[float(f"{value:.7g}")] for value in every[~np.isnan(every)]]
        found = [[line[at]] for line in lines]
    elif kind in VALUE:
        at = header.index(VALUE[kind])
        panels = [panel["values"] for panel in view["panels"]] if kind == "heatmap" else [rows]
        expected = [[cell] for panel in panels for row in panel for cell in row]
        found = [[line[at]] for line in lines]
    elif kind == "walk":
        expected, found = walk_records(view), [line[3:] for line in lines]
    else:
        total = [view["total"]["value"], *[""] * (kind == "waterfall"), "total"] if view.get("total") else None
        expected = [*rows, *([total] if total else [])]
        found = [line if kind == "table" else line[1:] for line in lines]
    assert [[read(cell or "null") for cell in line] for line in found] == [
        ["null" if cell == "" else exact(cell) for cell in row] for row in expected
    ]


def test_an_open_block_leaves_as_it_is_and_the_numbers_leave_whole(
    browser: "Browser", open_page: Opener, path: Path
) -> None:
    page = kept(open_page(browser, path, 1000))[0]
    whole = exported(page, "figure-15", "CSV")
    page.locator("#figure-15 .stop").focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    picture = ET.fromstring(exported(page, "figure-15", "SVG").decode())
    said = " ".join(node.text or "" for node in picture.iter(f"{SVG}text"))
    assert all(label in said for label in ("writer L0 → reader L1", "L0.mlp", "L1.H2", "24 wires in all"))
    assert "L2.H0" not in said
    assert exported(page, "figure-15", "CSV") == whole
