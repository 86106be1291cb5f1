"""Make the README's picture from the built-in model's report: ``.venv/bin/python scripts/pictures.py``."""

import os
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import loadstore as ls
from loadstore.report.page import write_report

TARGET = Path(__file__).parent.parent / "docs" / "addresses.png"


def main() -> None:
    """Write the page, open it, and photograph the first view of figure 15."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "report.html"
        write_report(ls.load("builtin"), page_file)
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 900}, device_scale_factor=1.5)
        page.goto(page_file.as_uri())
        view = page.locator("#figure-15 .view").first
        view.evaluate("v => v.querySelectorAll('button, .readout, details').forEach(part => part.remove())")
        view.screenshot(path=TARGET)
        browser.close()


if __name__ == "__main__":
    main()
