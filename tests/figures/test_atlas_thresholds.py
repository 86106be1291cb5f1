"""Where the report on a large model changes its mind: at, just below and just above, on numbers by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from made import made
from tiny import Kind, tiny

from loadstore.figures.heads import roles
from loadstore.figures.subject.close_look import EACH, FALL, SOME, needed, notable, resting, suppliers
from loadstore.figures.subject.results import Results
from loadstore.figures.subject.story import EVERYTHING, Story
from loadstore.figures.wires import notable as wires
from loadstore.figures.wires.pieces import LEVEL
from loadstore.heads.patterns import ROLES
from loadstore.report.page import is_article
from loadstore.sites import Head

HEADS = [Head(0, index) for index in range(6)]


def atlas(scores: dict[str, list[float]] | None = None, main: Head = HEADS[5], **known: Any) -> Story:
    """Six heads of one layer with these role scores; the others are 0."""
    table = {role: ("head", (scores or {}).get(role, [0.0] * 6)) for role in ROLES}
    architecture = SimpleNamespace(n_layers=1, n_heads=6, heads=HEADS)
    return made(
        Story,
        scope=EVERYTHING,
        results=Results(**known),
        weights=SimpleNamespace(architecture=architecture, tokens=None),
        roles=xr.Dataset(table, coords={"head": [str(head) for head in HEADS]}),
        main=main,
        candidate=None,
        asked=SimpleNamespace(predict=3, at=0),
        trace=SimpleNamespace(labels=["#1·0"]),
    )


@pytest.mark.parametrize(("layers", "heads", "fits"), [(8, 8, True), (7, 9, True), (5, 13, False)])
def test_the_articles_figures_are_for_attention_only_and_up_to_64_heads(layers: int, heads: int, fits: bool) -> None:
    assert is_article(tiny(Kind("none", "none", False), n_layers=layers, n_heads=heads).architecture) == fits


def test_they_are_not_for_a_model_with_mlps() -> None:
    assert not is_article(tiny(Kind("none", "none", False, "gelu"), n_layers=1, n_heads=1).architecture)


def test_the_strongest_of_a_role_is_notable_above_nothing_and_others_above_some() -> None:
    assert (SOME, EACH) == (0.3, 3)
    for second, count in ((SOME, 1), (SOME - 1e-9, 1), (SOME + 1e-9, 2)):
        found = notable(atlas({"previous": [0.9, second, 0, 0, 0, 0]}))
        assert found == (*HEADS[:count], HEADS[5])
    assert notable(atlas({"previous": [0.0] * 6})) == (HEADS[5],)
    assert notable(atlas({"previous": [1e-9, 0, 0, 0, 0, 0]})) == (HEADS[0], HEADS[5])


def test_three_heads_of_a_role_are_notable_at_most() -> None:
    assert notable(atlas({"previous": [0.9, 0.8, 0.7, 0.6, 0, 0]})) == (*HEADS[:3], HEADS[5])
    assert notable(atlas({"first": [0.9, 0.8, 0.7, 0.6, 0, 0]})) == (HEADS[5],)


def test_a_notable_head_is_named_by_the_roles_above_some() -> None:
    for second, told in ((0.3, ""), (0.3 + 1e-9, "previous (weakly)"), (0.5, "previous (weakly)"), (0.51, "previous")):
        assert roles._why(atlas({"previous": [0.9, second, 0, 0, 0, 0]}), HEADS[1]) == told
    assert roles._why(atlas({"previous": [0.2, 0.1, 0, 0, 0, 0]}), HEADS[0]).startswith("previous (weakly)")


def test_a_writer_is_needed_where_its_cut_lowers_the_score_by_more_than_five_hundredths() -> None:
    assert FALL == 0.05
    cuts = xr.Dataset(  # the score without a cut is the threshold itself: no difference is rounded
        {"score": ("writer", [0.0, -1e-9, 1e-9, 0.9, -0.1]), "intact": ((), FALL)},
        coords={"writer": ["pos", "L0.H1", "L0.H2", "L0.H3", "embed"]},
    )
    found = made(Story, candidate=Head(1, 0), results=Results(cuts={"K": cuts}))
    assert needed(found, "K") == ["embed", "L0.H1"]
    assert suppliers(found) == [Head(0, 1)]


def test_a_second_writer_is_named_where_two_are_needed() -> None:
    rows: list[list[str | float]] = [["L0.H0", 0.1, 0.2, 0.3, 0.4], ["L0.H1", 0.1, 0.2, 0.35, 0.4]]
    assert wires._next(rows, ["L0.H0"]) == ""
    assert wires._next(rows, ["L0.H0", "L0.H1"]) == ", then L0.H1 (.35)"


def scored(alignment: list[float], p: list[float]) -> Story:
    """One notable head whose Q reads these writers; K and V read nothing."""
    nothing = [float("nan")] * len(p)
    columns = {"alignment": alignment, "p": p, "z": [1.0] * len(p)}
    table = {
        name: (("writer", "reader"), np.array([columns.get(name, alignment), nothing, nothing]).T)
        for name in ("score", "chance", "z", "p", "q", "ceiling", "alignment", "relative")
    }
    readers = [f"L1.H0.{side}" for side in "QKV"]
    known = xr.Dataset(table, coords={"writer": [f"L0.H{i}" for i in range(len(p))], "reader": readers})
    weights = SimpleNamespace(architecture=SimpleNamespace(rotary=None))
    return made(Story, scores=known, results=Results(notable=(Head(1, 0),)), main=Head(1, 0), weights=weights)


def test_a_wire_stands_above_chance_after_bonferroni_over_all_that_exist() -> None:
    for p, told in ((LEVEL / 2, "0 stand"), (LEVEL / 2 * 0.999, "1 stands"), (LEVEL / 2 * 1.001, "0 stand")):
        claim = wires.score_figure(scored([0.5, 0.2], [p, 1.0])).claim
        assert claim.startswith(f"Of 2 wires into 1 head, {told} above chance.")
    assert ", 0 stand above" in wires.score_figure(scored([-0.5, 0.2], [0.0, 1.0])).claim
    assert ", 0 stand above" in wires.score_figure(scored([0.0, 0.2], [0.0, 1.0])).claim
    assert ", 2 stand above" in wires.score_figure(scored([0.5, 0.2], [0.0, 0.0])).claim


def test_a_side_that_reads_nothing_has_no_best_writer() -> None:
    found = scored([0.2, 0.5], [1.0, 1.0])
    assert wires._best(found) == "Best aligned with L1.H0 are Q: L0.H1 (alignment .50, z 1)."
    assert wires._best(scored([float("nan")], [1.0])) == "Nothing stores before L1.H0 loads."


def test_heads_that_rest_are_counted_above_half() -> None:
    assert resting(atlas({"first": [0.5, 0.5 + 1e-9, 0.5 - 1e-9, 0.9, 0, 0]})) == 2
    told = [roles._resting(count) for count in (0, 1, 2)]
    assert told[0] == "No head spends more than half of it on the first token."
    assert told[1].startswith("1 head spends more than half")
    assert told[2].startswith("2 heads spend more than half")


def test_a_role_without_heads_has_none_and_names_the_nearest() -> None:
    found = roles._counts(atlas({"previous": [0.5, 0, 0, 0, 0, 0], "induction": [float("nan")] * 6}))
    assert found.startswith("none at the previous token (most: L0.H0 .50)")
    assert found.endswith("none at what followed earlier occurrences of their own token (no query has such a key)")
    assert roles._counts(atlas({"previous": [0.51, 0.6, 0, 0, 0, 0]})).startswith("2 at the previous token")


def test_a_claim_lists_four_heads_and_counts_the_rest() -> None:
    for count, told in ((3, ""), (4, ""), (5, " and 1 more"), (6, " and 2 more")):
        found = atlas(notable=tuple(HEADS[:count]))
        assert f"L0.H{min(count, 4) - 1}{told}. L0.H5 adds most" in roles._notable(found).claim
