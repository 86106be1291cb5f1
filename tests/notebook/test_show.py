"""``show`` draws every kind of result, says what it is, and refuses what it cannot draw."""

import base64
import html
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
import xarray as xr
from planted import planted
from tiny import KINDS, MODERN, some_tokens, tiny

import loadstore as ls
from loadstore.circuits.program import roles_of
from loadstore.decomposition.address import address
from loadstore.decomposition.decomposition import logit_parts, score_parts
from loadstore.errors import BadRequest
from loadstore.figures.grids import ranked
from loadstore.figures.heads.dossier import dossier_figures
from loadstore.figures.still.cells import _colour
from loadstore.figures.still.palette import step
from loadstore.views.base import Scale, plain

PROMPT = "a b c d a b"


def views(shown: Any) -> list[dict[str, Any]]:
    return [view for part in shown.document["sections"] for figure in part["figures"] for view in figure["views"]]


def kinds(shown: Any) -> list[str]:
    return [view["schema"].removeprefix("loadstore/") for view in views(shown)]


@pytest.fixture(scope="module")
def trace() -> ls.Trace:
    return ls.run(planted(), PROMPT, record=True)


def test_scores_become_panels_whose_cells_are_the_result() -> None:
    scores = ls.subspace_scores(planted())
    shown = ls.show(scores)
    assert kinds(shown) == ["heatmap@1", "heatmap@1"]
    sides, others = views(shown)
    assert [panel["title"] for panel in sides["panels"]] == ["Q", "K", "V"]
    assert sides["columns"]["labels"] == ["L0.H0", "L1.H0"]
    assert others["columns"]["labels"] == ["unembed"]
    for panel in sides["panels"]:
        for i, writer in enumerate(sides["rows"]["labels"]):
            for j, head in enumerate(sides["columns"]["labels"]):
                value = float(scores.alignment.sel(writer=writer, reader=f"{head}.{panel['title']}"))
                cell = panel["values"][i][j]
                assert cell == (None if np.isnan(value) else pytest.approx(value, abs=1e-6))
    best = float(scores.alignment.max())
    assert f"alignment {best:.2f}" in repr(shown)


def test_a_table_of_some_wires_and_of_none() -> None:
    assert kinds(ls.show(ls.subspace_scores(planted(), readers="unembed"))) == ["heatmap@1"]
    assert "None of these wires exists" in repr(ls.show(ls.subspace_scores(planted(), writers="L1.H0", readers="L0.*")))


def test_channels_are_rows_whose_cells_are_the_result() -> None:
    found = ls.vocabulary.channels(tiny(KINDS[0]), "L0.H1")
    shown = ls.show(found)
    sides, others = views(shown)
    assert sides["rows"]["labels"][0] == f"1: {float(found.strength[0]):.2f}"
    assert others["columns"]["labels"] == ["unembed"]
    for panel in sides["panels"]:
        for i, row in enumerate(panel["values"]):
            for head, cell in zip(sides["columns"]["labels"], row, strict=True):
                value = found.alignment.sel(reader=f"{head}.{panel['title']}").values[i]
                assert cell == (None if np.isnan(value) else pytest.approx(value, abs=1e-6))
    carried = [row[0] for row in others["panels"][0]["details"]["carried"]]
    assert sum(carried) == pytest.approx(1, abs=1e-5)
    assert "The best aligned channel of L0.H1 is number" in repr(shown)
    flat = ls.show(ls.vocabulary.channels(planted(), "L0.H0"))
    assert views(flat)[0]["rows"]["labels"] == ["1: 1.00, 20 directions"]
    assert "The strongest 32 of" in repr(ls.show(ls.vocabulary.channels(ls.load("builtin"), "embed", "unembed")))


def test_loads_of_a_store_are_a_table_and_their_totals_a_heatmap(trace: ls.Trace) -> None:
    shown = ls.show(ls.parts.store_loads(trace, "L0.H0", 1))
    assert kinds(shown) == ["table@1"]
    assert f"Loads of what L0.H0 stored at {trace.labels[1]}" in repr(shown)
    assert kinds(ls.show(ls.parts.load_totals(trace))) == ["heatmap@1"]
    assert "table@1" in kinds(ls.show(ls.experiments.induction_answers(trace)))


