"""Channels add up to their wire, each is scored as a writer of its own would be, and no basis changes them."""

from dataclasses import replace

import numpy as np
import planted
import pytest
import torch
from depth import deep
from each import each
from tiny import HALF, MIXED, OTHER_HALF, UNNORMED, Kind, after, few_with, mixed, tiny
from torch import Tensor

import loadstore as ls
from loadstore.errors import BadRequest, NoSuchSite, NoSuchWire, Undefined
from loadstore.linear.factored import Factored
from loadstore.linear.singular import as_one, right_singular
from loadstore.model.gauge import rotate_stream
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.channels import split_writer
from loadstore.scores.measures import OF_A_WIRE
from loadstore.scores.scores import subspace_scores

PLAIN = Kind("learned", "none", biases=False)
BOTH_WAYS = [(Kind("learned", "layer", False), "fold"), *few_with(["fold", "ignore"], of=HALF)]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def with_output(model: Weights, W_O: Tensor, head: int = 0) -> Weights:
    """Give L0 head ``head`` another W_O."""
    first = model.layers[0]
    changed = replace(first, W_O=torch.cat([first.W_O[:head], W_O[None], first.W_O[head + 1 :]]))
    return replace(model, layers=(changed, *model.layers[1:]))


def with_strengths(*strengths: float) -> Weights:
    """A random model whose L0.H0 has these singular values."""
    model = tiny(PLAIN)
    u, v = (torch.linalg.qr(drawn(12, 4, seed=seed))[0] for seed in (1, 2))
    first = model.layers[0]
    turned = torch.cat([u[None], first.W_V[1:]])
    model = replace(model, layers=(replace(first, W_V=turned), *model.layers[1:]))
    return with_output(model, torch.tensor(strengths, dtype=torch.float64).diag() @ v.mT)


@each(("kind", "norms"), BOTH_WAYS, str)
def test_channels_add_up_to_every_wire_of_every_writer(kind: Kind, norms) -> None:
    model = tiny(kind)
    wires = subspace_scores(model, norms=norms)
    for writer in map(str, wiring(model).writers[:: deep(2, usual=4)]):
        found = ls.vocabulary.channels(model, writer, norms=norms)
        wire = wires.sel(writer=writer)
        there = np.isfinite(wire.chance.values)
        assert np.array_equal(np.isfinite(found.score.values).all(0), there)
        assert float(found.share.sum()) == pytest.approx(1, abs=1e-12)
        total = (found.share * found.score**2).sum("channel").values[there]
        np.testing.assert_allclose(total, wire.score.values[there] ** 2, rtol=1e-10, atol=1e-14)
        carried = found.carried.values[:, there]
        np.testing.assert_allclose(carried.sum(0), 1, atol=1e-12)
        np.testing.assert_allclose(carried, (found.share * found.score**2).values[:, there] / total, atol=1e-10)


@each("kind", OTHER_HALF, str)
def test_a_channel_is_scored_as_a_writer_that_stores_nothing_else(kind: Kind) -> None:
    model = tiny(kind)
    split = split_writer(model, wiring(model).writer("L0.H0"), [wiring(model).reader("L1.H0.K")], "fold")
    found = ls.vocabulary.channels(model, "L0.H0")
    for number in (1, found.sizes["channel"]):
        v = split.directions[number - 1]
        gain = after(model, 0)
        alone = with_output(model, model.layers[0].W_O[0] * gain @ torch.outer(v, v) / gain)
        expected = subspace_scores(alone, writers="L0.H0").sel(writer="L0.H0")
        for name in OF_A_WIRE:
            np.testing.assert_allclose(found[name].sel(channel=number), expected[name], rtol=1e-6, atol=1e-9)


def test_a_constant_has_one_channel_which_is_all_of_it() -> None:
    model = tiny(Kind("learned", "layer", biases=True))
    found, wire = (
        ls.vocabulary.channels(model, "L0.bias"),
        subspace_scores(model, writers="L0.bias").sel(writer="L0.bias"),
    )
    assert found.sizes["channel"] == 1
    assert found.share.values == pytest.approx([1])
    for name in OF_A_WIRE:
        np.testing.assert_allclose(found[name][0], wire[name], rtol=1e-9, atol=1e-12)
    tokens = ls.vocabulary.channel_tokens(model, "L0.bias", "L1.H0.K", 1)
    assert (tokens.stored, tokens.stored_as) == ({}, "")
    assert len(tokens.loaded["+"]) == 5
    assert np.isnan(tokens.agreement)


