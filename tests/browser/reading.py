"""Reading the numbers of a page back from its tables."""

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Page

OPEN_TABLES = "document.querySelectorAll('details').forEach(d => d.open = true)"
SHOW_CHOICES = """() => {
    for (const one of document.querySelectorAll('.switch')) {
        const inputs = [...one.querySelectorAll(':scope > fieldset input')];
        for (const input of [...inputs.slice(1), ...inputs.slice(0, 1)]) input.click();
    }
}"""
READ = """(selector) => [...document.querySelectorAll(selector + ' tbody tr')].map(
    row => [...row.querySelectorAll('td[data-value]')].map(cell => cell.dataset.value))"""
HEADS = """(selector) => [...document.querySelectorAll(selector + ' tbody th[scope=row]')].map(th => th.textContent)"""


def table(page: "Page", figure: str, view: int | str, panel: str, detail: str | None = None) -> np.ndarray:
    """One matrix as the page shows it; impossible cells are NaN."""
    extra = f"[data-detail='{detail}']" if detail else ":not([data-detail])"
    selector = f"table[data-figure='{figure}'][data-view='{view}'][data-panel=\"{panel}\"]{extra}"
    rows = page.evaluate(READ, selector)
    assert rows, selector
    return np.array([[math.nan if value in ("null", "nan") else float(value) for value in row] for row in rows])


def columns(page: "Page", figure: str, view: int | str = 0) -> list[list[str]]:
    """The cells of a view's one table, row by row, without the names of the rows."""
    return page.evaluate(READ, f"table[data-figure='{figure}'][data-view='{view}']")


def row_names(page: "Page", figure: str, view: int | str = 0) -> list[str]:
    """The names of the rows of a view's table."""
    return page.evaluate(HEADS, f"table[data-figure='{figure}'][data-view='{view}']")


def same(page_values: np.ndarray, api: np.ndarray) -> None:
    """Equal to the seven digits that a page keeps, NaN where NaN."""
    np.testing.assert_allclose(page_values, api, rtol=1e-6, atol=1e-9, equal_nan=True)
