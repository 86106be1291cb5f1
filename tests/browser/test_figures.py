"""The figures of the machine, its addresses and its stream: every table equals what the Python API gives."""

import math

import numpy as np
import pytest
import torch
from browser.reading import columns, row_names, same, table
from served import builtin

import loadstore as ls
from loadstore.decomposition.address import address
from loadstore.decomposition.stored import stores
from loadstore.figures.subject.prompt import ARTICLE
from loadstore.figures.words import number
from loadstore.scores.overlap import overlap
from loadstore.sites import SIDES

AT = 10  # the second ␣sat, whose repeat is the clearest of the article's sentence
N = 15


@pytest.fixture(scope="module")
def model():
    return builtin()


@pytest.fixture(scope="module")
def trace(model):
    return ls.run(model, ARTICLE)


@pytest.fixture(scope="module")
def page(opened):
    return opened[0]


@pytest.fixture(scope="module")
def head(page) -> str:
    """The head of the induction figures, as the page names it."""
    title = page.locator("#figure-14 h3").inner_text()
    return title.split()[-4]  # "… of L1.H4 on a repeat"


def pattern(trace, head: str) -> np.ndarray:
    """A pattern with the impossible half as NaN."""
    rows = trace.pattern(head).double().numpy()
    rows[~np.tri(len(rows), dtype=bool)] = np.nan
    return rows


def test_the_diagram_names_every_step_and_its_shapes(page, model, head):
    shape = model.architecture
    rows = columns(page, "figure-1")
    assert row_names(page, "figure-1") == ["embed", "pos", "L0.H7 (+11)", f"{head} (+11)", "unembed"]
    told = " ".join(" ".join(row) for row in rows)
    assert f"W_E {shape.vocab:,} × {shape.d_model}" in told
    assert f"W_U {shape.d_model} × {shape.vocab:,}" in told
    assert all(side in rows[3][0] for side in SIDES)


def test_rows_of_attention_are_those_of_the_run(page, trace):
    soft = page.locator("#figure-4 figcaption").first.inner_text()
    same(table(page, "figure-4", 0, soft), pattern(trace, soft)[:5, :5])
    shown = table(page, "figure-4", 1, "weights")
    at = [int(name.split("·")[-1]) for name in row_names(page, "figure-4", 1)][: len(shown)]
    same(shown, pattern(trace, soft)[at, :5])
    rows = trace.pattern(soft)[at].double()
    effective = 2 ** torch.special.entr(rows).sum(-1).div(math.log(2))
    same(table(page, "figure-4", 1, "weights", "effective")[:, 0], effective.numpy())


def test_the_memory_and_its_selected_rows_are_those_of_the_run(page, trace, head):
    stream = trace.residual(1).double()
    d = stream.shape[1]
    blocks = stream.unflatten(1, (24, d // 24)).square().mean(-1).sqrt()
    same(table(page, "figure-5", 0, "values"), blocks.numpy())
    label = page.locator("#figure-5 table[data-panel]").nth(1).get_attribute("data-panel")
    assert label == f"{head}@␣sat·{AT}"
    same(table(page, "figure-5", 0, label)[:, 0], pattern(trace, head)[AT])


def test_the_shapes_of_the_formulas_are_the_models(page, model):
    shape = model.architecture
    d, e = shape.d_model, shape.d_head
    known = {"W_Q": (d, e), "W_K": (d, e), "W_V": (d, e), "W_O": (e, d), "x": (N, d), "A": (N, N)}
    told = {row[0]: row[1] for row in columns(page, "figure-6")}
    found = {name.replace("_", ""): f"{rows} × {wide}" for name, (rows, wide) in known.items()}
    shapes = {name.replace("_", ""): size for name, size in told.items()}
    assert found.items() <= shapes.items()


def test_the_two_wires_of_the_score_equal_the_api(page, model):
    scores = ls.subspace_scores(model)
    names = row_names(page, "figure-7", 1)
    for name, row in zip(names, columns(page, "figure-7", 1), strict=True):
        writer, reader = name.split(" → ")
        wire = scores.sel(writer=writer, reader=reader)
        score, low, high, least, most = (float(value) for value in row[:5])
        assert score == pytest.approx(float(wire.score), rel=1e-5)
        assert least == most == pytest.approx(float(wire.ceiling), rel=1e-5)
        chance = overlap(model, writer, reader).chance
        edges = torch.linspace(low, high, 4001, dtype=torch.float64)
        inside = float(torch.trapezoid(chance.density(edges), edges))
        assert inside == pytest.approx(0.95, abs=0.01)
        assert f"alignment {number(float(wire.alignment))}, z {number(float(wire.z))}" in row[5]


def test_the_stream_before_layer_0_equals_the_api(page, trace):
    written = [trace.written(site).double() for site in ("embed", "pos")]
    same(table(page, "figure-9", 1, "norm"), torch.stack([w.norm(dim=-1) for w in written]).numpy())
    cosine = torch.nn.functional.cosine_similarity(*written, dim=-1).numpy()
    same(table(page, "figure-9", 1, "norm", "cosine with the other"), np.stack([cosine, cosine]))


def test_the_stream_after_layer_0_equals_the_api(page, trace):
    stream = trace.residual(1)[2].double()
    rows = columns(page, "figure-13")
    names = row_names(page, "figure-13")
    writers = ["embed", *(f"L0.H{i}" for i in range(12))]
    assert names[:13] == writers
    shares = [float(trace.written(w)[2].double() @ stream / stream.square().sum()) for w in writers]
    np.testing.assert_allclose([float(row[0]) for row in rows[:13]], shares, rtol=1e-5, atol=1e-7)
    assert sum(shares) == pytest.approx(1, abs=1e-6)
    for row, one in zip(rows, stores(trace, 1, 2), strict=False):
        token = trace.weights.tokens.text(one.nearest[0][0]).strip()
        assert token in row[1] or "⊢" in row[1]


def test_the_three_addresses_equal_the_api(page, trace, head):
    found = address(trace, head, AT)
    figure = "figure-three-addresses"
    shown = table(page, figure, 0, "weights")
    later = np.arange(N) > AT
    own = np.where(later, np.nan, np.arange(N) == AT)
    same(shown, np.stack([own, pattern(trace, head)[AT]]))
    for view, side in enumerate(SIDES, start=1):
        for name, row in zip(row_names(page, figure, view), columns(page, figure, view), strict=False):
            if name in found.shares[side]:
                assert float(row[0]) == pytest.approx(found.shares[side][name], rel=1e-5, abs=1e-7)
    assert " ".join(str(found).split()) in " ".join(page.locator(f"#{figure}").text_content().split())


def test_every_head_at_once_equals_the_api(page, trace, model):
    figure = "figure-all-heads"
    name = page.locator(f"table[data-figure='{figure}']").first.get_attribute("data-panel")
    shown = table(page, figure, 0, name)
    np.testing.assert_allclose(shown, pattern(trace, name), atol=0.5 / 255 + 1e-6, equal_nan=True)
    assert page.locator(f"#{figure} canvas").count() >= len(model.architecture.heads)
