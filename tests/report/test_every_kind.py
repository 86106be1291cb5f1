"""The report tells every kind of model what it has, and nothing that it has not."""

import json

import pytest
from tiny import FEW, HALF, KINDS, OTHER_HALF, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.figures.heads.formulas import evaluate
from loadstore.figures.subject.stories import article_story
from loadstore.report.page import report_document
from loadstore.views.base import plain
from loadstore.views.figures import Page

NUMBERS = {str(number) for number in range(1, 16)}


ATTENTION_ONLY = [*(kind for kind in FEW if not kind.mlp), Kind("none", "rms", True)]


def left_out(document: Page) -> set[str]:
    """Numbers of the figures that the page lists as left out."""
    last = document.sections[-1]
    return {row[0].partition(":")[0] for row in last.figures[0].views[0].rows} if last.id == "left-out" else set()


def single(kind: Kind, **sizes: int):
    model = tiny(kind, **sizes).map(lambda t: t.float())
    return model, some_tokens(model, batch=1)[0].tolist()


@pytest.mark.parametrize("kind", ATTENTION_ONLY, ids=str)
def test_all_fifteen_figures_for_every_kind(kind: Kind):
    model, ids = single(kind, n_layers=2)
    document = report_document(model, ids)
    json.dumps(plain(document), allow_nan=False)
    figures = {figure.number: figure for section in document.sections for figure in section.figures}
    assert figures.keys() | left_out(document) >= NUMBERS
    assert left_out(document) <= {"14", "Walk", "Program", "Proof", "Permissions"}
    assert all(figure.claim and figure.views for figure in figures.values() if figure.number in NUMBERS)
    assert len({figure.id for figure in figures.values()}) == len(figures)
    told = json.dumps(plain(document))
    if kind.positions not in ("learned", "shortformer"):
        assert "W_pos" not in told
        assert "first two writers" not in told
        assert "of the positions" not in told
    notes = {number: (one.note.text if one.note else "") for number, one in figures.items()}
    for number in ("7", "10", "11", "15"):
        assert ("average over the offsets of the whole context" in notes[number]) == (kind.positions == "rotary")
    if kind.positions != "shortformer":
        assert "hortformer" not in told
    if kind.positions == "shortformer":
        assert "p = the rows of W_pos" in told


@pytest.mark.parametrize("kind", [kind for kind in OTHER_HALF if kind.mlp], ids=str)
def test_modern_kinds_have_a_page_without_holes(kind: Kind):
    document = report_document(*single(kind))
    json.dumps(plain(document), allow_nan=False)
    assert all(figure.claim and figure.views for one in document.sections for figure in one.figures)


@pytest.mark.parametrize("n_layers", [1, 6])
def test_one_layer_and_many(n_layers: int):
    model, ids = single(KINDS[0], n_layers=n_layers)
    document = report_document(model, ids)
    figures = {f.number for section in document.sections for f in section.figures} | left_out(document)
    assert (NUMBERS - {"14", "15"}) <= figures
    assert ({"14", "15"} <= figures) == (n_layers > 1)


@pytest.mark.parametrize("kind", HALF, ids=str)
def test_the_displayed_formulas_are_what_the_model_computes(kind: Kind):
    model = tiny(kind)
    story = article_story(model, some_tokens(model, batch=1)[0].tolist())
    for head in (ls.Head(0, 1), ls.Head(2, 2)):
        pattern, output = evaluate(story, head)
        assert float((pattern - story.trace.pattern(head)).abs().max()) < 1e-12
        assert float((output - story.trace.written(head)).abs().max()) < 1e-12


@pytest.mark.parametrize("length", [1, 2, 3])
def test_the_shortest_prompts(length: int):
    model, ids = single(KINDS[1], n_layers=2)
    document = report_document(model, ids[:length])
    json.dumps(plain(document), allow_nan=False)
    assert len(document.tokens) == length
