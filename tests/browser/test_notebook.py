"""A notebook, executed for real, shows its figures inside frames, offline."""

import html
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Page

CELLS = {
    "patterns": "import loadstore as ls\nmodel = ls.load()\n"
    'trace = ls.run(model, "the cat sat on the mat. the dog sat on the log.")\nls.show(trace)',
    "scores": 'ls.show(ls.subspace_scores(model, readers="L1.H4.*"))',
    "copying": 'ls.show(ls.vocabulary.copying(model, ["L1.H4", "L1.H10"]))',
    "foreign": 'ls.show(["a", " b"], [[[1, 0], [0.25, 0.75]]], names=["mine"])',
}


@pytest.fixture(scope="module")
def outputs() -> dict[str, str]:
    """The text/html of every cell, from a kernel of its own."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS.values()])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    found: dict[str, str] = {}
    for name, cell in zip(CELLS, notebook.cells, strict=True):
        (output,) = cell.outputs
        assert output.output_type == "execute_result"
        assert output.data["text/plain"].strip()
        found[name] = output.data["text/html"]
    return found


@pytest.fixture(scope="module")
def page(
    browser: "Browser",
    open_page: "Callable[..., Any]",
    outputs: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> "tuple[Page, list[str], list[str]]":
    """All outputs below each other, as a notebook has them."""
    path = tmp_path_factory.mktemp("notebook") / "cells.html"
    cells = "".join(f'<div class="output" style="width:900px">{output}</div>' for output in outputs.values())
    path.write_text(f"<!doctype html><meta charset=utf-8><title>cells</title>{cells}", encoding="utf-8")
    page, requests, errors = open_page(browser, path)
    for frame in frames(page):
        frame.wait_for_selector(".figure")
    return page, requests, errors


def frames(page: "Page") -> "list[Frame]":
    return [frame for frame in page.frames if frame.parent_frame is not None]


def test_every_output_is_one_frame_with_a_title(outputs: dict[str, str]) -> None:
    for name, output in outputs.items():
        assert re.match(r'(<img class="loadstore-still" [^>]+>)?<iframe title="[^"]+" width="100%"', output), name
        assert output.count("<iframe") == 1
        assert len(output.encode()) < 300_000


def test_figures_are_drawn_in_their_frames(page: "tuple[Page, list[str], list[str]]") -> None:
    patterns, scores, copying, foreign = frames(page[0])
    assert patterns.locator("canvas").count() >= 24
    assert patterns.locator("text=L1.H10").count() >= 1
    assert scores.locator("svg").count() >= 1
    assert foreign.locator("text=mine").count() >= 1
    rows = copying.locator("table tr").all_inner_texts()
    assert any("eigenvalue_score" in row for row in rows)


def test_a_still_picture_stands_where_no_script_runs_and_gives_way_to_the_page(
    browser: "Browser",
    open_page: "Callable[..., Any]",
    page: "tuple[Page, list[str], list[str]]",
    outputs: dict[str, str],
) -> None:
    stills = page[0].locator("img.loadstore-still")
    assert stills.count() == sum('<img class="loadstore-still"' in output for output in outputs.values()) == 3
    assert not any(stills.nth(index).is_visible() for index in range(stills.count()))
    bare = browser.new_context(java_script_enabled=False).new_page()
    bare.set_content(outputs["patterns"])
    still = bare.locator("img.loadstore-still")
    still.wait_for()
    assert still.evaluate("image => image.naturalWidth") == 760
    bare.context.close()


def test_tables_carry_the_numbers(page: "tuple[Page, list[str], list[str]]") -> None:
    import loadstore as ls

    copying = frames(page[0])[2]
    values = [
        float(v)
        for v in copying.eval_on_selector_all("td[data-value]", "cells => cells.map(c => c.dataset.value)")
        if _number(v)
    ]
    expected = ls.vocabulary.copying(ls.load(), ["L1.H4", "L1.H10"])
    for value in (*expected.accuracy.values, float(expected.eigenvalue_score)):
        assert any(abs(found - value) < 1e-6 for found in values), value


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_frames_are_as_high_as_their_figures_and_load_nothing(page: "tuple[Page, list[str], list[str]]") -> None:
    shown, requests, errors = page
    for frame in frames(shown):
        frame.wait_for_function("Math.abs(document.documentElement.scrollHeight - window.innerHeight) < 4")
    assert [url for url in requests if not url.startswith(("about:", "data:", "blob:"))] == []
    assert errors == []


def test_the_page_that_a_frame_holds_is_marked_up_once(outputs: dict[str, str]) -> None:
    page = html.unescape(outputs["copying"].partition("srcdoc='")[2].removesuffix("'></iframe>"))
    assert page.count("<!doctype html>") == 1
