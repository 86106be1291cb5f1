"""Maps of whole models: cells and labels have their room at any width, and panels stand side by side where they can."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from browser.sample import sample_page
from browser.sample_tokens import patterns

from loadstore.views.base import plain
from loadstore.views.model import heatmap, panel
from loadstore.views.page import render_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Opener = Callable[..., "tuple[Page, list[str], list[str]]"]
ROLES = ("previous", "current", "first", "duplicate", "induction")
LABELS = """() => [...document.querySelectorAll('.panel svg')].map(svg => {
    const frame = svg.querySelector('.frame').getBBox();
    const labels = [...svg.querySelectorAll('.labels > g:not(.axis-names)')].map(g => [...g.children]);
    const of = (text) => text.getCTM();
    return {
        cell: [frame.width, frame.height],
        rows: labels[0].map(text => +text.getAttribute('y')),
        columns: labels[1].map(text => text.transform.baseVal.length ? of(text).e : +text.getAttribute('x')),
        slanted: labels[1].some(text => text.transform.baseVal.length),
        widest: Math.max(...labels[1].map(text => text.getComputedTextLength())),
    };
})"""
TOPS = "[...document.querySelectorAll('.panel')].map(panel => panel.offsetTop)"


@pytest.mark.parametrize(
    ("layers", "heads", "width", "abreast"),
    [
        (30, 9, 1400, 5),
        (30, 9, 400, 2),
        (48, 32, 1400, 3),
        (48, 32, 400, 1),
        (32, 32, 1400, 3),
        (12, 12, 1400, 3),
        (2, 12, 1400, 3),
    ],
)
def test_a_role_map_fits(
    browser: "Browser", open_page: Opener, tmp_path: Path, layers: int, heads: int, width: int, abreast: int
) -> None:
    names = ([f"L{i}" for i in range(layers)], [f"H{i}" for i in range(heads)])
    values = np.linspace(0, 1, layers * heads).reshape(layers, heads)
    panels = [panel(role, values) for role in ROLES]
    axes = (("layer", names[0]), ("head", names[1]))
    view = plain(heatmap("roles", *axes, panels, scale=("sequential", 0.0, 1.0, "attention")))
    document = sample_page()
    section = document["sections"][0]
    section["figures"] = [{**section["figures"][0], "views": [view]}]
    path = tmp_path / "one.html"
    path.write_text(render_page({**document, "sections": [section]}), encoding="utf-8")
    page, _, errors = open_page(browser, path, width)
    assert page.evaluate("document.querySelector('.stop').scrollWidth <= document.querySelector('.stop').clientWidth")
    tops = page.evaluate(TOPS)
    assert len(tops) == len(ROLES)
    assert tops.count(tops[0]) == abreast
    for shown in page.evaluate(LABELS):
        assert shown["cell"][0] / heads == shown["cell"][1] / layers >= 6
        assert shown["cell"][1] <= 800
        rows, columns = (np.diff(shown[axis]) for axis in ("rows", "columns"))
        assert rows.min() >= 11
        assert columns.min() >= (11 if shown["slanted"] else shown["widest"] + 2)
        for count, labels in ((layers, shown["rows"]), (heads, shown["columns"])):
            pitch = shown["cell"][0] / heads
            stride = round((labels[1] - labels[0]) / pitch)
            assert len(labels) == len(range(0, count, stride)), "a label at every so many"
            assert stride == 1 or (stride - 1) * pitch < 11, "and at every one where they fit"
    assert all(a <= b for a, b in itertools.pairwise(tops))
    assert errors == []


@pytest.mark.parametrize(("heads", "width", "across"), [(13, 1400, 7), (40, 1400, 8), (13, 400, 4), (3, 1400, 3)])
def test_notable_heads_stand_in_even_rows(
    browser: "Browser", open_page: Opener, tmp_path: Path, heads: int, width: int, across: int
) -> None:
    document = sample_page()
    section = document["sections"][0]
    section["figures"] = [{**section["figures"][0], "views": [patterns(heads, 64, None)]}]
    path = tmp_path / "one.html"
    path.write_text(render_page({**document, "sections": [section]}), encoding="utf-8")
    page, _, errors = open_page(browser, path, width)
    tops = page.evaluate("[...document.querySelectorAll('button.head')].map(head => head.offsetTop)")
    assert len(tops) == heads
    assert tops.count(tops[0]) == across
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    large = page.locator(".large .frame").bounding_box()
    assert large is not None
    assert large["height"] <= 800
    assert errors == []