@each(("kind", "last"), MIXED, str)
def test_readers_with_and_without_the_mean_see_different_channels(kind: Kind, last) -> None:
    model = mixed(kind, last)
    wires = subspace_scores(model).sel(writer="L0.H0")
    if "layer" in (kind.norm, last):
        with pytest.raises(Undefined, match="choose readers of one sort"):
            ls.vocabulary.channels(model, "L0.H0")
    for readers in ("L*", "unembed"):
        found = ls.vocabulary.channels(model, "L0.H0", readers)
        total = (found.share * found.score**2).sum("channel", skipna=False)
        np.testing.assert_allclose(total, wires.score.sel(reader=found.reader) ** 2, rtol=1e-10)


def same(one, other, atol: float = 1e-9) -> None:
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-7, atol=atol, err_msg=str(name))


@each("kind", [kind for kind in UNNORMED if not kind.after], str)
def test_a_rotation_of_the_stream_changes_no_channel(kind: Kind) -> None:
    model = tiny(kind)
    turned = rotate_stream(model, planted.rotation(12))
    for writer in ("embed", "L0.H1"):
        same(ls.vocabulary.channels(model, writer), ls.vocabulary.channels(turned, writer))
    offset = None if kind.rotary is None else 2
    one, other = (ls.vocabulary.channel_tokens(m, "L0.H1", "L1.H0.K", 2, offset=offset) for m in (model, turned))
    assert one.text == other.text
    assert one.agreement == pytest.approx(other.agreement)


@each("kind", HALF, str)
def test_a_change_of_basis_inside_a_head_changes_no_channel(kind: Kind) -> None:
    model = tiny(kind._replace(biases=False))
    width = model.architecture.value_width
    M = (drawn(4, 4, seed=5) + 2 * torch.eye(4))[:width, :width]
    first = model.layers[0]
    inside = replace(first, W_V=first.W_V @ M, W_O=torch.linalg.inv(M) @ first.W_O)
    same(
        ls.vocabulary.channels(model, "L0.H1"),
        ls.vocabulary.channels(replace(model, layers=(inside, *model.layers[1:])), "L0.H1"),
        1e-8,
    )


def test_equal_strengths_are_one_subspace_whichever_basis_rounding_picks() -> None:
    model = with_strengths(3, 3, 3, 1)
    found = ls.vocabulary.channels(model, "L0.H0")
    assert found.dimension.values.tolist() == [3, 1]
    np.testing.assert_allclose(found.strength, [3, 1])
    np.testing.assert_allclose(found.share, [27 / 28, 1 / 28])
    A = model.layers[0].W_V[0] @ model.layers[0].W_O[0]
    V = torch.linalg.svd(A)[2][:3]
    B = model.layers[1].W_K[2] @ model.layers[1].W_Q[2].mT
    expected = float((V @ B).norm() / (3**0.5 * B.norm()))
    assert float(found.score.sel(channel=1, reader="L1.H2.K")) == pytest.approx(expected, rel=1e-9)
    rows = {float((V[0] @ B).norm() / B.norm())}
    for seed in range(3):
        noisy = with_output(model, model.layers[0].W_O[0] + 1e-9 * drawn(4, 12, seed=seed))
        same(found, ls.vocabulary.channels(noisy, "L0.H0"), 1e-6)
        one, other = (ls.vocabulary.channel_tokens(m, "L0.H0", "L1.H2.K", 1) for m in (model, noisy))
        assert one.text == other.text
        assert one.agreement == pytest.approx(other.agreement, abs=1e-6)
        turned = torch.linalg.svd(noisy.layers[0].W_V[0] @ noisy.layers[0].W_O[0])[2][0]
        rows.add(float((turned @ B).norm() / B.norm()))
    assert max(rows) - min(rows) > 1e-2  # a single direction of the block is not defined


def test_the_null_of_a_subspace_is_that_of_a_flat_writer() -> None:
    found = ls.vocabulary.channels(with_strengths(3, 3, 3, 1), "L0.H0").sel(channel=1)
    flat = subspace_scores(with_strengths(1, 1, 1, 0), writers="L0.H0").sel(writer="L0.H0")
    for name in OF_A_WIRE:
        np.testing.assert_allclose(found[name], flat[name], rtol=1e-6, atol=1e-9)


