"""One view of wires on a page: its tables, and what its readout says after some keys."""

import re
from typing import TYPE_CHECKING

from browser.reading import OPEN_TABLES
from browser.sample_layers import Tables
from browser.shown import READ_TABLES, exact, read

if TYPE_CHECKING:
    from playwright.sync_api import Locator


def tables(figure: "Locator") -> Tables:
    """Every table of the page, opened."""
    figure.page.evaluate(OPEN_TABLES)
    figure.locator("table.data").first.wait_for()
    shown = figure.page.evaluate(READ_TABLES)
    return {(t["panel"], t.get("detail")): [[read(v) for v in row] for row in t["values"]] for t in shown}


def expected(found: Tables) -> Tables:
    """Tables as they are read back."""
    return {key: [[exact(cell) for cell in row] for row in rows] for key, rows in found.items()}


def press(figure: "Locator", *keys: str) -> str:
    """Keys to the picture; what the readout then says."""
    figure.locator(".stop").focus()
    for key in keys:
        figure.page.keyboard.press(key)
    return re.sub(r"\s+", " ", figure.locator(".readout").inner_text())
