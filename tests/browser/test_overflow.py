"""No text and no column of the built-in report runs out of its place, on a wide page, a narrow one and a phone."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from depth import deep

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = deep((1400, 1000, 400), usual=(1400, 400))
CHOICES = 3  # of a switch, at most
OPEN = "document.querySelectorAll('details.note, details.folded').forEach(details => { details.open = true; })"
OVERFLOWING = """() => {
    const found = [];
    const scrolls = (element) => /auto|scroll/.test(getComputedStyle(element).overflowX);
    const contained = (element) => element !== null && (scrolls(element) || contained(element.parentElement));
    const figure = (element) => element.closest('article')?.id ?? 'page';
    const named = (element) => `${figure(element)}: ${element.tagName}.${element.getAttribute('class') ?? ''}`;
    for (const element of document.body.querySelectorAll('*')) {
        if (element.closest('svg') && element.tagName !== 'svg') continue;
        if (!element.checkVisibility() || element.closest('.visually-hidden, .skip')) continue;
        const [room, held] = [element.clientWidth, element.scrollWidth];
        const over = room > 0 && held > room + 1 && !contained(element);
        if (over) found.push(`${named(element)} holds ${held} in ${room}`);
    }
    for (const text of document.querySelectorAll('svg text')) {
        if (!text.textContent.trim() || !text.checkVisibility()) continue;
        const [inner, outer] = [text.getBoundingClientRect(), text.ownerSVGElement.getBoundingClientRect()];
        const sideways = Math.max(outer.left - inner.left, inner.right - outer.right);
        const over = Math.max(sideways, outer.top - inner.top, inner.bottom - outer.bottom);
        if (over > 2) found.push(`${named(text)} “${text.textContent}” is ${over.toFixed(1)} px out of its picture`);
    }
    const whole = document.documentElement.scrollWidth;
    if (whole > innerWidth) found.push(`the page is ${whole} wide`);
    return found;
}"""


def overflowing(browser: "Browser", path: Path, width: int) -> list[str]:
    """What runs out of its place on a page in a window of this width, every choice of a switch included."""
    page: Page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page.goto(path.as_uri())
    page.wait_for_selector("article.figure")
    page.evaluate(OPEN)
    found: list[str] = []
    for choice in range(CHOICES):
        page.evaluate(CHOOSE, choice)
        page.wait_for_timeout(200)
        found += page.evaluate(OVERFLOWING)
    page.close()
    return sorted(set(found))


CHOOSE = """(which) => {
    const groups = new Map();
    for (const radio of document.querySelectorAll('input[type=radio]')) {
        groups.set(radio.name, [...(groups.get(radio.name) ?? []), radio]);
    }
    for (const radios of groups.values()) radios[Math.min(which, radios.length - 1)].click();
}"""


def test_the_comments_of_the_program_are_in_sight_on_a_wide_page(browser: "Browser", report: Path) -> None:
    page: Page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(report.as_uri())
    region = page.locator("#figure-program .program")
    assert region.evaluate("element => element.scrollWidth - element.clientWidth") <= 0
    assert region.locator("td.comment", has_text="estimated").count() > 5
    page.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_in_the_report_runs_out_of_its_place(browser: "Browser", report: Path, width: int) -> None:
    assert overflowing(browser, report, width) == []


FORMERLY = 31_893  # px of the built-in report when every table was open and every view had a row of its own


def test_the_report_is_three_fifths_as_long_as_it_was(browser: "Browser", report: Path) -> None:
    page: Page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(report.as_uri())
    page.wait_for_selector("article.figure")
    height = page.evaluate("document.documentElement.scrollHeight")
    assert 0.4 * FORMERLY < height < 0.62 * FORMERLY  # .60 here; letters of other fonts may be taller
    page.close()
