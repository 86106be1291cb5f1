"""Multi-head latent attention: heads load through a latent whose size is a scale of each token, as any norm's is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile import forge, refusal
from tiny import KINDS, some_tokens, tiny

import loadstore as ls
from loadstore.checkpoints.checkpoint import read_checkpoint
from loadstore.checkpoints.families.own import packed
from loadstore.checkpoints.families.own_latents import read_latents
from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.figures.facts import facts
from loadstore.figures.weights.undefined import undefined
from loadstore.model.architecture import MOST
from loadstore.model.composed import Composed, Piece
from loadstore.model.gauge import permute_heads
from loadstore.model.latent import Latent
from loadstore.model.layers import Layer, Norm
from loadstore.model.ports import qk
from loadstore.model.quantised import Quantised, numbers_of
from loadstore.model.weights import Weights
from loadstore.sites import Head

LATENT = next(kind for kind in KINDS if kind.latent == "all")
MODEL = tiny(LATENT)


def multiplied(model: Weights, by: float) -> Weights:
    """The same function: whatever multiplies the projection to a latent is divided out again."""

    def of(layer: Layer) -> Layer:
        direct = layer.kv_latent.direct
        keys = torch.cat([layer.W_K[..., :direct], by * layer.W_K[..., direct:]], -1)
        biases = torch.cat([layer.b_K[..., :direct], by * layer.b_K[..., direct:]], -1)
        latent = layer.kv_latent
        latent = replace(latent, W=by * latent.W, b=by * latent.b)
        return replace(layer, W_K=keys, b_K=biases, W_V=by * layer.W_V, b_V=by * layer.b_V, kv_latent=latent)

    return replace(model, layers=tuple(map(of, model.layers)))


def without_eps(model: Weights) -> Weights:
    layers = [replace(layer, kv_latent=replace(layer.kv_latent, eps=1e-30)) for layer in model.layers]
    return replace(model, layers=tuple(layers))


def test_scores_are_of_the_function_whatever_multiplies_the_projection_to_the_latent() -> None:
    model = without_eps(MODEL)
    other, tokens = multiplied(model, 7.0), some_tokens(MODEL)
    torch.testing.assert_close(ls.run(other, tokens).logits, ls.run(model, tokens).logits, rtol=1e-9, atol=1e-9)
    one, two = ls.subspace_scores(model), ls.subspace_scores(other)
    np.testing.assert_allclose(one.score, two.score, rtol=1e-8, atol=1e-10)
    assert "; latents have the size of random normed streams" in one.definition
    raw, scaled = (ls.subspace_scores(each, norms="ignore").score.sel(reader="L1.H1.Q") for each in (model, other))
    assert float(abs(raw - scaled).max()) > 1e-3  # the raw product is not
    dense = [qk(each, Head(1, 1), offset=2).dense() for each in (model, other)]
    torch.testing.assert_close(*dense, rtol=1e-8, atol=1e-10)


def test_the_typical_size_is_that_of_random_normed_streams() -> None:
    layer = MODEL.layers[1]
    latent, norm = layer.kv_latent, layer.norm
    x = torch.randn(100_000, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    c = (x * (x.square().mean(-1, keepdim=True)).rsqrt() * norm.gain) @ latent.W
    typical = latent.typical(norm.gain[:, None] * latent.W, 4)
    assert typical[: latent.direct].tolist() == [1.0] * latent.direct
    assert float(typical[-1]) == pytest.approx(float(c.square().mean() + latent.eps) ** -0.5, rel=0.01)


def test_keys_and_values_are_those_of_the_published_formula() -> None:
    trace = ls.run(MODEL, some_tokens(MODEL), record=True)
    layer, record = MODEL.layers[1], trace.record.layers[1]
    x = torch.nn.functional.rms_norm(trace.residual(1), (12,), layer.norm.gain, 1e-5)
    c = x @ layer.kv_latent.W + layer.kv_latent.b
    scale = (c.square().mean(-1, keepdim=True) + 1e-4).rsqrt()
    torch.testing.assert_close(record.v[:, :, 2], (x @ layer.W_V[2] + layer.b_V[2]) * scale)
    keys = x @ layer.W_K[2] + layer.b_K[2]
    torch.testing.assert_close(record.k[:, 0, 2], torch.cat([keys[..., :2], keys[..., 2:] * scale], -1)[:, 0])
    assert record.v.shape[-1] == MODEL.architecture.value_width == 3


def test_a_cut_and_an_ablated_earlier_head_hold_or_move_the_size_of_the_latent() -> None:
    trace = ls.run(MODEL, some_tokens(MODEL), record=True)
    cut = ls.run(MODEL, trace.tokens, [ls.cut("embed", "L1.H2.K")], record=True).record.layers[1]
    intact = trace.record.layers[1]
    assert torch.equal(cut.k_scale, intact.k_scale)
    assert torch.equal(cut.k[:, :, 1], intact.k[:, :, 1])
    assert not torch.equal(cut.k[:, :, 2], intact.k[:, :, 2])
    gone = [ls.ablate("L0.H1")]
    moved = ls.run(MODEL, trace.tokens, gone, record=True).record.layers[1]
    assert not torch.equal(moved.v_scale, intact.v_scale)
    frozen = ls.run(MODEL, trace.tokens, [*gone, ls.freeze("norms", trace)], record=True).record.layers[1]
    for name in ("q_scale", "k_scale", "v_scale"):
        assert torch.equal(getattr(frozen, name), getattr(intact, name))


def test_heads_are_renumbered_and_a_norm_beside_a_latent_is_refused() -> None:
    other = permute_heads(MODEL, 1, [2, 0, 1])
    tokens = some_tokens(MODEL)
    torch.testing.assert_close(ls.run(other, tokens).logits, ls.run(MODEL, tokens).logits)
    with pytest.raises(NotThisModel, match="beside a latent"):
        replace(MODEL.layers[0], k_norm=Norm(centres=False))


def test_what_a_latent_leaves_undefined_is_stated() -> None:
    said = dict(facts(MODEL))
    assert said["latent"] == (
        "keys and values load through 5 numbers of a token, queries through 5; a rotary key of 2 columns for all heads"
    )
    assert said["d_value"] == "3"
    (row,) = (row for row in undefined(MODEL) if row[0] == "the size of a head's keys and values")
    assert "divided by their size; the 2 columns of a rotary key for all heads are not" in row[1]
    assert not any(what == "the scale of W_QK" for what, _, _ in undefined(MODEL))


def composed(nan: bool = False) -> tuple[Composed, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    down, up, own = (torch.randn(*size, generator=draw, dtype=torch.float64) for size in ((3, 7), (4, 3), (2, 7)))
    gain = torch.tensor([1.0, torch.nan if nan else 2.0, 3.0], dtype=torch.float64)
    pieces = [Piece(own), Piece(down, up, gain), Piece(own[1:])]
    return Composed(pieces, Path("a file"), {"y": up, "x": gain}), torch.cat([own, (up * gain) @ down, own[1:]])


def test_a_composed_matrix_is_its_product_in_every_view() -> None:
    matrix, dense = composed()
    lazy = Quantised.of(matrix, (7, 7))
    assert lazy.dtype == torch.float64
    assert torch.equal(lazy.mT[2:5, 1:6] + 0, dense.mT[2:5, 1:6])
    for row in range(7):
        torch.testing.assert_close(lazy[row] + 0, dense[row], rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(torch.ones(7, dtype=torch.float64) @ lazy, dense.sum(0))
    torch.testing.assert_close(matrix.take(torch.tensor([6, 2, 2])), dense[[6, 2, 2]])
    parts = [part for piece in matrix.pieces for part in (*piece.own, piece.down)]
    assert matrix.raw.tobytes() == b"".join(part.numpy().tobytes() for part in parts)
    assert matrix.address(12) == 0
    assert numbers_of(lazy) == 2 * 7 + 4 * 3 + 3 + 7  # what is below a product is shared
    with pytest.raises(BadCheckpoint, match=r"a file: tensor 'x' has NaN"):
        (Quantised.of(composed(nan=True)[0], (7, 7))[2] + 0)


def test_a_latent_of_one_number_is_its_sign() -> None:
    latent = Latent(torch.tensor([[2.0], [-1.0]]), eps=1e-30)
    c = latent.of(torch.tensor([[1.0, 1.0], [1.0, 4.0]]))
    assert (c * latent.scale(c, 1)).tolist() == [[1.0], [-1.0]]


def test_a_header_states_possible_latents_of_all_layers(tmp_path: Path) -> None:
    first, second, *rest = MODEL.layers
    other = replace(second, kv_latent=replace(second.kv_latent, eps=0.5))
    refusal(
        lambda: packed(replace(MODEL, layers=(first, other, *rest))), BadRequest, "its layers have different latents"
    )
    path = tmp_path / "model.safetensors"
    path.write_bytes(packed(MODEL))
    assert load(path).layers[1].kv_latent.eps == second.kv_latent.eps
    for stated in ({"direct": 2}, {"direct": 2, "eps": 1}, {"direct": 64, "eps": 1e-6}):
        forge(path, latents=json.dumps({"kv_latent": stated}))
        refusal(lambda: load(path), BadCheckpoint, "its header names a latent 'kv_latent' of", "fewer than a head has")
    forge(path, latents=json.dumps({"kv_latent": {"direct": 2, "eps": 1e-6}}))
    wide = {"kv_latent.W": torch.zeros(1, 1).expand(12, MOST["d_model"] + 1)}
    vast = replace(read_checkpoint(path), tensors=wide)
    refusal(lambda: read_latents(vast, MODEL.architecture, ""), BadCheckpoint, "numbers is impossible")
