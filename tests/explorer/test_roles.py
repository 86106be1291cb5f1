"""Heads by role: the rule of reports, programs and the explorer is one, and every head is listed once."""

import pytest

import loadstore as ls
from loadstore.circuits.program import roles_of
from loadstore.explorer import roles as screen
from loadstore.explorer.state import Explorer
from loadstore.explorer.table import answered
from loadstore.figures.heads.token_addresses import overview
from loadstore.figures.subject.prompt import ARTICLE
from loadstore.figures.subject.stories import article_story
from loadstore.heads import roles
from loadstore.heads.patterns import ROLES


def silent(done: int, of: int) -> None: ...


def test_heads_are_named_as_in_reports_and_programs_and_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    real = roles.head_roles
    monkeypatch.setattr(roles, "head_roles", lambda *given, **named: measured.append(1) or real(*given, **named))
    weights = ls.load("builtin")
    found = answered("roles", Explorer(weights, ARTICLE), {})(silent)
    assert found["badges"]["L1.H10"] == ["induction"]
    assert {head: group["role"] for group in found["groups"] for head in group["heads"]} == roles_of(weights)
    (view,) = overview(article_story(weights, ARTICLE)).views
    marks = {one.name: sorted(one.badges) for one in view.heads if one.badges}  # pyright: ignore[reportAttributeAccessIssue]
    assert marks == {head: sorted(names) for head, names in found["badges"].items()}
    assert len(measured) == 1
    assert "more than half of its attention there, on 20 sequences" in found["rule"]


def test_a_head_of_two_roles_is_listed_under_the_stronger(monkeypatch: pytest.MonkeyPatch) -> None:
    import xarray as xr

    scores = {role: ("head", [0.0, 0.0, 0.0]) for role in ROLES} | {
        "induction": ("head", [0.6, 0.7, 0.5]),
        "first": ("head", [0.9, 0.1, 0.0]),
    }
    table = xr.Dataset(scores, {"head": ["L0.H0", "L0.H1", "L0.H2"]}, {"sequences": 20})
    monkeypatch.setattr(screen, "measured_roles", lambda weights, **_: table)
    monkeypatch.setattr(screen, "roles_of", lambda weights: roles.strongest_role(table))
    found = answered("roles", Explorer(ls.load("builtin"), ARTICLE), {})(silent)
    assert [(one["title"], one["heads"]) for one in found["groups"]] == [
        ("induction: 1 head", ["L0.H1"]),
        ("first: 1 head", ["L0.H0"]),
    ]
    assert found["badges"] == {"L0.H0": ["induction", "first"], "L0.H1": ["induction"]}