def test_spectra_roles_and_runs_are_drawn(trace: ls.Trace) -> None:
    assert kinds(ls.show(ls.spectrum(tiny(KINDS[0]), "pos"))) == ["lines@1", "lines@1"]
    roles = ls.head_roles(planted(), sequences=3)
    (view,) = views(ls.show(roles))
    assert view["panels"][0]["values"][0] == pytest.approx(roles.previous.values.tolist(), rel=1e-6)
    (view,) = views(ls.show(trace))
    assert view["heads"][0] == {"name": "L0.H0", "badges": ["previous"]}
    assert view["tokens"][0] == "⊢·0"


def test_a_run_names_heads_by_random_repeats_and_says_so() -> None:
    model = ls.load("builtin")
    shown = ls.show(ls.run(model, "cat cat cat cat", record=True))  # on which these heads look elsewhere
    (view,) = views(shown)
    badges = {head["name"]: head["badges"] for head in view["heads"] if head["badges"]}
    assert badges["L1.H4"] == ["induction"]
    assert sorted(badges) == sorted(roles_of(model))
    assert "on random repeats: previous: L0.H7; current: L0.H9 and L0.H11" in repr(shown)


def test_patterns_of_a_run_are_those_of_its_heads(trace: ls.Trace) -> None:
    (view,) = views(ls.show(trace))
    n = len(view["tokens"])
    packed = np.frombuffer(base64.b64decode(view["packed"]), dtype=np.uint8).reshape(2, n * (n + 1) // 2)
    for row, head in zip(packed, ("L0.H0", "L1.H0"), strict=True):
        expected = np.rint(trace.pattern(head).numpy()[np.tri(n, dtype=bool)] * 255)
        np.testing.assert_array_equal(row, expected)


def test_an_address_and_a_dossier(trace: ls.Trace) -> None:
    shown = ls.show(address(trace, "L1.H0", 5))
    assert kinds(shown)[0] == "address@1"
    assert set(kinds(shown)[1:]) == {"bars@1"}
    assert all(view["total"]["value"] == pytest.approx(1) for view in views(shown)[1:])
    found = ls.experiments.dossier(planted(), "L1.H0", sequences=2)
    shown = ls.show(found)
    assert "L1.H0 puts most of its attention on" in repr(shown)
    assert len(shown.document["sections"][0]["figures"]) == len(dossier_figures(planted(), "L1.H0"))


def test_other_labelled_results_become_tables_with_every_row() -> None:
    model = planted()
    copies = ls.show(ls.vocabulary.copying(model, "L1.H0"))
    assert kinds(copies) == ["table@1", "table@1"]
    assert ["eigenvalue_score", 1.0] in views(copies)[0]["rows"]
    assert [row[:2] for row in views(copies)[1]["rows"]] == [[1.0, 1.0], [5.0, 1.0]]
    pairs = views(ls.show(ls.vocabulary.matched(model, "L1.H0", top=4)))[0]
    assert len(pairs["rows"]) == 4
    assert {column["name"]: column["kind"] for column in pairs["columns"]}["query_text"] == "text"


def test_ablations_are_sorted_and_every_head_has_a_cell() -> None:
    effects = ls.experiments.ablation_effects(tiny(KINDS[0]), sequences=2)
    plot, grid = views(ls.show(effects))
    sizes = [abs(row["value"]) for row in plot["rows"]]
    assert sizes == sorted(sizes, reverse=True)
    assert {row["label"]: row["value"] for row in plot["rows"]} == pytest.approx(
        dict(zip(effects["head"].values.tolist(), effects.effect.values.tolist(), strict=True)), rel=1e-6
    )
    cells = np.concatenate(grid["panels"][0]["values"])
    assert cells == pytest.approx(effects.effect.values, rel=1e-6)
    assert [
        view["schema"]
        for view in views(ls.show(ls.experiments.ablation_effects(tiny(KINDS[0]), ["L0.H1"], sequences=2)))
    ] == ["loadstore/dots@1"]


def test_sweeps_name_writer_and_reader_and_sum_the_rest(trace: ls.Trace) -> None:
    metric = ls.metrics.log_probability(3)
    found = ls.experiments.sweep(trace, "* -> L1.H0.*", metric=metric)
    plot, cells = views(ls.show(found))
    wires = zip(found.writer.values.tolist(), found.reader.values.tolist(), strict=True)
    named = dict(zip(wires, found.change.values.tolist(), strict=True))
    assert {tuple(row["label"].split(" → ")): row["value"] for row in plot["rows"]} == pytest.approx(named, rel=1e-6)
    for i, writer in enumerate(cells["rows"]["labels"]):
        for j, reader in enumerate(cells["columns"]["labels"]):
            expected = named.get((writer, reader))
            assert cells["panels"][0]["values"][i][j] == (
                None if expected is None else pytest.approx(expected, rel=1e-6)
            )
    many = found.isel(wire=np.arange(30) % found.sizes["wire"])
    many["change"] = ("wire", np.arange(30.0))
    rows = views(ls.show(many))[0]["rows"]
    assert [row["value"] for row in rows] == [*range(29, 5, -1), 15]
    assert rows[-1]["label"] == "6 others, their sum"
    assert "The 6 others change it by at most 5.000 each." in repr(ls.show(many))


def test_one_more_row_than_the_limit_is_a_row() -> None:
    assert len(ranked(np.arange(25.0)).rows) == 25
    assert ranked(np.arange(26.0)).rows == tuple(range(25, 1, -1))
    assert ranked(np.arange(26.0)).rest == (0, 1)


def test_an_effect_is_the_metric_before_and_after(trace: ls.Trace) -> None:
    tokens = torch.tensor([[0, 1, 2, 1], [0, 2, 1, 2]])
    found = ls.effect(planted(), tokens, [ls.ablate("L0.H0")], ls.metrics.loss())
    whole, each = views(ls.show(found))
    assert [row["value"] for row in whole["rows"]] == pytest.approx([found.before, found.after])
    assert sorted(row["value"] for row in each["rows"]) == pytest.approx(sorted(found.changes))
    assert kinds(ls.show(ls.effect(planted(), tokens[0], [], ls.metrics.loss()))) == ["dots@1"]


def test_no_value_prints_more_than_five_lines(trace: ls.Trace) -> None:
    model = planted()
    listing = ls.listing(trace, at=5, predict=3)
    values = [
        *(model, trace, ls.run(model, torch.tensor([[0, 1], [0, 2]])), ls.address(trace, "L1.H0", 5)),
        *(ls.parts.walk(trace, "L1.H0", 5), listing, ls.experiments.dossier(model, "L1.H0", sequences=2)),
        ls.effect(model, [0, 1, 2], [ls.cut("L0.H0", "L1.H0.K")], ls.metrics.loss()),
        ls.run(model, [0, 1, 2], [ls.patch("L0.H0", ls.run(model, [0, 1, 3]))]),
    ]
    for value in values:
        text = repr(value)
        assert len(text.splitlines()) <= 5, text
        assert "tensor(" not in text
        assert "Architecture(" not in text
    assert "predicts c after b·6 (probability 0.13)" in repr(trace)
    assert repr(values[7]).startswith("Effect of cut L0.H0 → L1.H0.K by mean on 1 prompt\n")
    assert "edits: patch" in repr(values[8])


def test_arrays_of_one_and_of_two_dimensions(trace: ls.Trace) -> None:
    parts = logit_parts(trace, 5, 3)
    view, grid = views(ls.show(parts))
    assert view["schema"] == "loadstore/waterfall@1"
    assert np.concatenate(grid["panels"][0]["values"]) == pytest.approx(
        [float(parts.sel(writer=head)) for head in ("L0.H0", "L1.H0")], rel=1e-6
    )
    sizes = [abs(row["value"]) for row in view["rows"]]
    assert sizes == sorted(sizes, reverse=True)
    assert view["total"]["value"] == pytest.approx(float(trace.logits[5, 3]), rel=1e-6)
    assert sum(row["value"] for row in view["rows"]) + view["remainder"] == pytest.approx(view["total"]["value"])
    by_source = ls.parts.logit_parts(trace, 5, 3, by_source=True)
    assert np.sum(views(ls.show(by_source))[2]["panels"][0]["values"]) == pytest.approx(
        float(by_source.sum()), rel=1e-5
    )
    assert "The logit of c after" in repr(ls.show(parts))
    shares = views(ls.show(ls.parts.residual_parts(trace, 2, 5)))[0]
    assert sum(row["value"] for row in shares["rows"]) == pytest.approx(1)
    square = score_parts(trace, "L1.H0").isel(query=5, key=2)
    (view,) = views(ls.show(square, title="one score"))
    assert view["schema"] == "loadstore/heatmap@1"
    assert ls.show(square, title="one score").document["sections"][0]["figures"][0]["title"] == "one score"
    assert np.sum(view["panels"][0]["values"]) == pytest.approx(float(trace.scores("L1.H0")[5, 2]), rel=1e-5)
    assert kinds(ls.show(score_parts(trace, "L1.H0"))) == ["table@1"]


def test_a_walk_is_drawn_with_its_shares_and_pairs(trace: ls.Trace) -> None:
    found = ls.parts.walk(trace, "L1.H0", 5)
    shown = ls.show(found)
    drawn = next(view for view in views(shown) if view["schema"] == "loadstore/walk@1")
    assert np.sum(drawn["parts"]) == pytest.approx(float(found.parts.sum()), rel=1e-5)
    for side in "QKV":
        assert sum(one["share"] for one in drawn["sides"][side]["writers"]) == pytest.approx(1, abs=1e-5)
    q, k, v = drawn["hero"]
    names = [drawn["sides"][side]["writers"][i]["label"] for side, i in zip("QKV", (q, k, v), strict=True)]
    assert f"{names[0]} on Q meets {names[1]} on K" in repr(shown)
    assert names[2] == found.address.top("V")


def test_traffic_becomes_panels_and_bars_that_carry_it() -> None:
    found = ls.traffic(planted(), [list(range(8)), list(range(3, 9))])
    shown = ls.show(found)
    assert kinds(shown) == ["heatmap@1", "heatmap@1", "bars@1"]
    both, value, last = views(shown)
    assert [panel["title"] for panel in (*both["panels"], *value["panels"])] == ["Q", "K", "V"]
    for panel in (*both["panels"], *value["panels"]):
        for i, writer in enumerate(both["rows"]["labels"]):
            for j, head in enumerate(both["columns"]["labels"]):
                expected = float(found.traffic.sel(writer=writer, reader=f"{head}.{panel['title']}"))
                cell = panel["values"][i][j]
                assert cell == (None if np.isnan(expected) else pytest.approx(expected, rel=1e-5))
    sizes = [row["value"] for row in last["rows"]]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == pytest.approx(float(found.traffic.sel(reader="unembed").max()), rel=1e-5)
    assert kinds(ls.show(ls.traffic(planted(), [list(range(8))], readers="L1.H0.K"))) == ["heatmap@1"]


def test_a_page_a_figure_and_views_are_taken_as_they_are(trace: ls.Trace) -> None:
    page = ls.show(trace).document
    assert ls.show(page).document == page
    figures = page["sections"][0]["figures"]
    assert ls.show(figures[0]).document["sections"][0]["figures"] == figures
    assert kinds(ls.show(figures[0]["views"])) == ["patterns@1"]
    shown = ls.show(trace)
    assert ls.show(shown) is shown


def test_the_cell_is_one_frame_with_the_whole_page_in_it(trace: ls.Trace, tmp_path: Path) -> None:
    shown = ls.show(trace)
    cell = shown._repr_html_()
    assert cell.startswith('<img class="loadstore-still" alt="planted: patterns" src="data:image/svg+xml;base64,')
    cell = cell.partition('">')[2]
    found = re.fullmatch(r"<iframe title=\"([^\"]*)\"[^>]*? srcdoc='([^']*)'></iframe>", cell, re.DOTALL)
    assert found is not None
    assert html.unescape(found[1]) == "planted: patterns"
    assert html.unescape(found[2]) == shown.html == shown.save(tmp_path / "x.html").read_text(encoding="utf-8")
    data = re.search(r'id="loadstore-data">(.*?)</script>', shown.html, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])["compact"] is True


