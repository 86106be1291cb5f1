"""Norms after blocks belong to the writers: their gain is folded, their scale is shared, recorded and frozen."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hostile import refusal
from tiny import KINDS, some_tokens, tiny
from torch import Tensor

import loadstore as ls
from loadstore.errors import NotThisModel, Undefined
from loadstore.model.gauge import rotate_stream
from loadstore.model.layers import Layer, MlpLayer, Norm
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.measures import OF_A_WIRE

KIND = next(kind for kind in KINDS if kind.after)


def folded(model: Weights) -> Weights:
    """The gain of every norm after a block in W_O and W_out: no longer the same function, but the same scores."""

    def layer(old: Layer) -> Layer:
        mlp = replace(old.mlp, W_out=old.mlp.W_out * old.mlp.after.gain, after=Norm(centres=False))
        return replace(old, W_O=old.W_O * old.after_heads.gain, after_heads=Norm(centres=False), mlp=mlp)

    return replace(model, layers=tuple(map(layer, model.layers)))


def test_scores_do_not_know_whether_the_gain_after_a_block_is_folded() -> None:
    one, other, raw = ls.subspace_scores(tiny(KIND)), ls.subspace_scores(folded(tiny(KIND))), tiny(KIND)
    for name in OF_A_WIRE:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-9, atol=1e-12, err_msg=name)
    ignored = ls.subspace_scores(raw, norms="ignore")
    assert float(abs(ignored.score - ls.subspace_scores(folded(raw), norms="ignore").score).max()) > 1e-2
    assert float((ls.run(raw, [1, 2, 3]).logits - ls.run(folded(raw), [1, 2, 3]).logits).abs().max()) > 1e-2


def test_its_scale_is_that_of_all_heads_and_frozen_with_the_other_norms() -> None:
    model = tiny(KIND)
    here, there = (ls.run(model, some_tokens(model, seed=seed), record=True) for seed in (0, 1))
    for index, layer in enumerate(model.layers):
        record = here.record.layers[index]
        mixed = torch.einsum("bthe,hed->btd", _mixed(here, index), layer.W_O)
        expected = (mixed.pow(2).mean(-1, keepdim=True) + model.architecture.eps).rsqrt()
        torch.testing.assert_close(record.after_heads, expected, rtol=1e-12, atol=0)
    frozen = ls.run(model, here.tokens, [ls.freeze("norms", there)], record=True)
    for one, other in zip(frozen.record.layers, there.record.layers, strict=True):
        assert torch.equal(one.after_heads, other.after_heads)
        assert torch.equal(one.after_mlp, other.after_mlp)
    same = ls.run(model, here.tokens, [ls.freeze("norms", here)])
    torch.testing.assert_close(same.logits, here.logits, rtol=1e-12, atol=1e-12)


def _mixed(trace: ls.Trace, layer: int) -> Tensor:
    record = trace.record.layers[layer]
    return torch.einsum("bhqk,bkhe->bqhe", record.pattern, record.v)


@pytest.mark.parametrize("writer", ["L0.H1", "L0.mlp", "L1.H2"])
def test_an_edit_replaces_what_comes_out_so_that_it_is_the_same_edit_of_every_reader(writer: str) -> None:
    model = tiny(KIND)
    here, there = (ls.run(model, some_tokens(model, seed=seed), record=True) for seed in (0, 1))
    network = wiring(model)
    readers = network.readers
    wires = [ls.patch(writer, there, reader=r) for r in readers if network.connects(network.writer(writer), r)]
    norms = ls.freeze("norms", here)
    whole, each = (ls.run(model, here.tokens, [norms, *some]).logits for some in ([ls.patch(writer, there)], wires))
    torch.testing.assert_close(whole, each, rtol=1e-9, atol=1e-9)
    patched = ls.run(model, here.tokens, [ls.patch(writer, there)])
    torch.testing.assert_close(patched.written(writer), there.written(writer), rtol=1e-12, atol=1e-12)


def test_a_gain_after_a_block_fixes_the_basis() -> None:
    bare = Norm(centres=False)
    model = tiny(KIND)
    layers = tuple(
        replace(one, norm=bare, mlp=replace(one.mlp, norm=bare, after=bare), after_heads=one.after_heads)
        for one in model.layers
    )
    turned = torch.eye(12, dtype=torch.float64)
    refusal(lambda: rotate_stream(replace(model, layers=layers, final_norm=bare), turned), Undefined, "fix the basis")


def test_other_norms_after_blocks_are_refused() -> None:
    layer = tiny(KIND).layers[0]
    for norm in (Norm(centres=True), Norm(bias=torch.zeros(12, dtype=torch.float64), centres=False)):
        refusal(lambda norm=norm: replace(layer, after_heads=norm), NotThisModel, "an RMSNorm without a bias")
        refusal(lambda norm=norm: _mlp(layer.mlp, norm), NotThisModel, "an RMSNorm without a bias")
    refusal(lambda: replace(layer, b_O=torch.ones(12, dtype=torch.float64)), NotThisModel, "b_O")


def _mlp(mlp: MlpLayer | None, norm: Norm) -> MlpLayer:
    assert mlp is not None
    return replace(mlp, after=norm)
