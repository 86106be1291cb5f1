"""The page on a model with MLPs, or many heads: for every kind, its numbers those of the API."""

import json

import numpy as np
import pytest
import torch
from tiny import FEW, HALF, KINDS, MODERN, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.causal.own_cuts import own_cuts
from loadstore.execution.patterns import allowed
from loadstore.figures.heads.induction import induction_figure
from loadstore.figures.left_out import LeftOut
from loadstore.figures.subject.close_look import repeats
from loadstore.figures.subject.stories import large_story
from loadstore.figures.weights.undefined import undefined
from loadstore.report.page import is_article, report_document
from loadstore.views.base import plain
from loadstore.views.figures import Figure, Page

REAL = [kind for kind in KINDS if kind.mlp]
ALWAYS = {"1", "2", "3", "4", "5", "6", "7", "8", "Formulas"}
ALWAYS |= {"Prediction", "Three addresses"} | {f"H{number}" for number in range(1, 7)}
INDUCTION = {"9", "10"}


def figures_of(document: Page) -> dict[str, Figure]:
    json.dumps(plain(document), allow_nan=False)
    every = [figure for section in document.sections for figure in section.figures]
    assert len({figure.id for figure in every}) == len(every)
    return {figure.number: figure for figure in every}


def single(kind: Kind, **sizes: int):
    model = tiny(kind, **sizes).map(lambda t: t.float())
    return model, some_tokens(model, batch=1)[0].tolist()


def test_which_models_get_which_page() -> None:
    assert {str(kind) for kind in KINDS if not is_article(tiny(kind).architecture)} == {str(kind) for kind in REAL}
    assert not is_article(tiny(KINDS[0], n_layers=22).architecture)


@pytest.mark.parametrize("kind", [kind for kind in HALF if kind.mlp], ids=str)
def test_every_kind_has_its_page(kind: Kind) -> None:
    model, ids = single(kind, n_layers=2)
    figures = figures_of(report_document(model, ids))
    assert figures.keys() >= ALWAYS | INDUCTION
    assert all(figure.claim and figure.views for figure in figures.values())
    told = json.dumps(plain(figures))
    if not model.architecture.has_pos:
        assert "W_pos" not in told
    assert ("Undefined" in figures) == bool(undefined(model))


@pytest.mark.parametrize("kind", [REAL[0], REAL[3]], ids=str)
def test_one_layer_and_the_shortest_prompts(kind: Kind) -> None:
    model, ids = single(kind, n_layers=1)
    assert figures_of(report_document(model, ids)).keys() >= ALWAYS
    assert not INDUCTION & figures_of(report_document(model, ids)).keys()
    model, ids = single(kind, n_layers=2)
    for length in (1, 2):
        assert figures_of(report_document(model, ids[:length])).keys() >= ALWAYS


def test_many_heads_without_mlps() -> None:
    model, ids = single(KINDS[2], n_layers=22)
    document = report_document(model, ids)
    figures = figures_of(document)
    assert figures.keys() >= ALWAYS | INDUCTION
    assert len(figures["2"].views[0].rows.labels) == 22


@pytest.mark.parametrize("kind", [REAL[1], REAL[5]], ids=str)
def test_the_numbers_are_those_of_the_api(kind: Kind) -> None:
    model, ids = single(kind)
    figures = figures_of(report_document(model, ids))
    story = large_story(model, ids)
    roles = ls.head_roles(model)
    for panel in figures["2"].views[0].panels:
        known = roles[panel.title].values.reshape(model.architecture.n_layers, -1)
        np.testing.assert_allclose(np.array(panel.values, dtype=float), known, rtol=1e-6)
    head = story.candidate
    for number, side in (("9", "K"), ("10", "Q")):
        table = own_cuts(repeats(story), f"{head}.{side}").sortby("score")
        aligned = ls.subspace_scores(model, readers=f"{head}.{side}").alignment
        rows = figures[number].views[0].choices[1].views[0].rows
        assert [row[0] for row in rows] == [str(name) for name in table["writer"].values[: len(rows)]]
        for name, alignment, traffic, score, change in rows:
            row = table.sel(writer=name)
            expected = [float(aligned.sel(writer=name)[0]), float(row.traffic), float(row.score), float(row.change)]
            np.testing.assert_allclose(
                np.array([alignment, traffic, score, change], dtype=float), expected, rtol=1e-4, atol=1e-7
            )


@pytest.mark.parametrize("kind", [kind for kind in FEW if kind.window], ids=str)
def test_what_a_window_hides_is_hatched(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    # random weights: a cut changes too little to be shown
    monkeypatch.setattr("loadstore.figures.heads.induction.shows", lambda *_: True)
    model, ids = single(kind)
    head = model.architecture.heads[-1]  # an induction head is found where no window hides the repeats: ask for one
    window = model.architecture.window(head.layer)
    assert window is not None
    assert window < len(ids)
    drawn = induction_figure(large_story(model, ids), head)
    assert not isinstance(drawn, LeftOut)
    view = drawn.views[0]
    assert f"its last {window}" in view.hatched
    for panel in view.panels:
        shown = np.array([[cell is not None for cell in row] for row in panel.values])
        np.testing.assert_array_equal(shown, allowed(len(ids), window).numpy())


def test_what_is_undefined_follows_from_the_architecture() -> None:
    found = {str(kind): {what for what, _, _ in undefined(tiny(kind))} for kind in KINDS}
    for kind in KINDS:
        what = found[str(kind)]
        assert ("W_QK as one matrix" in what) == (kind.positions == "rotary")
        assert ("pos as a writer" in what) == (kind.positions in ("rotary", "none", "alibi"))
        assert ("the distance in scores of wires" in what) == (kind.positions == "alibi")
        assert ("a wire of one expert" in what) == bool(kind.experts)
        assert ("an MLP as one matrix" in what) == bool(kind.mlp)
        assert ("attention → MLP within a layer" in what) == ("parallel" in kind.mlp)
        assert ("a separate K and V for every head" in what) == (kind.kv is not None)
        assert ("attention beyond the window" in what) == kind.window
        assert ("the scale of W_QK" in what) == kind.qk_norm
        assert ("a wire's size on every prompt" in what) == (kind.norm != "none")
        assert "a separate unembedding" not in what
    model = tiny(MODERN[2])
    assert "a separate unembedding" in {what for what, _, _ in undefined(_tied(model))}


def _tied(model: ls.Weights) -> ls.Weights:
    from dataclasses import replace

    embedding = torch.randn(model.W_E.shape, dtype=model.W_E.dtype)
    return replace(model, W_E=embedding, W_U=embedding.mT)