def test_a_block_ends_at_the_tolerance_and_never_between_equals() -> None:
    dense = torch.linspace(1, 0.5, 5000, dtype=torch.float64)
    blocks = as_one(dense, 1e-3)
    for number in blocks.unique():
        inside = dense[blocks == number]
        assert float(inside[-1]) >= (1 - 1e-3) * float(inside[0])
    assert 600 < int(blocks[-1]) < 800
    cluster = 0.999 * (1 + 1e-12 * torch.tensor([4.0, 3, 2, 1, -1, -2, -3, -4], dtype=torch.float64))
    assert len(as_one(torch.cat([torch.ones(1), cluster]), 1e-3)[1:].unique()) == 1
    assert as_one(torch.tensor([3.0, 2.999, 2.9]), 0.0).tolist() == [0, 1, 2]
    assert ls.vocabulary.channels(with_strengths(3, 2.9995, 2.9, 1), "L0.H0").dimension.values.tolist() == [2, 1, 1]
    loose = ls.vocabulary.channels(with_strengths(3, 2.9995, 2.9, 1), "L0.H0", tolerance=0.05)
    assert loose.dimension.values.tolist() == [3, 1]


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize(("rows", "rank"), [(5, None), (30, None), (5000, None), (30, 4), (4, 9)])
def test_strengths_and_directions_are_those_of_the_dense_matrix(rows: int, rank: int | None, centred) -> None:
    matrix = drawn(rows, 8) + 0.5 if rank is None else Factored(drawn(rows, rank), drawn(rank, 8, seed=1) + 0.5)
    dense = matrix.dense() if isinstance(matrix, Factored) else matrix
    dense = dense - dense.mean(1, keepdim=True) if centred else dense
    found = right_singular(matrix, centred=centred)
    _, s, v = torch.linalg.svd(dense, full_matrices=False)
    kept = len(found.strengths)
    assert kept == int((s > 1e-7 * s[0]).sum())
    torch.testing.assert_close(found.strengths, s[:kept], rtol=1e-9, atol=0)
    torch.testing.assert_close((found.directions * v[:kept]).sum(1).abs(), torch.ones(kept, dtype=torch.float64))


def test_the_strongest_come_first_and_top_keeps_them() -> None:
    model = tiny(PLAIN)
    every, few = ls.vocabulary.channels(model, "L0.H2"), ls.vocabulary.channels(model, "L0.H2", top=2)
    assert every["channel"].values.tolist() == [1, 2, 3, 4]
    assert (np.diff(every.strength) < 0).all()
    assert few.attrs["total"] == 4
    same(every.isel(channel=slice(2)), few)


def test_the_planted_wire_is_one_subspace_of_twenty() -> None:
    found = ls.vocabulary.channels(planted.planted(), "L0.H0")
    assert (found.dimension.values.tolist(), found.strength.values.tolist()) == ([20], [1.0])
    key = found.sel(reader="L1.H0.K").squeeze()
    assert float(key.score) == pytest.approx(20**-0.5)
    assert float(key.alignment) == pytest.approx(1)
    assert float(key.carried) == pytest.approx(1)
    assert np.isnan(found.carried.sel(reader="L1.H0.Q").item())  # nothing is carried, so nothing has a part in it


@each(
    ("request_", "error", "words"),
    [
        ({"writer": "L0.H9"}, NoSuchSite, r"no writer L0\.H9: .* Nearest: L0\.H2"),
        ({"writer": "zzz"}, NoSuchSite, "'zzz' is not a writer"),
        ({"writer": "L0.H0", "readers": "L9.*"}, NoSuchSite, "nothing matches"),
        ({"writer": "L1.H0", "readers": "L0.*"}, NoSuchWire, r"L1\.H0 stores after L0\.H0\.Q has loaded"),
        ({"writer": "L0.H0", "top": 0}, BadRequest, "top = 0: expected"),
        ({"writer": "L0.H0", "tolerance": 1.0}, BadRequest, r"tolerance = 1\.0: expected"),
        ({"writer": "L0.H0", "offset": 2}, BadRequest, "has no rotary positions"),
    ],
)
def test_what_cannot_be_asked(request_, error, words) -> None:
    with pytest.raises(error, match=words):
        ls.vocabulary.channels(tiny(PLAIN), **request_)


def test_a_writer_that_stores_nothing_has_no_channels() -> None:
    with pytest.raises(Undefined, match=r"what L0\.H0 of .* stores has no channels: it is zero"):
        ls.vocabulary.channels(with_strengths(0, 0, 0, 0), "L0.H0")


def test_an_offset_that_a_window_forbids_is_undefined() -> None:
    model = tiny(Kind("rotary", "rms", False, "gated", kv=1, window=True))  # L0 and L2 meet 3 and 4 offsets, L1 all
    found = ls.vocabulary.channels(model, "embed", offset=3)
    assert np.isnan(found.score.sel(reader="L0.H0.K")).all()
    assert np.isfinite(found.score.sel(reader=["L0.H0.V", "L1.H0.K", "unembed"])).all()
    np.testing.assert_allclose(
        (found.share * found.score**2).sum("channel", skipna=False),
        subspace_scores(model, writers="embed", offset=3).score.squeeze("writer") ** 2,
        rtol=1e-9,
    )
    with pytest.raises(Undefined, match=r"the window of L0\.H0\.K ends before it"):
        ls.vocabulary.channel_tokens(model, "embed", "L0.H0.K", 1, offset=3)
