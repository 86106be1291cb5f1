"""Make the pictures of the README and the pages: ``python scripts/pictures.py [addresses | induction | ioi]``.

Without an argument, all except ``ioi``, which first finds the circuit of SmolLM2 and takes two minutes.
"""

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import loadstore as ls
from loadstore.report.page import write_report

DOCS = Path(__file__).parent.parent / "docs"
PROMPT = "the dog sat on the mat. the dog sat"


def addresses() -> None:
    """Write the report, open it, and take a screenshot of the first view of figure 15."""
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
        view.screenshot(path=DOCS / "addresses.png")
        browser.close()


def induction() -> None:
    """Draw the circuit with which the built-in model repeats a phrase, with F of the drawn wires."""
    ls.picture(ls.verify(ls.listing(ls.run(ls.load("builtin"), PROMPT)))).save(DOCS / "induction.svg")


def ioi() -> None:
    """Draw the circuit of indirect objects in SmolLM2."""
    task = ls.task(ls.load("smollm2"), "ioi")
    circuit = ls.circuit(ls.attribute(task), "F>=.85", on=task.choose)
    ls.picture(circuit, task.judge, top=40).save(DOCS / "ioi.svg")


if __name__ == "__main__":
    for name in sys.argv[1:] or ("addresses", "induction"):
        {"addresses": addresses, "induction": induction, "ioi": ioi}[name]()
