"""Paths are the dense products that they stand for, and go only where the architecture does."""

import numpy as np
import pytest
import torch
from each import each
from planted import planted
from tiny import KINDS, WITH_POS, Kind, few_with, of_head, stored_rows, tiny

import loadstore as ls
from loadstore.errors import BadRequest, NoSuchSite, NoSuchWire, Undefined
from loadstore.model.ports import fold, ov
from loadstore.scores.paths import entries, full_path, path, positional_qk, virtual_head
from loadstore.scores.vocabulary import full_ov

HEADS = ["L0.H1", "L1.H0", "L2.H2"]


@each(("kind", "norms"), few_with(["fold", "ignore"]), str)
def test_a_virtual_head_is_the_product_of_its_heads(kind: Kind, norms):
    model = tiny(kind)
    dense = torch.eye(model.architecture.d_model, dtype=torch.float64)
    for name in HEADS:
        dense = dense @ ov(model, ls.Head(int(name[1]), int(name[4])), norms).dense()
    found = virtual_head(model, HEADS, norms)
    assert found.rank == model.architecture.value_width
    torch.testing.assert_close(found.dense(), dense, rtol=1e-12, atol=1e-12)
    norm = model.norm(None) if norms == "fold" else None
    W_U = fold(model.W_U - model.W_U.mean(1, keepdim=True), norm)
    torch.testing.assert_close(
        full_path(model, HEADS, norms).dense(), stored_rows(model) @ dense @ W_U, rtol=1e-10, atol=1e-10
    )


@each("kind", KINDS[::5], str)
def test_what_a_path_keeps_is_the_score_of_its_wire(kind: Kind):
    model = tiny(kind)
    score = ls.subspace_scores(model, writers="L0.H1", readers="L2.H0.V").score.item()
    centres = (norm := model.norm(2)) is not None and norm.centres
    if not centres:  # the wire's score centres what is written; the product does, too, but not the writer's own norm
        assert float(path(model, ["L0.H1", "L2.H0"]).kept) == pytest.approx(score, rel=1e-9)
    assert float(path(model, ["L0.H1"]).kept) == pytest.approx(1)


def test_a_path_of_one_head_copies_as_the_head_does():
    model = tiny(KINDS[0])
    one, same = path(model, ["L1.H0"]), ls.vocabulary.copying(model, "L1.H0")
    assert one.accuracy.equals(same.accuracy)
    assert float(one.eigenvalue_score) == pytest.approx(float(same.eigenvalue_score), rel=1e-9)


def test_the_planted_path_stores_where_nobody_reads():
    model = planted()
    assert float(path(model, ["L0.H0", "L1.H0"]).kept) == pytest.approx(0, abs=1e-12)  # E → S, then E → O
    assert float(path(model, ["L1.H0"]).accuracy[0]) == 1


@each("kind", WITH_POS, str)
def test_positional_scores_are_those_of_the_dense_product(kind: Kind):
    model = tiny(kind)
    head, shape = ls.Head(1, 1), model.architecture
    own, layer = model.head(head), model.layers[1]
    norm = None if kind.positions == "shortformer" else model.norm(1)  # shortformer positions are added behind it
    query, key = (fold(own.side(side)[0], norm) for side in ("Q", "K"))
    if layer.q_norm is not None and layer.k_norm is not None:
        query, key = query * of_head(layer.q_norm, 1).gain, key * of_head(layer.k_norm, shape.kv(1)).gain
    dense = (model.W_pos @ query) @ (model.W_pos @ key).mT / shape.d_head**0.5
    found = positional_qk(model, "L1.H1").values
    window = shape.window(1) or shape.context
    for i in range(shape.context):
        for j in range(shape.context):
            if j > i or i - j >= window:
                assert np.isnan(found[i, j])
            else:
                assert found[i, j] == pytest.approx(float(dense[i, j]), rel=1e-9, abs=1e-9)


def test_entries_are_the_largest_of_the_circuit():
    model = tiny(KINDS[0])
    circuit = full_ov(model, ["L0.H0", "L0.H2"])
    found, dense = entries(model, circuit, 5), circuit.dense()
    assert found.value.values == pytest.approx(dense.flatten().sort(descending=True).values[:5].tolist(), rel=1e-9)
    for place in range(5):
        row, column = int(found.row[place]), int(found.column[place])
        assert float(dense[row, column]) == pytest.approx(float(found.value[place]), rel=1e-9)
        assert str(found.row_text.values[place]) == f"#{row}"


def test_where_no_path_goes_is_said():
    model = tiny(KINDS[0])
    with pytest.raises(NoSuchWire, match="stores after"):
        virtual_head(model, ["L1.H0", "L0.H0"])
    with pytest.raises(NoSuchWire):
        path(model, ["L1.H0", "L1.H1"])
    with pytest.raises(NoSuchSite):
        path(model, ["L9.H0"])
    with pytest.raises(BadRequest, match="in order"):
        path(model, [])
    with pytest.raises(BadRequest, match="in order"):
        path(model, "L0.H0")
    with pytest.raises(Undefined, match="rotary positions, which no writer stores"):
        positional_qk(tiny(next(kind for kind in KINDS if kind.positions == "rotary")), "L0.H0")
