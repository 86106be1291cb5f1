"""Attention sinks: one more key of every row, without a writer and without a value."""

from dataclasses import replace

import pytest
import torch
from tiny import KINDS, some_tokens, tiny
from torch import Tensor

import loadstore as ls
from loadstore.causal.cutting import cut_each
from loadstore.decomposition.address import smallest_set
from loadstore.decomposition.deviations import deviations
from loadstore.figures.facts import facts
from loadstore.figures.heads.patterns import trace_figure
from loadstore.figures.heads.sinks import sinks_said
from loadstore.figures.weights.undefined import undefined
from loadstore.model.gauge import permute_heads
from loadstore.model.weights import Weights
from loadstore.sites import Head, Reader, Writer

SUNK = next(kind for kind in KINDS if kind.sinks)
MODEL = tiny(SUNK)


def with_sinks(model: Weights, sinks: Tensor | None) -> Weights:
    return replace(model, layers=tuple(replace(layer, sinks=sinks) for layer in model.layers))


def traced(model: Weights = MODEL) -> ls.Trace:
    return ls.run(model, some_tokens(model, batch=1)[0], record=True)


def test_a_sink_far_below_every_score_is_none() -> None:
    none, low = traced(with_sinks(MODEL, None)), traced(with_sinks(MODEL, torch.full((4,), -1e6, dtype=torch.float64)))
    assert torch.equal(low.logits, none.logits)
    assert float(low.sink("L1.H2").abs().max()) < 1e-12
    assert not torch.equal(traced().logits, none.logits)


def test_a_row_sums_to_one_with_its_sink_and_the_sink_scales_the_row() -> None:
    trace, none = traced(), traced(with_sinks(MODEL, None))
    for index in range(4):
        sink, row, score = (
            trace.sink(Head(0, index)),
            trace.pattern(Head(0, index)),
            float(MODEL.layers[0].sinks[index]),
        )
        torch.testing.assert_close(row.sum(-1) + sink, torch.ones(9, dtype=torch.float64))
        torch.testing.assert_close(row, (1 - sink)[:, None] * none.pattern(Head(0, index)))  # of layer 0: equal scores
        for query in range(9):
            first = max(0, query - 2)
            exp = trace.scores(Head(0, index))[query, first : query + 1].exp().sum()
            assert float(sink[query]) == pytest.approx(
                float(torch.tensor(score).exp() / (exp + torch.tensor(score).exp()))
            )
    assert not bool(none.sink("L0.H1").any())


def test_a_pass_without_patterns_has_the_same_logits() -> None:
    tokens = some_tokens(MODEL, batch=2)
    for model in (MODEL, replace(MODEL, architecture=replace(MODEL.architecture, windows=None, score_cap=1.5))):
        torch.testing.assert_close(ls.run(model, tokens).logits, ls.run(model, tokens, record=True).logits)


def test_heads_are_renumbered_with_their_sinks() -> None:
    model = tiny(SUNK._replace(kv=None))
    other = permute_heads(model, 1, [2, 0, 1])
    assert torch.equal(other.layers[1].sinks, model.layers[1].sinks[[2, 0, 1]])
    torch.testing.assert_close(traced(other).logits, traced(model).logits)


def test_the_contrast_of_a_row_counts_the_sink_as_a_key_whose_score_is_const() -> None:
    trace, at, head = traced(), 6, Head(2, 1)
    found = ls.parts.walk(trace, head, at, about="row")
    first, sink, score = found.address.first, found.address.sink, MODEL.layers[2].sinks[1]
    row = torch.cat([trace.pattern(head)[at, first : at + 1], trace.sink(head)[at][None]])
    flat = torch.full_like(row, 1 / len(row))
    both = float((row * (row / flat).log()).sum() + (flat * (flat / row).log()).sum())
    assert found.parts.attrs["recorded"] == pytest.approx(both)
    assert sink == pytest.approx(float(row[-1]))
    for side in ("Q", "K", "V"):
        assert sum(found.address.shares[side].values()) == pytest.approx(1)
        assert abs(found.address.remainder[side]) < 1e-9
    higher = replace(MODEL.layers[2], sinks=MODEL.layers[2].sinks.clone().index_fill_(0, torch.tensor([1]), -1e6))
    bare = ls.parts.score_parts(traced(replace(MODEL, layers=(*MODEL.layers[:2], higher))), head, at, 5)
    assert torch.equal(torch.tensor(bare.values), torch.tensor(ls.parts.score_parts(trace, head, at, 5).values))
    alone = float(found.parts.sel(query_writer="const", key_writer="const"))
    keys = ls.parts.score_parts(trace, head)  # const × const of every pair
    pairs = torch.tensor(keys.sel(query_writer="const", key_writer="const").values)[at, first : at + 1]
    weights = row[:-1] - flat[:-1]
    assert alone == pytest.approx(float(weights @ pairs) - float(weights.sum() * score))


def test_what_a_cut_moves_includes_the_sink() -> None:
    trace, reader, writer = traced(), Reader(1, 2, "K"), Writer("embed")
    change = deviations(trace, reader)[writer][0]
    layer, shape = trace.record.layers[1], MODEL.architecture
    first = torch.ones(9, 9).tril() == 0  # layer 1 has no window
    rows = []
    for keys in (layer.k[0, :, 2], layer.k[0, :, 2] - change):
        scores = (layer.q[0, :, 2] @ keys.mT * shape.attention_scale).masked_fill(first, -torch.inf)
        rows.append(torch.cat([scores, MODEL.layers[1].sinks[2].expand(9, 1)], 1).softmax(-1))
    (effect,) = cut_each(trace, [(writer, reader)])
    assert effect.change == pytest.approx(float(0.5 * (rows[0] - rows[1]).abs().sum(-1).mean()))
    kl = (rows[0] * (rows[0] / rows[1]).log()).nan_to_num().sum(-1).mean()
    assert effect.kl == pytest.approx(float(kl))
    own = ls.experiments.own_cuts(trace, "L1.H2.K") if hasattr(ls.experiments, "own_cuts") else None
    assert own is None or float(own.change.sel(writer="embed")) == pytest.approx(effect.change)


def test_sinks_are_shown_beside_tokens_and_in_sentences() -> None:
    trace = traced()
    address = ls.address(trace, "L1.H2", at=5)
    assert f"| sink {address.sink:.2f}".replace("0.", ".") in address.tokens
    assert ls.address(traced(with_sinks(MODEL, None)), "L1.H2", at=5).sink is None
    held = sum(address.weights[j] for j in address.smallest)
    assert 0.7 * sum(address.weights) <= held + 1e-9
    assert smallest_set(torch.tensor([0.4, 0.1])) == (0,)  # a row whose sink has half
    assert " | sink ." in str(ls.listing(trace, at=5))
    shares = {str(head): float(trace.sink(head).mean()) for head in MODEL.architecture.heads}
    claim = trace_figure(trace).claim
    mean, least = (f"{value:.2f}".lstrip("0") for value in (sum(shares.values()) / 12, min(shares.values())))
    assert f"takes {mean} of it on average, between {least} (" in claim
    assert f"({max(shares, key=lambda head: shares[head])})." in claim
    alone = f"{shares['L1.H2']:.2f}".lstrip("0")
    assert sinks_said(trace, [Head(1, 2)]).endswith(f"which takes {alone} of it on average.")
    assert sinks_said(traced(with_sinks(MODEL, None)), MODEL.architecture.heads) == ""
    assert dict(facts(MODEL))["sinks"].startswith("a learned score without a value in every row of a head, ")
    assert any(what == "a row of attention that sums to 1" for what, _, _ in undefined(MODEL))
