"""Scores under the stream's null are the definition in whitened coordinates."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from dense import is_centred, reads, writes
from tiny import HALF, KINDS, OTHER_HALF, Kind, tiny
from torch import Tensor

from loadstore.errors import BadRequest, Undefined
from loadstore.model.points import Point
from loadstore.model.ports import reading
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.measures import OF_A_WIRE
from loadstore.scores.options import as_null
from loadstore.scores.scores import subspace_scores


def points(model: Weights) -> list[Point]:
    """Every point of a model."""
    found = list(dict.fromkeys(reading(model, reader).point for reader in wiring(model).readers))
    return found + [point._replace(behind=True) for point in found if not point.mlp]


def some_stream(model: Weights, seed: int = 0) -> dict[Point, Tensor]:
    """A second moment of its own at every point, some directions ten times as loud as others."""
    generator = torch.Generator().manual_seed(seed)
    found: dict[Point, Tensor] = {}
    for point in points(model):
        x = torch.randn(40, 12, generator=generator, dtype=torch.float64) * torch.logspace(0.5, -0.5, 12)
        found[point] = x.mT @ x / 40
    return found


@pytest.mark.parametrize("kind", HALF, ids=str)
def test_a_stream_that_varies_alike_in_all_directions_changes_nothing(kind: Kind) -> None:
    model = tiny(kind)
    white = dict.fromkeys(points(model), 3.0 * torch.eye(12, dtype=torch.float64))
    plain, found = subspace_scores(model), subspace_scores(model, null="stream", stream=white)
    for name in (*OF_A_WIRE, "q", "relative"):
        np.testing.assert_allclose(found[name], plain[name], rtol=1e-11, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("kind", OTHER_HALF, ids=str)
def test_every_number_is_its_definition_in_dense_matrices(kind: Kind) -> None:
    model = tiny(kind)
    stream, network = some_stream(model), wiring(model)
    scores = subspace_scores(model, null="stream", stream=stream)
    for row, writer in enumerate(network.writers):
        for column, reader in enumerate(network.readers):
            found = {str(name): float(value.values[row, column]) for name, value in scores.items()}
            if not network.connects(writer, reader):
                assert np.isnan(list(found.values())).all()
                continue
            behind = writer.kind == "pos" and kind.positions == "shortformer"
            A, B, centred = writes(model, writer), reads(model, reader, writer), is_centred(model, reader, writer)
            P = torch.eye(12, dtype=torch.float64) - (1 / 12 if centred else 0)
            S = P @ stream[reading(model, reader).point._replace(behind=behind)] @ P
            values, vectors = torch.linalg.eigh(S + 0.001 * S.trace() / 12 * torch.eye(12))
            A_white, B_white = A @ P @ vectors * values**-0.5, values[:, None] ** 0.5 * vectors.mT @ B
            norms, X = A_white.square().sum() * B_white.square().sum(), (A @ P @ B).square().sum()
            d = 11 if centred else 12
            a, b = (torch.linalg.svdvals(M).square() for M in (A_white, B_white.mT))
            a, b = (torch.cat([s, torch.zeros(12)])[:d] for s in (a, b))
            deviation = 2 / ((d - 1) * (d + 2)) * ((a - a.mean()) ** 2).sum() * ((b - b.mean()) ** 2).sum()
            assert found["score"] == pytest.approx(float((X / norms).sqrt()), rel=1e-8)
            assert found["chance"] == pytest.approx(d**-0.5, rel=1e-9)
            assert found["ceiling"] == pytest.approx(float(((a * b).sum() / norms).sqrt()), rel=1e-8)
            assert found["z"] == pytest.approx(float((X - norms / d) / deviation.sqrt()), rel=1e-6, abs=1e-9)


def test_a_wire_that_writes_and_reads_what_is_loud_stands_out_no_more() -> None:
    loud = torch.eye(12, dtype=torch.float64)
    loud[0, 0] = 400.0
    model = tiny(Kind("none", "none", False))
    first, second = model.layers[:2]
    W_O, W_V = first.W_O @ loud.sqrt(), second.W_V.clone()
    W_V[:, 0] *= 20
    model = replace(model, layers=(replace(first, W_O=W_O), replace(second, W_V=W_V), *model.layers[2:]))
    wires = {"writers": "L0.H*", "readers": "L1.*.V"}
    plain = subspace_scores(model, **wires)
    found = subspace_scores(model, **wires, null="stream", stream=dict.fromkeys(points(model), loud))
    assert float(plain.q.max()) < 0.01
    assert float(plain.alignment.min()) > 0.9
    assert float(found.q.min()) > 0.2
    assert float(found.alignment.max()) < 0.5


def test_the_definition_states_the_ridge() -> None:
    model = tiny(KINDS[0])
    table = subspace_scores(model, null="stream", stream=some_stream(model))
    assert "0.001 of its mean variance added in every direction" in table.attrs["definition"]
    assert table.attrs["null"] == "stream"
    assert subspace_scores(model).attrs["null"] == "rotation"


def test_what_does_not_fit_is_refused() -> None:
    model = tiny(KINDS[0])
    stream = some_stream(model)
    with pytest.raises(BadRequest, match="null='sideways': expected 'rotation', 'heads' or 'stream'"):
        as_null("sideways")
    for asked in ({"null": "stream"}, {"stream": stream}, {"null": "heads", "stream": stream}):
        with pytest.raises(BadRequest, match="go together"):
            subspace_scores(model, **asked)
    with pytest.raises(BadRequest, match="norms='fold'"):
        subspace_scores(model, norms="ignore", null="stream", stream=stream)
    with pytest.raises(BadRequest, match=r"nothing at Point\(layer=1"):
        subspace_scores(model, null="stream", stream={Point(0): stream[Point(0)]})
    with pytest.raises(BadRequest, match=r"\[3, 3\] at Point\(layer=0.*expected \[12, 12\]"):
        subspace_scores(model, null="stream", stream=dict.fromkeys(stream, torch.eye(3)))
    with pytest.raises(Undefined, match="negative variance"):
        subspace_scores(model, null="stream", stream={point: -second for point, second in stream.items()})
