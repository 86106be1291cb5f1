"""Every view leaves the page as numbers, as a picture of lines, and as a picture of dots."""

import base64
import csv
import io
import itertools
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
from each import each

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
    "figure-17": ["␣sat·10", "+.84", "weight .71", "stores", "other", "remainder 1e−6", "it lowers the score"],
}
VALUE = {"heatmap": "value", "memory": "value", "address": "weight", "patterns": "weight"}


def kept(opened: "tuple[Page, list[str], list[str]]") -> "tuple[Page, list[str], list[str]]":
    """A page that keeps the files it makes."""
    opened[0].evaluate(KEEP)
    return opened


@pytest.fixture(scope="module")
def opened(
    browser: "Browser", open_page: Opener, tmp_path_factory: pytest.TempPathFactory
) -> "dict[str, tuple[Page, list[str], list[str]]]":
    """The sample in both of its themes."""
    path = tmp_path_factory.mktemp("exports") / "page.html"
    path.write_text(render_page(SAMPLE), encoding="utf-8")
    return {theme: kept(open_page(browser, path, 1000, theme == "dark")) for theme in ("light", "dark")}


def exported(page: "Page", figure: str, kind: str) -> bytes:
    """What the button of a figure offers, taken at the link: a browser holds back a page's many downloads."""
    page.evaluate(CATCH)
    page.locator(f"#{figure} .exports").evaluate("one => { one.open = true; }")
    page.locator(f"#{figure} .exports button", has_text=kind).click()
    name, content = page.evaluate("window.given")
    assert name == f"{figure}-0.{kind.lower()}"
    return base64.b64decode(content)


def test_a_download_is_what_the_link_offers(browser: "Browser", open_page: Opener, path: Path) -> None:
    page = open_page(browser, path, 1000)[0]
    given: dict[str, bytes] = {}
    page.locator("#figure-14 .exports summary").click()
    for kind in ("SVG", "PNG", "CSV"):
        with page.expect_download() as download:
            page.locator("#figure-14 .exports button", has_text=kind).click()
        assert download.value.suggested_filename == f"figure-14-0.{kind.lower()}"
        given[kind] = Path(download.value.path()).read_bytes()
    page.evaluate(KEEP)
    assert given == {kind: exported(page, "figure-14", kind) for kind in given}


@pytest.mark.parametrize(("figure", "theme"), list(zip(FIGURES, itertools.cycle(["light", "dark"]), strict=False)))
def test_pictures_stand_alone(opened: "dict[str, tuple[Page, list[str], list[str]]]", figure: str, theme: str) -> None:
    page, requests, errors = opened[theme]
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
    if list(FIGURES).index(figure) % 3 == 0:  # one function makes dots of every picture
        png = page.evaluate(DECODE, base64.b64encode(exported(page, figure, "PNG")).decode())
        assert (png["width"], png["height"]) == (2 * int(picture.get("width", 0)), 2 * int(picture.get("height", 0)))
        assert png["colours"] > 20
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        assert (sum(png["ground"][:3]) < 150) == dark == (theme == "dark")
    assert [url for url in requests if not url.startswith(("blob:", "data:"))] == []
    assert errors == []


@each("figure", FIGURES)
def test_csv_equals_the_table(opened: "dict[str, tuple[Page, list[str], list[str]]]", figure: str) -> None:
    plain, view = opened["light"][0], FIGURES[figure]
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


def rows_of(page: "Page", figure: str) -> list[list[str]]:
    """The CSV of a figure, read back."""
    return list(csv.reader(io.StringIO(exported(page, figure, "CSV").decode(), newline="")))


def test_a_text_that_a_spreadsheet_would_compute_leaves_as_text_and_numbers_as_numbers(
    browser: "Browser", open_page: Opener, tmp_path: Path
) -> None:
    texts = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "＝1", "\t=1", "-0.5", "+1e3", "−1", "␣on", 'a,"b"', "\x1b[31m\u202e"]
    columns = [
        {"name": "text", "label": "text", "kind": "text", "digits": 0},
        {"name": "value", "label": "value", "kind": "number", "digits": 2},
    ]
    rows = [[text, -0.5 if index % 2 else "-inf"] for index, text in enumerate(texts)]
    page = opened_with(browser, open_page, tmp_path, {"columns": columns, "rows": rows})
    header, *lines = rows_of(page, "figure-6")
    assert header == ["text", "value"]
    expected = ["'=1+1", "'+cmd", "'-2+3", "'@SUM(A1)", "'＝1", r"\t=1", *texts[6:11], r"\x1b[31m\u202e"]
    assert [line[0] for line in lines] == expected
    assert [float(line[1]) for line in lines] == [-0.5 if index % 2 else float("-inf") for index in range(len(texts))]


def test_a_picture_of_any_characters_is_a_document(browser: "Browser", open_page: Opener, tmp_path: Path) -> None:
    page = opened_with(browser, open_page, tmp_path, {})
    write = """([from, to]) => {
        const node = document.querySelector('#figure-4 .body svg text, #figure-1 .body svg text');
        node.textContent = Array.from({ length: to - from }, (_, at) => String.fromCodePoint(from + at)).join('');
        return node.closest('article').id;
    }"""
    for start, end in [
        *((at, at + 0x2000) for at in range(0, 0x20000, 0x2000)),
        (0xE0000, 0xE0200),
        (0x10FF00, 0x110000),
    ]:
        figure = page.evaluate(write, [start, end])
        said = {node.text or "" for node in ET.fromstring(exported(page, figure, "SVG").decode()).iter(f"{SVG}text")}
        assert max(map(len, said)) > (end - start) // 2


def opened_with(browser: "Browser", open_page: Opener, folder: Path, table: dict[str, Any]) -> "Page":
    """The sample, with its table changed."""
    document = sample_page()
    view = next(v for v in views_of(document).values() if v["schema"] == "loadstore/table@1")
    view.update(table)
    path = folder / "page.html"
    path.write_text(render_page(document), encoding="utf-8")
    return kept(open_page(browser, path, 1000))[0]