def test_a_hostile_title_and_token_stay_text() -> None:
    shown = ls.show(["'></iframe><script>alert(1)</script>", '"'], np.eye(2), title="'\"><img src=x>")
    cell = shown._repr_html_()
    assert cell.count("<iframe") == cell.count("</iframe>") == 1
    assert "<script>alert" not in html.unescape(html.unescape(cell.partition("srcdoc='")[2]))
    outside = cell.partition("srcdoc=")[0]
    assert outside.count("<img") == outside.count('<img class="loadstore-still"') == 1
    assert "<script" not in (shown.svg or "")


def test_every_kind_of_result_that_github_shows_has_a_still_picture() -> None:
    """The bundle of a cell holds an SVG with the numbers of the view, light and dark, and no script."""
    model = planted()
    trace = ls.run(model, PROMPT, record=True)
    scores = ls.subspace_scores(model)
    results = {"bars": dossier_figures(model, "L1.H0")[0], "cells": scores, "lines": ls.spectrum(model, "embed")}
    for name, result in {**results, "patterns": trace, "sum": ls.parts.logit_parts(trace, 5, "c")}.items():
        bundle = ls.show(plain(result) if name == "bars" else result)._repr_mimebundle_()
        drawn = ElementTree.fromstring(bundle["image/svg+xml"])
        assert drawn.get("class") == "still", name
        assert "prefers-color-scheme:dark" in bundle["image/svg+xml"]
        assert "script" not in bundle["image/svg+xml"]
        assert bundle["text/html"].count("<iframe") == 1
        assert len(bundle["image/svg+xml"]) < 60_000, name
    best = ls.show(scores).svg or ""
    assert ">L1.H0<" in best
    listed = ls.show(ls.listing(trace, at=5, predict="c"))
    assert "How " in (listed.svg or ""), "a listing has the picture of its loads"


