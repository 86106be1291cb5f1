"""Scores of a whole model are the definition, written with dense matrices, and live in the space a reader sees."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from dense import is_centred, reads, writes
from depth import deep
from each import each
from tiny import FEW, HALF, KINDS, MIXED, OTHER_HALF, UNUSUAL, Kind, mixed, of_inputs, some_tokens, tiny

from loadstore.errors import Undefined
from loadstore.execution.run import run
from loadstore.linear.ends import SMALLEST, exponent_of
from loadstore.model.architecture import NormKind
from loadstore.model.latent import Latent
from loadstore.model.layers import MlpLayer, Norm
from loadstore.model.weights import Weights
from loadstore.model.wiring import wiring
from loadstore.scores.channels import channels
from loadstore.scores.control import haar
from loadstore.scores.overlap import overlap
from loadstore.scores.scores import subspace_scores
from loadstore.sites import Reader, Writer


def assert_defined(model: Weights) -> None:
    """Compare every number of every wire with dense matrices."""
    scores, network = subspace_scores(model), wiring(model)
    values = {str(name): variable.transpose("writer", "reader").values for name, variable in scores.items()}
    for row, writer in enumerate(network.writers):
        for column, reader in enumerate(network.readers):
            found = {name: float(value[row, column]) for name, value in values.items()}
            if not network.connects(writer, reader):
                assert np.isnan(list(found.values())).all()
                continue
            A, B = writes(model, writer), reads(model, reader, writer)
            centred = is_centred(model, reader, writer)
            A = A - A.mean(1, keepdim=True) if centred else A
            X, norms = (A @ B).square().sum(), A.square().sum() * B.square().sum()
            d = model.architecture.d_model - centred
            a, b = (torch.linalg.svdvals(M).square() for M in (A, B.mT))
            a, b = (torch.cat([s, torch.zeros(d)])[:d].double() for s in (a, b))
            if d == 1 or float(norms) == 0:  # nothing to turn, or nothing that is written or read
                assert np.isnan([found[name] for name in ("z", "p", "alignment")]).all(), (writer, reader)
                assert found["score"] == pytest.approx(float((X / norms).sqrt()), rel=1e-9, nan_ok=True)
                continue
            deviation = 2 / ((d - 1) * (d + 2)) * ((a - a.mean()) ** 2).sum() * ((b - b.mean()) ** 2).sum()
            assert found["score"] == pytest.approx(float((X / norms).sqrt()), rel=1e-9)
            assert found["chance"] == pytest.approx(d**-0.5, rel=1e-9)
            assert found["ceiling"] == pytest.approx(float(((a * b).sum() / norms).sqrt()), rel=1e-9)
            assert found["z"] == pytest.approx(float((X - norms / d) / deviation.sqrt()), rel=1e-6, abs=1e-9)


@each("kind", deep([*KINDS, *UNUSUAL], usual=[*FEW[::2], *UNUSUAL]), str)
def test_every_score_is_its_definition_in_dense_matrices(kind: Kind) -> None:
    assert_defined(tiny(kind))


@each("kind", [FEW[4], FEW[6], FEW[8]], str)
def test_no_measure_depends_on_the_size_of_the_weights(kind: Kind) -> None:
    model = tiny(kind)
    usual = subspace_scores(model)
    for exponent in deep((-300, -91, 91, 250), usual=(-300, 250)):
        sized = subspace_scores(model.map(lambda tensor, size=2.0**exponent: tensor * size))
        for name in usual:
            assert np.allclose(sized[name], usual[name], rtol=1e-9, atol=1e-9, equal_nan=True), (exponent, name)


def test_products_that_lost_digits_are_refused() -> None:
    assert exponent_of(torch.tensor([[0.0, SMALLEST]], dtype=torch.float64)) == -969
    assert exponent_of(torch.zeros(1, 2)) == 0
    with pytest.raises(Undefined, match=r"is 1\.0e-292: below 1\.0e-292 double precision loses digits"):
        exponent_of(torch.tensor([[0.0, SMALLEST * (1 - 2**-52)]], dtype=torch.float64))
    gains_too = tiny(FEW[4])  # a gain times a weight is 1e-320, which has four digits
    assert gains_too.layers[0].norm is not None
    with pytest.raises(Undefined, match="with the gain of its norm"):
        subspace_scores(gains_too.map(lambda tensor: tensor * 1e-160))


@each(("kind", "last"), MIXED, str)
def test_and_so_it_is_under_a_last_norm_of_another_kind(kind: Kind, last: NormKind) -> None:
    assert_defined(mixed(kind, last))


@each("kind", [kind for kind in HALF if kind.biases], str)
def test_the_null_is_that_of_rotations_within_the_space_a_reader_sees(kind: Kind) -> None:
    model, generator = tiny(kind), torch.Generator().manual_seed(0)
    writer, reader = Writer("head", 0, 0), Reader(1, 0, "Q")
    A, B = writes(model, writer), reads(model, reader, writer)
    seen = torch.eye(12, dtype=torch.float64)
    if is_centred(model, reader, writer):
        A = A - A.mean(1, keepdim=True)
        seen = torch.linalg.svd(torch.ones(1, 12, dtype=torch.float64))[2][1:]
    d = len(seen)
    x = torch.stack([(A @ seen.mT @ haar(d, generator) @ seen @ B).square().sum() for _ in range(4000)])
    found = subspace_scores(model, writers=str(writer), readers=str(reader)).squeeze()
    X, mean = (A @ B).square().sum(), A.square().sum() * B.square().sum() / d
    assert abs(float(x.mean() - mean)) < 4 * float(x.std()) / 4000**0.5
    assert float((X - mean) / found.z.item()) == pytest.approx(float(x.std()), rel=0.06)


def test_the_haar_control_scores_chance_on_average() -> None:
    model = tiny(Kind("shortformer", "layer", True))
    draws = deep(120, usual=40)
    for writer, reader, d in (("L0.H0", "L1.H0.K", 11), ("pos", "L1.H0.K", 12)):
        drawn = [
            subspace_scores(model, writers=writer, readers=reader, control="haar", seed=seed).score.item() ** 2
            for seed in range(draws)
        ]
        assert abs(np.mean(drawn) - 1 / d) < 4 * np.std(drawn) / draws**0.5


def gainless(mlp: MlpLayer) -> MlpLayer:
    """The same MLP with its norm's gain in W_in and W_gate."""
    gain = mlp.norm.gain[:, None]
    return of_inputs(mlp, lambda matrix: gain * matrix, norm=Norm(centres=mlp.norm.centres))


