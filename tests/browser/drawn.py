"""Where bars run in a picture, and how wide the page is."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator

RECTS = """(figure) => [...figure.querySelectorAll('rect.bar:not(.share)')].map(bar => {
    const at = bar.getBBox();
    return [at.x, at.x + at.width, bar.getAttribute('fill')];
})"""
WIDE = "figure => document.documentElement.scrollWidth"


def ends(figure: "Locator", total: float) -> list[tuple[float, float]]:
    """From where to where each bar runs, in the units of its axis; the last bar is the total, from zero."""
    rects = figure.evaluate(RECTS)
    zero, unit = rects[-1][0], (rects[-1][1] - rects[-1][0]) / total
    return [((left - zero) / unit, (right - zero) / unit) for left, right, _ in rects]