def test_numbers_of_one_dimension_are_bars_and_parts_of_a_recorded_number_a_sum() -> None:
    values = xr.DataArray([1.0, 2.5], dims="layer", coords={"layer": ["L0", "L1"]}, name="size")
    (view,) = views(ls.show(values))
    assert (view["schema"], view["total"]["value"]) == ("loadstore/bars@1", 3.5)
    parts = values.assign_attrs(recorded=3.75, remainder=0.25)
    (view,) = views(ls.show(parts))
    assert (view["schema"], view["remainder"], view["total"]["value"]) == ("loadstore/waterfall@1", 0.25, 3.75)


def test_colours_of_a_still_picture_are_steps_of_the_scale() -> None:
    assert [step(at) for at in (-1.0, 0.0, 0.0624, 0.0626, 0.5, 1.0, 2.0)] == [0, 0, 0, 1, 4, 8, 8]
    signed = Scale(kind="diverging", low=-1.0, high=1.0, label="")
    assert [_colour(value, signed) for value in (-1.0, 0.0, 1.0, None, "nan")] == ["d0", "d4", "d8", "none", "none"]
    tenfold = Scale(kind="sequential", low=0.0, high=10.0, label="", transform="log")
    assert [_colour(value, tenfold) for value in (0.0, 0.01, 1.0, 10.0)] == ["z0", "z0", "z5", "z8"]


