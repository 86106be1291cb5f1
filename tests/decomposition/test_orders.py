"""Orders sum to the pass, and each is what it says: paths through so many heads."""

import numpy as np
import pytest
import torch
from each import each
from planted import planted
from tiny import KINDS, MODERN, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.decomposition.orders import by_order, logits_by_order
from loadstore.errors import Undefined
from loadstore.evidence.orders import term_importance
from loadstore.model.weights import Weights

LINEAR = [kind for kind in KINDS[::2] if not kind.mlp]


def assert_close(found: torch.Tensor, expected: torch.Tensor) -> None:
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) < 1e-10 * float(expected.abs().max())


@each("kind", LINEAR, str)
def test_the_orders_of_a_pass_sum_to_it(kind: Kind):
    model = tiny(kind)
    trace = ls.run(model, some_tokens(model), record=True)
    orders = by_order(trace)
    assert len(orders) == model.architecture.n_layers + 1
    assert_close(orders.sum(0), trace.residual(model.architecture.n_layers))
    assert_close(logits_by_order(trace).sum(0), trace.logits)


@each("kind", LINEAR[:6], str)
def test_the_first_two_orders_are_what_is_stored_when_heads_read_the_embedding_alone(kind: Kind):
    model = tiny(kind)
    trace = ls.run(model, some_tokens(model), record=True)
    orders, expected = by_order(trace), torch.zeros_like(by_order(trace)[0])
    first = trace.residual(0)
    for layer, record in enumerate(trace.record.layers):
        norm = model.norm(layer)
        x = first if norm is None else (first - first.mean(-1, keepdim=True) * norm.centres) * record.inverse_scale
        x = x if norm is None or norm.gain is None else x * norm.gain
        x = x if norm is None or norm.bias is None else x + norm.bias
        for index in range(model.architecture.n_heads):
            head = model.head(ls.Head(layer, index))
            matrix, bias = head.side("V")
            value = x @ matrix + (0 if bias is None else bias)
            expected += record.pattern[:, index] @ value @ head.W_O
    biases = [layer.b_O for layer in model.layers if layer.b_O is not None]
    direct = first if not biases else first + torch.stack(biases).sum(0)
    assert_close(orders[0], direct)
    if not biases:  # with them a later norm's input of order 0 holds earlier biases too
        assert_close(orders[1], expected)


def test_the_planted_circuit_needs_one_head_after_the_embedding():
    model = planted()
    ids = [[1, 2, 3, 4, 5, 1, 2, 3, 4], [7, 8, 9, 6, 7, 8, 9]]
    found = term_importance(model, ids)
    losses = found.loss_up_to.values
    assert losses[1] < losses[0]  # patterns are frozen: V reads the embedding through one head
    assert losses[2] == pytest.approx(float(found.intact), rel=1e-9)
    assert found.loss_without.values[1] > found.loss_without.values[2]
    assert np.isfinite(found.loss_up_to_se.values).all()


def test_one_document_has_no_error_and_the_loss_of_its_run():
    model = tiny(LINEAR[0])
    ids = [3, 1, 4, 1, 5, 9, 2]
    found = term_importance(model, [ids])
    logits = ls.run(model, ids).logits[:-1].log_softmax(-1)
    expected = -float(logits[range(len(ids) - 1), ids[1:]].mean())
    assert float(found.intact) == pytest.approx(expected, rel=1e-9)
    assert np.isnan(found.loss_without_se.values).all()


@pytest.mark.parametrize("model", [tiny(MODERN[0]), tiny(MODERN[6])], ids=lambda model: model.name)
def test_mlps_have_no_orders(model: Weights):
    with pytest.raises(Undefined, match="not linear"):
        term_importance(model, [[1, 2, 3]])


def test_edited_runs_are_refused():
    model = tiny(LINEAR[0])
    with pytest.raises(Undefined, match="edits"):
        by_order(ls.run(model, [1, 2, 3], edits=[ls.ablate("L0.H0")], record=True))
