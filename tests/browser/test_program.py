"""A program as a table: links lead to the steps that stored, by arrows too, and marks are words."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from browser.drawn import WIDE
from browser.sample_program import sample_program

if TYPE_CHECKING:
    from playwright.sync_api import Locator

Show = Callable[..., "Locator"]


@pytest.mark.parametrize("width", [1400, 400])
def test_every_line_is_there_and_fits(show: Show, width: int) -> None:
    view = sample_program()
    figure = show(view, width)
    lines = figure.locator("tbody tr")
    assert lines.count() == len(view["rows"])
    for index, row in enumerate(view["rows"]):
        said = lines.nth(index).inner_text()
        assert row["op"] in said
        assert row["comment"] in said
        assert all(part["text"].split("   ")[0] in said for part in row["parts"])
    assert figure.evaluate(WIDE) <= width


def test_what_was_read_links_to_the_step_that_stored_it(show: Show) -> None:
    figure = show(sample_program())
    links = figure.locator("a[href^='#']:not(.number)")
    assert links.all_inner_texts() == ["L1.H4 .71", "L0.H7 .88"]
    for link in links.all():
        target = figure.locator(f"[id='{(link.get_attribute('href') or '')[1:]}']")
        assert target.count() == 1
        assert target.locator("th").inner_text() == link.inner_text().split()[0]


def test_arrows_go_from_link_to_link_in_one_tab_stop(show: Show) -> None:
    figure = show(sample_program())
    region = figure.locator(".program")
    region.focus()
    said: list[str] = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "End", "Home"):
        region.page.keyboard.press(key)
        said.append(str(region.page.evaluate("document.activeElement.textContent")))
    first, second = "L1.H4 .71", "L0.H7 .88"
    assert said == [first, second, second, first, second, first]
    assert region.locator("a:not([tabindex='-1'])").count() == 0