def test_twenty_four_heads_and_twenty_two_tokens_stay_small() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(2, 12, 22, 22, generator=generator).masked_fill(~torch.ones(22, 22).tril().bool(), -torch.inf)
    shown = ls.show([f" t{i}" for i in range(22)], scores.softmax(-1))
    assert len(shown._repr_html_().encode()) < 310_000
    assert len(json.dumps(shown.document)) < 20_000  # all but this is the bundle


def test_what_cannot_be_shown_says_what_can() -> None:
    for thing in (3, "text", None, [1, 2], object(), {}):
        with pytest.raises(BadRequest, match="give a labelled result"):
            ls.show(thing)
    with pytest.raises(BadRequest, match="one prompt"):
        ls.show(ls.run(planted(), torch.tensor([[0, 1, 2], [0, 2, 1]])))
    with pytest.raises(BadRequest, match="names= belong"):
        ls.show(ls.spectrum(tiny(KINDS[0])), names=["a"])


def test_a_memory_map_lifetimes_and_reach_are_drawn_from_their_numbers() -> None:
    model, texts = tiny(MODERN[0]), some_tokens(tiny(MODERN[0]), 5).tolist()
    found = ls.memory_map(model, texts)
    used, rows = views(ls.show(found))
    assert [row[0] for row in rows["rows"]] == [region.writer for region in found.regions]
    assert used["rows"]["labels"][0] == f"embed ({found.regions[0].rank})"
    assert used["columns"]["labels"][-1] == "unembed"
    lives = ls.lifetimes(model, texts, checks=2)
    strips, _ = views(ls.show(lives))
    row = strips["rows"]["labels"].index("embed")
    assert strips["panels"][0]["values"][row] == pytest.approx(
        lives.rho[lives.writers.index("embed")].tolist(), abs=1e-5
    )
    back = ls.reach(model, texts, effect=6)
    curve, effect = views(ls.show(back))
    assert [one["name"] for one in curve["series"]] == ["Q", "K", "V", "mlp", "unembed", "equal reading"]
    assert sum(curve["series"][0]["y"]) == pytest.approx(1, abs=1e-4)
    assert effect["series"][0]["y"] == pytest.approx(back.effects.effect.tolist(), abs=1e-5)
