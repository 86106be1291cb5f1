"""Colours follow the page: on screen, when the theme changes, in forced colours, and in what is saved."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from browser.sample import sample_page

from loadstore.views.model import heatmap, panel
from loadstore.views.page import render_page
from loadstore.views.scales import transform_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Opener = Callable[..., "tuple[Page, list[str], list[str]]"]
FILLS = """() => Object.fromEntries(Object.entries({
    cells: '#figure-2 svg.heatmap path[fill^="#"]', words: '#figure-9 rect.bar', bars: '#figure-8 rect.bar',
    memory: '#figure-10 rect[fill^="#"]', walk: 'rect.share[fill^="#"]', ramp: '#figure-2 .ramp rect',
}).map(([name, where]) => [name, [...document.querySelectorAll(where)].map(mark => mark.getAttribute('fill'))]))"""
ODD = "#9a9a9a"  # what is no number is grey on every page
PIXELS = "canvas => canvas.toDataURL()"
GROUND = "getComputedStyle(document.body).backgroundColor"


def light_of(colour: str) -> float:
    """Mean of red, green and blue of `#rrggbb` or `rgb(r, g, b)`, from 0 to 255."""
    if colour.startswith("#"):
        return sum(int(colour[at : at + 2], 16) for at in (1, 3, 5)) / 3
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def distance_of_zero_from_paper(page: "Page", printed: bool) -> float:
    ramp = page.evaluate(FILLS)["ramp"]
    paper = 255 if printed else light_of(page.evaluate(GROUND))
    return abs(light_of(ramp[len(ramp) // 2]) - paper)


def sample(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(render_page(sample_page()), encoding="utf-8")
    return path


def test_every_picture_follows_the_theme_at_once(browser: "Browser", open_page: Opener, tmp_path: Path) -> None:
    page, _, errors = open_page(browser, sample(tmp_path))
    canvas = page.locator("#figure-14 button.head canvas").first
    seen: dict[str, tuple[Any, Any]] = {}
    for theme in ("light", "dark", "light"):
        page.emulate_media(color_scheme=theme)
        before, now = None, (page.evaluate(FILLS), canvas.evaluate(PIXELS))
        while now != before:  # until all figures are drawn again, which takes longer on a busy machine
            page.wait_for_timeout(300)
            before, now = now, (page.evaluate(FILLS), canvas.evaluate(PIXELS))
        assert seen.setdefault(theme, now) == now
        zero, full = now[0]["ramp"][len(now[0]["ramp"]) // 2], now[0]["ramp"][-1]
        paper = light_of(page.evaluate(GROUND))
        assert abs(light_of(zero) - paper) < 16
        assert abs(light_of(full) - paper) > 90
    (fills, pixels), (dark, dark_pixels) = seen["light"], seen["dark"]
    assert pixels != dark_pixels
    for name, colours in fills.items():
        assert colours, name
        assert not (set(colours) & set(dark[name])) - {ODD}, f"{name} kept a colour"
    assert errors == []


def test_forced_colours_and_paper_have_the_scale_of_their_ground(
    browser: "Browser", open_page: Opener, tmp_path: Path
) -> None:
    page, _, _ = open_page(browser, sample(tmp_path), dark=True)
    for media in (
        {"forced_colors": "active"},
        {"forced_colors": "active", "color_scheme": "light"},
        {"media": "print"},
    ):
        page.emulate_media(**media)
        end = time.monotonic() + 10
        while (gap := distance_of_zero_from_paper(page, printed="media" in media)) >= 45 and time.monotonic() < end:
            page.wait_for_timeout(50)  # the page draws its figures again, later on a busy machine
        assert gap < 45, media


def test_a_scale_that_few_cells_own_is_logarithmic_and_says_so(show: Callable[..., Any]) -> None:
    values = np.geomspace(0.01, 0.3, 100).reshape(10, 10)
    values[3, 4] = 5.0
    names = [f"w{index}" for index in range(10)]
    assert transform_of([values]) == "log"
    axes = (("writer", names), ("head", names))
    view = heatmap("traffic", *axes, [panel("K", values)], scale=("sequential", 0.0, 5.0, "nats"), transform="log")
    figure = show(view)
    assert "logarithmic colours" in figure.locator(".legend").inner_text()
    assert figure.locator(".ramp .tick").all_text_contents() == ["0", ".05", ".5", "5"]
    assert figure.locator("svg.heatmap path[fill^='#']").count() > 20, "small values have colours of their own"
