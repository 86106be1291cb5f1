"""The training screen in a real browser: it follows a run that goes on, and everybody can use it."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from browser.test_access import AXE
from browser.test_explorer_access import serious
from emerged import small_run
from served import serving, until

import loadstore as ls
from loadstore.explorer.state import Explorer
from loadstore.training.checkpoints import kept_checkpoints
from loadstore.training.history import METRICS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def test_the_screen_follows_the_run_while_it_goes_on(browser: "Browser", tmp_path: Path) -> None:
    whole, run = small_run(tmp_path / "whole"), tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    for kept in kept_checkpoints(whole)[:3]:
        shutil.copy(kept.path, run / "checkpoints")
    lines = (whole / METRICS).read_text().splitlines(keepends=True)
    (run / METRICS).write_text("".join(lines[:3]))
    explorer = Explorer(ls.load(kept_checkpoints(run)[-1].path), [1, 2, 1, 2], training=run)
    with serving(explorer) as served:
        context = browser.new_context(reduced_motion="reduce", bypass_csp=True)
        page = context.new_page()
        page.set_default_timeout(120_000)
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(served.address, wait_until="load")
        page.locator("#screen > header").wait_for()
        page.keyboard.press("t")
        lead = page.locator("#screen .lead", has_text="with 3 checkpoints")
        lead.wait_for()
        assert "#/training" in page.url
        lead = page.locator("#screen .lead")
        figures = page.locator("#screen article.figure")
        assert figures.count() == 2
        before = figures.last.inner_text()
        shutil.copytree(whole, run, dirs_exist_ok=True)
        assert until(lambda: "step 6, with 5 checkpoints" in lead.inner_text(), 60)  # asked again by itself
        assert until(lambda: figures.last.inner_text() != before)
        assert figures.count() == 2
        for width in (1400, 400):
            page.set_viewport_size({"width": width, "height": 900})
            assert until(lambda: not page.evaluate(WIDE))
        page.add_script_tag(content=AXE)
        assert serious(page) == []
        page.emulate_media(color_scheme="dark")
        assert serious(page, "color-contrast") == []
        assert errors == []
        (run / METRICS).unlink()
        assert until(lambda: "no measured lines yet" in page.locator("#screen").inner_text(), 60)
        assert figures.count() == 2  # what was shown stays
        context.close()
