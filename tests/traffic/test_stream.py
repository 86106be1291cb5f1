"""The second moment of the stream is that of what a run recorded, and turns with the basis."""

import planted
import torch
from each import each
from tiny import FEW, HALF, KINDS, OTHER_HALF, Kind, some_tokens, tiny
from torch import Tensor

import loadstore as ls
from loadstore.corpora.corpus import Corpus
from loadstore.model.gauge import rotate_stream
from loadstore.model.points import Point
from loadstore.model.ports import banks, reading
from loadstore.model.wiring import wiring
from loadstore.sites import UNEMBED
from loadstore.wire_traffic.moments import Moments, moments
from loadstore.wire_traffic.stream import stream_moments

NAMES = ("score", "chance", "z", "p", "q", "ceiling", "alignment", "relative")


def measured(model: ls.Weights) -> Moments:
    """Two documents of nine tokens and one of seven."""
    some = (*some_tokens(model, 2, 9), *some_tokens(model, 1, 7, seed=3))
    return moments(model, Corpus("random", tuple((piece,) for piece in some)), readers="unembed")


def recorded(model: ls.Weights, kept: Moments, point: Point) -> Tensor:
    """S of a point from the streams that runs recorded, with dense matrices."""
    shape = model.architecture
    pieces = [ls.run(model, piece, record=True) for _, piece in kept.pieces()]
    streams = [trace.residual(point.layer) for trace in pieces]
    norm = model.final_norm if point.layer == shape.n_layers else model.layers[point.layer].norm
    x = torch.cat([stream[1:] for stream in streams])
    centring = torch.eye(12, dtype=x.dtype) - (1 / 12 if norm is not None and norm.centres else 0)
    scale = torch.ones(len(x), 1, dtype=x.dtype)
    if norm is not None:
        scale = ((x @ centring).square().mean(1, keepdim=True) + shape.eps).rsqrt()
    u = (x - x.mean(0)) @ centring * scale
    if point.behind:
        p = torch.cat([model.W_pos[1 : len(stream)] for stream in streams])
        u = (u if norm is None else u * norm.gain) + p - p.mean(0)
    return u.mT @ u / len(u)


@each("kind", HALF, str)
def test_the_moments_are_those_of_the_recorded_stream(kind: Kind) -> None:
    model = tiny(kind)
    kept = measured(model)
    found = stream_moments(model, kept)
    compared = [point for point in found if not point.mlp]
    assert len(compared) == 4 + 3 * (kind.positions == "shortformer")
    for point in compared:
        torch.testing.assert_close(found[point], recorded(model, kept, point), rtol=1e-9, atol=1e-10)
    assert {reading(model, reader).point for reader in wiring(model).readers} <= found.keys()


@each("kind", [kind for kind in OTHER_HALF if kind.mlp], str)
def test_at_an_mlp_they_are_of_all_that_was_stored_before_it(kind: Kind) -> None:
    model = tiny(kind)
    kept = measured(model)
    norm, scale = model.layers[1].mlp.norm, kept.inverse_scale[Point(1, mlp=True)]
    u = torch.zeros(len(kept.tokens), 12, dtype=torch.float64)
    for writer in wiring(model).writers_of(wiring(model).reader("L1.mlp")):
        (bank,) = banks(model, [writer])
        rows = bank.sent(kept.stored(bank))[:, 0]
        if writer.kind != "pos" or kind.positions != "shortformer":
            u += rows
    u = (u - u.mean(1, keepdim=True) if norm is not None and norm.centres else u) * scale[:, None]
    expected = u[kept.later].mT @ u[kept.later] / int(kept.later.sum())
    torch.testing.assert_close(stream_moments(model, kept)[Point(1, mlp=True)], expected, rtol=1e-9, atol=1e-10)


@each("kind", [kind for kind in FEW if kind.norm == "none" and not kind.after], str)
def test_a_change_of_basis_of_the_stream_changes_none_of_its_null(kind: Kind) -> None:
    model, R = tiny(kind), planted.rotation(12)
    turned = rotate_stream(model, R)
    before, after = (stream_moments(one, measured(one)) for one in (model, turned))
    for point, second in before.items():
        torch.testing.assert_close(after[point], R.mT @ second @ R, rtol=1e-9, atol=1e-10)
    one, other = (ls.subspace_scores(m, null="stream", stream=s) for m, s in ((model, before), (turned, after)))
    for name in NAMES:
        assert float(abs(one[name] - other[name]).max()) < 1e-8 * max(1.0, float(abs(one[name]).max())), name
    plain = ls.subspace_scores(model)
    assert float(abs(one.alignment - plain.alignment).max()) > 0.05


def test_a_corpus_is_read_and_run_for_it() -> None:
    model = tiny(KINDS[0])
    found = stream_moments(model, [[1, 2, 3, 4, 5, 6, 7], [3, 9, 2, 11]])
    assert found.keys() == {Point(layer) for layer in range(4)}
    assert reading(model, UNEMBED).point in found
    assert all(bool((torch.linalg.eigvalsh(second) > -1e-12).all()) for second in found.values())


def test_in_the_built_in_model_few_wires_stand_out_of_the_stream_and_the_right_one_does() -> None:
    model = ls.load("builtin")
    plain, found = (
        ls.subspace_scores(model),
        ls.subspace_scores(model, null="stream", stream=ls.statistics.stream_moments(model)),
    )
    assert int((found.q < 0.1).sum()) < int((plain.q < 0.1).sum()) / 10
    induction = ["L1.H4.K", "L1.H10.K"]
    assert float(found.alignment.sel(writer="L0.H7", reader=induction).min()) > 0.2
    assert float(found.q.sel(writer="L0.H7", reader=induction).max()) < 1e-3
    for table, stands_out in ((plain, True), (found, False)):
        q = table.q.sel(writer="pos", reader=["L0.H7.Q", "L0.H7.K"])
        assert bool((q < 0.1).all()) == bool((q < 0.1).any()) == stands_out
