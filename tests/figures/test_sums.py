"""The report's sums are exact, and its traffic is that of the API: what is claimed is read off the numbers shown."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from tiny import HALF, KINDS, MODERN, OTHER_HALF, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.decomposition.listing import listing
from loadstore.decomposition.program import program
from loadstore.figures.left_out import LeftOut
from loadstore.figures.prediction.log_odds import attribution_figures
from loadstore.figures.prediction.walk import walk_figure
from loadstore.figures.subject.stories import article_story
from loadstore.figures.subject.story import STEPS, Story
from loadstore.figures.wires.evidence import evidence_figure
from loadstore.figures.wires.traffic import traffic_figures
from loadstore.figures.words import number
from loadstore.report.page import report_document
from loadstore.views.heatmaps import Heatmap, Panel

SOME = [KINDS[0], *MODERN[:3]]


def story_of(kind: Kind, n_layers: int = 2) -> Story:
    model = tiny(kind, n_layers=n_layers).map(lambda t: t.float())
    return article_story(model, some_tokens(model, batch=1)[0].tolist())


@pytest.mark.parametrize("kind", HALF, ids=str)
def test_a_walk_adds_up_to_its_score_and_its_shares_to_one(kind: Kind) -> None:
    story = story_of(kind)
    found = ls.parts.walk(story.trace, story.main, story.asked.at)
    figure = walk_figure(found)
    (view,) = figure.views
    score = view.score
    assert np.sum(view.parts) + score.remainder == pytest.approx(score.value, rel=1e-4, abs=1e-6)
    for load in view.sides.values():
        assert math.fsum(one.share for one in load.writers) == pytest.approx(1, abs=1e-4)
    q, k, v = view.hero
    named = [view.sides[side].writers[i].label for side, i in zip("QKV", (q, k, v), strict=True)]
    assert f"{named[0]} on Q meets {named[1]} on K" in figure.claim
    assert not any("other" in name for name in named)
    assert view.parts[q][k] == pytest.approx(float(found.parts.max()), rel=1e-5)


def test_a_walk_with_one_key_says_why_it_has_no_steps() -> None:
    story = story_of(KINDS[0])
    figure = walk_figure(ls.parts.walk(story.trace, "L1.H0", 0))
    assert not figure.views
    assert "one key" in figure.claim


@pytest.mark.parametrize("kind", OTHER_HALF, ids=str)
def test_a_prediction_is_the_sum_of_what_is_drawn(kind: Kind) -> None:
    story = story_of(kind)
    figure, listed = attribution_figures(story)
    assert not isinstance(figure, LeftOut)
    assert not isinstance(listed, LeftOut)
    asked = story.asked
    shown = [[part.text for part in row.parts] for row in listed.views[-1].rows]
    assert shown == [
        [text for text, _ in line.parts]
        for line in program(listing(story.trace, asked.at, predict=asked.predict, against=asked.against, top=STEPS))
    ]
    steps, by_source = figure.views
    sizes = [row.value for row in steps.rows]
    total = steps.total.value
    assert sum(sizes) + steps.remainder == pytest.approx(total, rel=1e-4, abs=1e-6)
    running = np.cumsum([0.0, *sizes])
    assert steps.low <= running.min() + 1e-6
    assert steps.high >= running.max() - 1e-6
    shown = {row.label: row.value for row in steps.rows}
    for name, cells in zip(by_source.rows.labels, by_source.panels[0].values, strict=True):
        assert sum(cell for cell in cells if cell is not None) == pytest.approx(shown[name], rel=1e-4, abs=1e-6)
        assert ".H" in name
    largest = max(shown, key=lambda name: shown[name] if "other" not in name else -math.inf)
    assert f"that of {largest}, " in figure.claim


@pytest.mark.parametrize("kind", SOME, ids=str)
def test_traffic_that_is_drawn_is_that_of_the_prompt(kind: Kind) -> None:
    story = story_of(kind)
    heads = story.weights.architecture.heads
    drawn = [one for one in traffic_figures(story, heads) if not isinstance(one, LeftOut)]
    figures = {figure.number: figure for figure in drawn}
    (view,) = figures["Traffic"].views
    found = ls.traffic(story.weights, [story.trace.tokens[0].tolist()], readers=[f"{head}.*" for head in heads])
    loads = view.choices[0].views
    assert [panel.title for one in loads for panel in one.panels] == ["Q", "K", "V"]
    for one in loads:
        for panel in one.panels:
            assert_cells(one, panel, found.traffic)
    assert_cells(view.choices[1].views[0], view.choices[1].views[0].panels[0], found.share)
    best = found.traffic.sel(reader=[f"{head}.K" for head in heads])
    writer, reader = np.unravel_index(int(np.nanargmax(best.values)), best.shape)
    assert f"{best['writer'].values[writer]} → {best['reader'].values[reader]} (" in figures["Traffic"].claim
    assert "of the prompt" in figures["Traffic"].claim
    sides = [f"{head}.{side}" for head in heads for side in "QK"]
    both, writers = (found.traffic, story.scores.alignment), found["writer"].values
    load, aligned = (table.sel(reader=sides, writer=writers).values for table in both)
    known = np.isfinite(load) & np.isfinite(aligned)
    rank = number(float(spearmanr(load[known], aligned[known]).statistic))
    assert f"{int(known.sum())} wires into Q and K the rank correlation" in figures["Traffic"].claim
    assert figures["Traffic"].claim.endswith(f"(alignment) is {rank}.")


def assert_cells(view: Heatmap, panel: Panel, expected: Any) -> None:
    for i, writer in enumerate(view.rows.labels):
        for j, head in enumerate(view.columns.labels):
            value = float(expected.sel(writer=writer, reader=f"{head}.{panel.title}"))
            cell = panel.values[i][j]
            assert cell == (None if math.isnan(value) else pytest.approx(value, rel=1e-4, abs=1e-6))


@pytest.mark.parametrize("kind", SOME, ids=str)
def test_the_evidence_is_that_of_the_wires(kind: Kind) -> None:
    story = story_of(kind)
    head = story.main
    drawn = [one for one in traffic_figures(story, [head]) if not isinstance(one, LeftOut)]
    figure = next(figure for figure in drawn if figure.number == "Evidence")
    (either,) = figure.views
    (view,) = either.choices[1].views
    names = [column.name for column in view.columns]
    found = ls.wires(story.weights, [story.trace.tokens[0].tolist()], readers=f"{head}.*", top=4, effect=4)
    assert len(view.rows) == found.sizes["wire"]
    for row, writer, reader in zip(view.rows, found["writer"].values, found["reader"].values, strict=True):
        assert row[:2] == (writer, reader)
    for name in ("alignment", "traffic", "change", "target"):
        assert [row[names.index(name)] for row in view.rows] == pytest.approx(
            found[name].values.tolist(), rel=1e-4, abs=1e-7, nan_ok=True
        )


@pytest.mark.parametrize("kind", SOME[:1], ids=str)
def test_the_dots_of_the_evidence_are_its_numbers(kind: Kind) -> None:
    story = story_of(kind)
    either = evidence_figure(story, story.main).views[0]
    plots, (view,) = either.choices[0].views, either.choices[1].views
    names = [column.name for column in view.columns]
    for plot, name in zip(plots, ("alignment", "traffic", "change"), strict=True):
        assert [row.value for row in plot.rows] == [row[names.index(name)] for row in view.rows]
    for row, dot in zip(view.rows, plots[1].rows, strict=True):
        traffic, error = (row[names.index(name)] for name in ("traffic", "standard_error"))
        if error != "nan":
            assert dot.interval == pytest.approx((traffic - 2 * error, traffic + 2 * error), rel=1e-5)


def test_one_token_has_no_traffic_and_says_so() -> None:
    model = tiny(KINDS[0], n_layers=2).map(lambda t: t.float())
    document = report_document(model, [3])
    (view,) = document.sections[-1].figures[0].views
    reasons = {name.partition(":")[0]: reason for name, reason in view.rows}
    assert "one token has no other to load from" in reasons["Traffic"]
    assert "one key" in reasons["Walk"]
