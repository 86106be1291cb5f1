"""Multipliers, soft caps, layers without positions, and norms of queries and keys across heads."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hostile import refusal
from tiny import KINDS, Kind, some_tokens, tiny

import loadstore as ls
from loadstore.decomposition.decomposition import reader_parts
from loadstore.decomposition.deviations import deviations
from loadstore.decomposition.logits import before_cap
from loadstore.errors import NotThisModel, Undefined
from loadstore.figures.weights.undefined import undefined
from loadstore.model.caps import capped
from loadstore.model.gauge import permute_heads
from loadstore.model.layers import Layer, Norm
from loadstore.model.ports import qk
from loadstore.model.weights import Weights
from loadstore.sites import Head, Reader
from loadstore.wire_traffic.exact import seen_scores

CAPPED = next(kind for kind in KINDS if kind.capped)
ACROSS = next(kind for kind in KINDS if kind.across)
FALLING = [kind for kind in KINDS if kind.positions == "alibi"]
STILL = next(kind for kind in KINDS if kind.still)
TIMES = Kind("learned", "layer", True, "gelu", scaled=True)


def multiplied(model: Weights) -> Weights:
    """The same function, with the multiplier in the matrices themselves."""
    layers = tuple(layer.storing(model.architecture.residual_scale) for layer in model.layers)
    return replace(model, layers=layers, architecture=replace(model.architecture, residual_scale=1.0))


@pytest.mark.parametrize("kind", [TIMES, TIMES._replace(biases=False, norm="rms", after=True)], ids=str)
def test_a_multiplier_of_stores_is_one_of_the_matrices(kind: Kind) -> None:
    model, folded = tiny(kind), multiplied(tiny(kind))
    assert not torch.equal(model.layers[0].mlp.W_out, folded.layers[0].mlp.W_out) or kind.after
    for one, other in zip(*(ls.run(each, some_tokens(model)).record.layers for each in (model, folded)), strict=True):
        torch.testing.assert_close(one.mlp, other.mlp, rtol=1e-12, atol=1e-12)
    one, other = ls.subspace_scores(model), ls.subspace_scores(folded)
    np.testing.assert_allclose(one.score, other.score, rtol=1e-9, atol=1e-12)


def test_parts_of_a_logit_sum_to_what_goes_into_its_cap() -> None:
    trace = ls.run(tiny(CAPPED), some_tokens(tiny(CAPPED), batch=1)[0])
    cap = trace.weights.architecture.logit_cap
    parts = ls.parts.logit_parts(trace, 5, 3)
    whole = float(parts.sum())
    assert parts.attrs["recorded"] == pytest.approx(whole, abs=1e-10)
    assert float(trace.logits[5, 3]) == pytest.approx(cap * np.tanh(whole / cap), abs=1e-10)
    assert ", before the soft cap of 4, by what" in parts.attrs["definition"]
    assert ", before the soft cap of 4   p " in str(ls.listing(trace, at=5))
    assert "before the soft cap" not in str(ls.listing(ls.run(tiny(STILL), [1, 2, 3]), at=2))
    assert abs(float(trace.logits[5, 3]) - whole) > 1e-3
    plain = ls.run(tiny(STILL), [1, 2, 3])
    assert torch.equal(before_cap(plain, 1), plain.logits[1])


def test_traffic_takes_the_slope_of_a_cap() -> None:
    trace = ls.run(tiny(CAPPED), some_tokens(tiny(CAPPED), batch=1), record=True)
    shape = trace.weights.architecture
    for side in ("Q", "K"):
        reader, step = Reader(1, 2, side), 1e-6
        layer = trace.record.layers[1]
        q, k, pattern = layer.q[:, :, 2], layer.k[:, :, 2], layer.pattern[:, 2]
        change = next(iter(deviations(trace, reader).values()))
        moved = (q + step * change, k) if side == "Q" else (q, k + step * change)
        after, before = (capped(a @ b.mT * shape.attention_scale, shape.score_cap) for a, b in (moved, (q, k)))
        slopes = (after - before) / step
        expected = slopes - (pattern * slopes).sum(-1, keepdim=True)
        expected[:, 0] *= side == "K"  # on Q the first query is left out; it has one key, or a sink
        torch.testing.assert_close(seen_scores(trace, reader, change[None])[0], expected, rtol=1e-4, atol=1e-4)


def test_a_layer_without_positions_has_one_w_qk_and_no_offset() -> None:
    model = tiny(STILL)
    shape = model.architecture
    assert [shape.rotary_of(layer) is None for layer in range(3)] == [False, False, True]
    dense = qk(model, Head(2, 1)).dense()
    assert torch.equal(qk(model, Head(2, 1), offset=3).dense(), dense)
    scores = ls.subspace_scores(model)
    assert "layers without positions have no offset" in scores.definition
    turned = replace(model, architecture=replace(shape, unturned=()))
    others = ls.subspace_scores(turned)
    assert float(abs(scores.score - others.score).sel(reader="L2.H1.Q").max()) > 1e-3
    assert float(abs(scores.score - others.score).sel(reader="L1.H1.Q").max()) == 0
    assert any(what == "the offset in layers without positions" for what, _, _ in undefined(model))


def test_without_queries_alibi_is_a_softmax_of_the_distance_alone() -> None:
    model = tiny(FALLING[0])
    layer = model.layers[1]
    still = replace(layer, W_Q=torch.zeros_like(layer.W_Q), b_Q=None)
    trace = ls.run(replace(model, layers=(model.layers[0], still, model.layers[2])), some_tokens(model, 1), record=True)
    for index, slope in enumerate(model.architecture.slopes):
        row = torch.exp(-slope * torch.arange(6, -1, -1, dtype=torch.float64))
        torch.testing.assert_close(trace.pattern(f"L1.H{index}")[0, 6, :7], row / row.sum())


@pytest.mark.parametrize("kind", FALLING, ids=str)
def test_the_bias_of_alibi_is_const_in_scores_and_addresses_and_in_no_writer(kind: Kind) -> None:
    model = tiny(kind)
    assert "without the bias of ALiBi" in ls.subspace_scores(model).definition
    assert any(what == "the distance in scores of wires" for what, _, _ in undefined(model))
    trace = ls.run(model, some_tokens(model, 1)[0], record=True)
    flat = replace(model, architecture=replace(model.architecture, positions="none", slopes=None))
    slope = model.architecture.slopes[2]
    parts = ls.parts.score_parts(trace, "L0.H2", 6, 4)  # the pass before layer 0 is the same without ALiBi
    without = ls.parts.score_parts(ls.run(flat, trace.tokens[0], record=True), "L0.H2", 6, 4)
    moved = (parts - without).values
    assert moved[-1, -1] == pytest.approx(-2 * slope)
    assert abs(moved).sum() == pytest.approx(2 * slope)
    assert float(trace.scores("L0.H2")[6, 4]) == pytest.approx(float(parts.sum()))
    address = ls.address(trace, "L0.H2", at=6, about=(5, 4))
    contrast = float(trace.scores("L0.H2")[6, 5] - trace.scores("L0.H2")[6, 4])
    for side in ("Q", "K"):
        assert sum(address.shares[side].values()) == pytest.approx(1)
        assert abs(address.remainder[side]) < 1e-9
    plain = ls.run(flat, trace.tokens[0], record=True)
    bare = float(plain.scores("L0.H2")[6, 5] - plain.scores("L0.H2")[6, 4])
    own = ls.address(plain, "L0.H2", at=6, about=(5, 4)).shares["Q"]["const"] * bare
    assert address.shares["Q"]["const"] * contrast == pytest.approx(own + slope)


def test_heads_with_slopes_are_not_renumbered() -> None:
    with pytest.raises(Undefined, match="a slope by their number"):
        permute_heads(tiny(FALLING[0]), 1, [1, 0, 2])


def test_a_scale_across_heads_is_one_number_that_a_cut_leaves_alone() -> None:
    model = tiny(ACROSS)
    trace = ls.run(model, some_tokens(model), record=True)
    for layer in trace.record.layers:
        for scale in (layer.q_scale, layer.k_scale):
            assert torch.equal(scale, scale[:, :, :1].expand_as(scale))
    edited = ls.run(model, trace.tokens, [ls.cut("embed", "L1.H2.Q")], record=True).record.layers[1]
    assert torch.equal(edited.q_scale, trace.record.layers[1].q_scale)
    assert torch.equal(edited.q[:, :, :2], trace.record.layers[1].q[:, :, :2])
    assert not torch.equal(edited.q[:, :, 2], trace.record.layers[1].q[:, :, 2])
    why = next(why for what, why, _ in undefined(model) if what == "the scale of W_QK")
    assert "with one scale for all heads" in why


def test_norms_of_queries_that_are_not_linear_in_a_head_are_refused() -> None:
    layer, gain = tiny(ACROSS).layers[0], torch.ones(4, dtype=torch.float64)
    for norm in (Norm(gain, gain, centres=False), Norm(gain, centres=True, across_heads=True)):
        for name in ("q_norm", "k_norm"):
            refusal(lambda n=norm, k=name: replace(layer, **{k: n}), NotThisModel, "a norm of queries or keys")


def test_a_centring_norm_of_queries_is_what_torch_computes() -> None:
    model = tiny(ACROSS._replace(across=False, norm="layer"))

    def centring(layer: Layer) -> Layer:
        gains = (torch.rand(count, 4, dtype=torch.float64) + 0.5 for count in (len(layer.W_Q), len(layer.W_K)))
        return replace(layer, q_norm=Norm(next(gains)), k_norm=Norm(next(gains)))

    model = replace(model, layers=tuple(map(centring, model.layers)))
    trace = ls.run(model, some_tokens(model), record=True)
    layer, record = model.layers[0], trace.record.layers[0]
    x = torch.nn.functional.layer_norm(trace.residual(0), (12,), layer.norm.gain, layer.norm.bias, 1e-5)
    q = torch.einsum("btd,hde->bthe", x, layer.W_Q)
    q = torch.nn.functional.layer_norm(q, (4,), None, None, 1e-5) * layer.q_norm.gain
    torch.testing.assert_close(record.q[:, 0], q[:, 0], rtol=1e-12, atol=1e-12)  # at the first position nothing turns
    parts = torch.stack(list(reader_parts(trace, "L1.H2.Q").values())).sum(0)
    torch.testing.assert_close(parts, trace.record.layers[1].q[:, :, 2], rtol=1e-10, atol=1e-10)
