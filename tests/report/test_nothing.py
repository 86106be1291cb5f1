"""A figure with nothing to show is left out and listed: the thresholds at, below and above, and whole pages."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from attack.zoo import zoo
from tiny import KINDS, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.figures.left_out import LeftOut, leads, left_out_figure, shows
from loadstore.report.page import report_document
from loadstore.report.sections import laid_out, section
from loadstore.views.base import plain
from loadstore.views.dots import dot, dots
from loadstore.views.figures import Page, figure


@pytest.mark.parametrize(
    ("attention", "prediction", "expected"),
    [
        ((0.50, 0.51), (0.3, 0.3), True),  # at the threshold
        ((0.50, 0.5099), (0.3, 0.3), False),
        ((0.50, 0.5101), (0.3, 0.3), True),
        ((0.51, 0.50), (0.3, 0.3), True),
        ((0.5, 0.5), (0.30, 0.31), True),
        ((0.5, 0.5), (0.30, 0.3099), False),
        ((0.5, 0.5), (0.31, 0.2999), True),
        ((0.0, 0.0), (0.0, 0.0), False),
    ],
)
def test_a_cut_shows_something_from_one_hundredth_of_attention_or_prediction_on(
    attention: tuple[float, float], prediction: tuple[float, float], expected: bool
) -> None:
    assert shows(attention, prediction) is expected


@pytest.mark.parametrize(
    ("best", "rest", "expected"),
    [(1.0, 1.0, False), (1.01, 1.0, True), (0.99, 1.0, False), (1.0, -1.2, False), (0.0, 0.0, False)],
)
def test_a_walk_is_drawn_where_its_best_pair_exceeds_all_others_together(
    best: float, rest: float, expected: bool
) -> None:
    assert leads(best, rest) is expected


def test_what_is_left_out_is_listed_at_the_end() -> None:
    shown = figure("1", "First", "c", [])
    sections = [
        section("a", "A", "", [shown, LeftOut("2", "Second", "Why.")]),
        section("b", "B", "", [LeftOut("Other", "Third", "Because.")]),
    ]
    page = laid_out(sections, {"Other": "3"})
    assert [part.id for part in page] == ["a", "left-out"]
    assert page[0].figures == (shown,)
    assert page[1].figures[0].views[0].rows == (("2: Second", "Why."), ("3: Third", "Because."))
    assert page[1].figures[0].claim.startswith("2 figures have")
    assert left_out_figure([LeftOut("3", "Third", "Because.")]).claim.startswith("One figure has")
    assert [part.id for part in laid_out([section("a", "A", "", [shown])], {"1": "2"})] == ["a"]


def test_an_induction_pattern_that_a_cut_does_not_change_is_left_out() -> None:
    """Random weights: neither attention nor prediction moves by a hundredth, so there would be two equal triangles."""
    model = tiny(KINDS[0], n_layers=2).map(lambda t: t.float() * 0.05)
    document = report_document(model, [1, 2, 3, 4, 1, 5])
    assert "14" not in numbers(document)
    assert "by less than .01" in reasons(document)["14"]


def test_every_page_has_a_figure_or_a_reason() -> None:
    model = tiny(KINDS[0], n_layers=2).map(lambda t: t.float())
    document = report_document(model, some_tokens(model, batch=1)[0].tolist())
    for name in ("14", "Walk", "Program", "Traffic"):
        assert (name in numbers(document)) != (name in reasons(document))
    assert all(figure.views for part in document.sections for figure in part.figures)


def numbers(document: Page) -> set[str]:
    return {figure.number for part in document.sections for figure in part.figures}


def reasons(document: Page) -> dict[str, str]:
    last = document.sections[-1]
    if last.id != "left-out":
        return {}
    return {name.partition(":")[0]: reason for name, reason in last.figures[0].views[0].rows}


def _emptied(model: ls.Weights, **change: Any) -> ls.Weights:
    """The same model, all matrices of its heads zero, and other changes."""
    names = ("W_Q", "W_K", "W_V", "W_O")
    layers = tuple(replace(layer, **{name: 0 * getattr(layer, name) for name in names}) for layer in model.layers)
    return replace(model, layers=layers, **change)


@pytest.mark.parametrize("kind", [KINDS[1], Kind("learned", "layer", True, "gelu")], ids=str)
def test_a_page_keeps_its_other_figures_where_one_is_undefined(kind: Kind) -> None:
    """A head that stores nothing has no spectrum and no alignment; equal rows have no spectrum."""
    model = tiny(kind, n_layers=2).map(lambda t: t.float())
    assert model.W_pos is not None
    flat = {"W_E": torch.ones_like(model.W_E), "W_pos": torch.ones_like(model.W_pos)}
    pages = [report_document(one, [1, 2, 3, 1, 2, 3]) for one in (_emptied(model), _emptied(model, **flat))]
    for page in pages:
        json.dumps(plain(page), allow_nan=False)
        (left,) = [part for part in page.sections if part.id == "left-out"]
        told = dict(left.figures[0].views[0].rows)
        assert any("zero" in reason or "all rows are equal" in reason for reason in told.values())
    assert "memory" in [part.id for part in pages[0].sections]


def test_the_memory_shows_the_positions_where_the_embedding_has_no_spectrum() -> None:
    model = tiny(KINDS[1], n_layers=2).map(lambda t: t.float())
    page = report_document(replace(model, W_E=torch.ones_like(model.W_E)), [1, 2, 3, 1, 2, 3])
    (memory,) = [part for part in page.sections if part.id == "memory"]
    assert memory.figures[0].title == "The strongest directions of the positions"
    assert "W_E" not in memory.figures[1].claim


def test_cuts_without_an_induction_score_are_left_out_and_a_rule_without_a_number_is_not_drawn() -> None:
    (animal,) = [animal for animal in zoo(31337) if animal.name == "all mechanisms at once"]
    document = plain(report_document(animal.born(31337), [1, 2, 1, 2]))
    rows = document["sections"][-1]["figures"][0]["views"][0]["rows"]
    reasons = [reason for name, reason in rows if "Does it matter? Every" in name]
    assert len(reasons) == 2
    assert all("has no induction score on random repeats" in reason for reason in reasons)
    view = dots("x", "y", [dot("a", 1.0)], rules=[(math.nan, "nothing"), (0.0, "zero")])
    assert (view.rules, view.low < 0, view.high > 1) == (((0.0, "zero"),), True, True)
