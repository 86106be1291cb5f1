"""The page of a sweep, which compares models."""

from pathlib import Path

from loadstore.atomic import write_whole
from loadstore.figures.swept import swept_figures
from loadstore.figures.words import plural
from loadstore.sweep.sweep import Swept
from loadstore.version import VERSION
from loadstore.views.charts import table
from loadstore.views.figures import Page, Section, figure
from loadstore.views.page import render_page


def swept_document(swept: Swept) -> Page:
    """A table of all models, a dot plot for each number, and the items that failed."""
    failed = len(swept.failed)
    return Page(
        title="Models side by side",
        lead=f"{plural(swept.computed + swept.kept, 'result')} of {plural(len(swept.comparison.rows), 'model')}"
        + (f"; {plural(failed, 'item')} failed." if failed else "."),
        prompt="",
        tokens=(),
        facts=(),
        sections=(
            Section(id="models", title="Models", lead="", figures=tuple(swept_figures(swept.comparison))),
            *((_failed(swept),) if failed else ()),
        ),
        footer=(f"loadstore {VERSION}. This page carries all numbers in it; it loads nothing.",),
    )


def _failed(swept: Swept) -> Section:
    view = table("What failed", [("item", "item", None), ("reason", "reason", None)], swept.failed)
    claim = f"{plural(len(swept.failed), 'item')} failed; running the sweep again tries them again."
    return Section(id="failed", title="Failed", lead="", figures=(figure("Failed", "What failed", claim, [view]),))


def write_swept(swept: Swept, path: Path) -> None:
    """Write the page, atomically. Raises BadRequest if it cannot be written."""
    write_whole(path, render_page(swept_document(swept)).encode())
