"""The report's page: nothing is requested, and every table equals what the Python API gives."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser.reading import OPEN_TABLES, SHOW_CHOICES, columns, same, table
from depth import deep
from served import builtin

import loadstore as ls
from loadstore.figures.subject.prompt import ARTICLE
from loadstore.linear.subspace import subspace_score
from loadstore.model.ports import ov
from loadstore.report.page import write_report
from loadstore.sites import SIDES

# the article's; every head at once, three addresses, the proof; walk, prediction, traffic, evidence; a dossier; memory
FIGURES = 15 + 3 + 4 + 7 + 4


@pytest.fixture(scope="module")
def model():
    return builtin()


def test_the_page_is_small_and_asks_for_nothing(opened, report: Path):
    page, requests, errors = opened
    assert requests == []
    assert errors == []
    assert report.stat().st_size <= 3_000_000
    assert page.locator("article.figure").count() == FIGURES


def test_spectra_equal_the_api(opened, model):
    page = opened[0]
    embed, pos = (ls.spectrum(model, site) for site in ("embed", "pos"))
    eigenvalues = [float(row[-1]) for row in columns(page, "figure-2")]
    shares = [float(row[-1]) for row in columns(page, "figure-3")]
    d = model.architecture.d_model
    same(np.array(eigenvalues[:100]), embed["eigenvalue"].values[:100])
    same(np.array(eigenvalues[200:300]), pos["eigenvalue"].values[:100])
    same(np.array(shares[:d]), embed["cumulative"].values)
    same(np.array(shares[2 * d : 3 * d]), pos["cumulative"].values)
    for start, result in ((1, embed), (3, pos)):
        null = result["structureless"].values
        same(np.array(eigenvalues[100 * start : 100 * start + 100]), null[:100])
        same(np.array(shares[start * d : start * d + d]), np.cumsum(null) / null.sum())


@pytest.mark.parametrize(("figure", "head", "wire"), [("8", "L0.H7", ("pos", "QK")), ("14", None, ("L0.H7", "K"))])
def test_patterns_equal_the_api(opened, model, figure: str, head: str | None, wire: tuple[str, str]):
    page = opened[0]
    head = head or re.search(r"The pattern of (\S+)", page.locator(f"#figure-{figure} h3").inner_text())[1]
    edits = [ls.cut(wire[0], f"{head}.{side}") for side in wire[1]]
    for panel, trace in ((head, ls.run(model, ARTICLE)), (None, ls.run(model, ARTICLE, edits))):
        title = panel or page.locator(f"#figure-{figure} table[data-panel^=control]").first.get_attribute("data-panel")
        pattern = trace.pattern(head).double().numpy()
        pattern[~np.tri(len(pattern), dtype=bool)] = np.nan
        same(table(page, f"figure-{figure}", 0, title), pattern)


@pytest.mark.parametrize(("figure", "layer", "sides"), [("10", 0, "QK"), ("12", 0, "V"), ("15", 1, SIDES)])
def test_alignments_and_their_nulls_equal_the_api(opened, model, figure, layer, sides):
    page, view = opened[0], {"10": "0-alignment-all-numbers-0", "12": "0", "15": "0-as-trained-0"}[figure]
    scores = ls.subspace_scores(model)
    writers = ["embed", "pos"] + [f"L0.H{i}" for i in range(12)] * layer
    for side in sides:
        wires = scores.sel(writer=writers, reader=[f"L{layer}.H{i}.{side}" for i in range(12)])
        same(table(page, f"figure-{figure}", view, side), wires.alignment.values)
        for name in ("score", "chance", "ceiling", "z", "p"):
            same(table(page, f"figure-{figure}", view, side, name), wires[name].values)


def test_raw_scores_equal_the_api(opened, model):
    page = opened[0]
    scores = ls.subspace_scores(model)
    for side in ("Q", "K"):
        readers = [f"L0.H{i}.{side}" for i in range(12)]
        same(
            table(page, "figure-10", "0-raw-score-as-in-the-article-0", side),
            scores.score.sel(writer=["embed", "pos"], reader=readers).values,
        )
    raw = [
        [subspace_score(matrix.double(), ov(model, ls.Head(0, i), "ignore").dense().double()) for i in range(12)]
        for matrix in (model.W_E, model.W_pos)
    ]
    same(table(page, "figure-12", 1, "V"), np.array(raw))


def test_controls_equal_the_api(opened, model):
    page = opened[0]
    negated = replace(model, W_pos=-model.W_pos)
    turned = [(model, "none"), (negated, "none"), (model, "reversed"), (model, "haar")]
    for side in ("Q", "K"):
        readers = [f"L0.H{i}.{side}" for i in range(12)]
        for row, (weights, control) in enumerate(turned):
            wires = ls.subspace_scores(weights, writers="pos", readers="L0.*", control=control)
            wires = wires.sel(writer="pos", reader=readers)
            same(table(page, "figure-11", 0, side)[row], wires.score.values)
            same(table(page, "figure-11", 0, side, "alignment")[row], wires.alignment.values)
    scores = ls.subspace_scores(model, control="reversed")
    writers = ["embed", "pos"] + [f"L0.H{i}" for i in range(12)]
    for side in SIDES:
        wires = scores.sel(writer=writers, reader=[f"L1.H{i}.{side}" for i in range(12)])
        same(table(page, "figure-15", "0-control-writers-reversed-0", side), wires.alignment.values)
        for name in ("score", "chance", "ceiling", "z", "p"):
            same(table(page, "figure-15", "0-control-writers-reversed-0", side, name), wires[name].values)


def test_the_proof_equals_the_api(opened, model):
    page = opened[0]
    rows = columns(page, "figure-proof", "0-every-control-0")
    from loadstore.causal.proof import induction_circuit, prove_wire
    from loadstore.figures.subject.stories import article_story

    story = article_story(model)
    head = story.induction[0]
    proof = prove_wire(
        model, story.previous, head, apart=induction_circuit(story.previous, story.induction), sequences=4
    )
    assert len(rows) == 1 + len(proof.controls)
    numbers = [[e.traffic, e.induction, e.prediction, e.pattern_change] for e in (proof.cut, *proof.controls)]
    np.testing.assert_allclose([[float(v) for v in row[-4:]] for row in rows], numbers, rtol=1e-4, atol=1e-5)
    plot = columns(page, "figure-proof", "0-the-cut-beside-its-controls-0")
    shown = [proof.intact, proof.cut.induction, proof.predicted, proof.cut.prediction]
    np.testing.assert_allclose([float(row[0]) for row in plot], shown, rtol=1e-5)
    others = [control.induction for control in proof.controls]
    np.testing.assert_allclose([float(value) for value in plot[1][3:5]], [min(others), max(others)], rtol=1e-5)


def test_one_corrupted_number_is_noticed(browser, open_page, report: Path, model, tmp_path):
    html = report.read_text(encoding="utf-8")
    before = ls.subspace_scores(model).alignment.sel(writer="L0.H7", reader="L1.H4.K")
    number = json.dumps(float(f"{float(before):.7g}"))
    assert number in html
    corrupt = tmp_path / "corrupt.html"
    corrupt.write_text(html.replace(number, "0.123"), encoding="utf-8")
    page = open_page(browser, corrupt)[0]
    page.evaluate(SHOW_CHOICES)
    page.wait_for_selector("[data-view^='0-control']", state="attached")
    page.evaluate(OPEN_TABLES)
    with pytest.raises(AssertionError):
        test_alignments_and_their_nulls_equal_the_api((page, [], []), model, "15", 1, "K")


def test_a_prompt_that_closes_a_script_is_only_text(browser, open_page, model, tmp_path):
    path = tmp_path / "hostile.html"
    quick = deep(False, usual=True)  # its folded sections are those that take long
    document = write_report(model, path, "</script><script>document.title='owned'</script>", quick=quick)
    page, requests, errors = open_page(browser, path)
    if not quick:
        page.evaluate("for (const part of document.querySelectorAll('details.folded')) part.open = true")
        page.wait_for_selector("details.folded article.figure")
    assert requests == []
    assert errors == []
    assert "owned" not in page.title()
    assert page.locator("article.figure").count() == sum(len(part.figures) for part in document.sections)
    assert "script>" in page.locator("main").inner_text()
