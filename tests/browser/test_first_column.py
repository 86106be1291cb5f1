"""Every picture of attention can do without its first column."""

from collections.abc import Callable
from typing import Any

from browser.shown import views_of


def test_one_pattern_has_the_same_switch(show: Callable[..., Any], sample: dict[str, Any]) -> None:
    figure = show(views_of(sample)["figure-1"])
    columns = figure.locator("svg.heatmap .labels > g:nth-child(3)").first.locator("text")
    before = columns.count()
    figure.get_by_label("without the·0, not renormalised").check()
    assert columns.count() == before - 1
    assert "the other weights are unchanged and not renormalised" in figure.inner_text()
    figure.locator("details.numbers summary").click()
    assert figure.locator("table.data").first.locator("thead th").count() == before, "the table keeps every column"