def gainless_latent(latent: Latent | None, norm: Norm) -> Latent | None:
    return None if latent is None else replace(latent, W=norm.gain[:, None] * latent.W, b=None)


@each("kind", [kind for kind in OTHER_HALF if kind.norm != "none"], str)
def test_folding_the_gain_into_the_weights_changes_neither_scores_nor_logits(kind: Kind) -> None:
    model = tiny(kind._replace(biases=False))
    layers = tuple(
        replace(
            layer,
            W_Q=layer.norm.gain[:, None] * layer.W_Q,
            W_K=layer.norm.gain[:, None] * layer.W_K,
            W_V=layer.norm.gain[:, None] * layer.W_V,
            q_latent=gainless_latent(layer.q_latent, layer.norm),
            kv_latent=gainless_latent(layer.kv_latent, layer.norm),
            norm=Norm(centres=layer.norm.centres),
            mlp=None if layer.mlp is None else gainless(layer.mlp),
        )
        for layer in model.layers
    )
    bare = Norm(centres=model.final_norm.centres)
    folded = replace(model, layers=layers, W_U=model.final_norm.gain[:, None] * model.W_U, final_norm=bare)
    behind = kind.positions == "shortformer"  # there W_pos meets the raw W_Q, which has no gain
    before, after = (subspace_scores(m).drop_sel(writer="pos" if behind else []) for m in (model, folded))
    for name in ("score", "z", "alignment"):
        np.testing.assert_allclose(before[name], after[name], atol=1e-9)
    if not behind:
        tokens = some_tokens(model)
        assert (run(model, tokens).logits - run(folded, tokens).logits).abs().max() < 1e-10


@each("kind", HALF, str)
def test_relative_has_no_main_effect_of_a_writer_or_of_a_reader_left(kind: Kind) -> None:
    scores = subspace_scores(tiny(kind))
    left = scores.relative.where(scores.score > 0)
    assert float(abs(left.sum("reader")).max()) < 1e-9
    assert float(abs(left.sum("writer")).max()) < 1e-9
    assert float(abs(left).max()) > 0.01


@pytest.mark.parametrize("power", [-90, -40, 40, 90])
def test_no_measure_depends_on_the_size_of_weights(power: int) -> None:
    """The fourth powers of both ends of a wire, which the variance of its null has, are far out of range here."""
    model = tiny(KINDS[0])
    names = ("W_Q", "W_K", "W_V", "W_O")
    layers = [replace(layer, **{name: getattr(layer, name) * 2.0**power for name in names}) for layer in model.layers]
    scaled = replace(model, layers=tuple(layers))
    for result, expected in (
        (subspace_scores(scaled), subspace_scores(model)),
        (channels(scaled, "L0.H1"), channels(model, "L0.H1")),
    ):
        for name in ("score", "z", "p", "ceiling", "alignment"):
            np.testing.assert_allclose(result[name].values, expected[name].values, rtol=1e-9, atol=1e-12)
    one, other = (overlap(weights, "L0.H1", "L1.H1.K") for weights in (scaled, model))
    assert one.squared / float(one.chance.norms) == pytest.approx(other.squared / float(other.chance.norms), rel=1e-12)
