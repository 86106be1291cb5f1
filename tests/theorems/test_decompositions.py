"""Infinity and NaN never reach LAPACK, and a pass that overflows names its layer."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import Kind, tiny

import loadstore as ls
from loadstore.errors import BadPrompt, Undefined
from loadstore.linear import decompositions
from loadstore.linear.factored import Factored
from loadstore.model.wiring import wiring
from loadstore.wire_traffic.traffic import _refuse_overflow

SOURCE = Path(decompositions.__file__).parents[1]
ROUTINES = ("eigh", "eigvalsh", "eigvals", "qr", "svd", "svdvals")
PLAIN = Kind("none", "none", False)


@pytest.mark.parametrize("bad", [torch.inf, -torch.inf, torch.nan])
@pytest.mark.parametrize("name", ROUTINES)
def test_what_is_not_finite_is_an_error(name, bad):
    matrix = torch.eye(3, dtype=torch.float64)
    getattr(decompositions, name)(matrix)
    matrix[1, 2] = bad
    with pytest.raises(Undefined, match="overflows float64"):
        getattr(decompositions, name)(matrix)


def test_eigenvalues_of_a_product_that_overflows_do_not_end_the_process():
    huge = torch.full((4, 2), 3e38)
    with pytest.raises(Undefined, match="overflows float32"):
        Factored(huge, huge.mT).eigenvalues()


def test_every_decomposition_goes_through_one_file():
    found = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in SOURCE.rglob("*.py")
        if path.name != "decompositions.py" and "training" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ROUTINES and ast.unparse(node.value) == "torch.linalg"
    ]
    # The control's bases are drawn, not read from a model.
    assert [place for place in found if not place.startswith("scores/control.py")] == []


@pytest.mark.parametrize(
    ("layer", "name", "place"),
    [
        (0, "W_O", "in layer 0"),
        (1, "W_O", "in layer 1"),
        (2, "W_O", "in layer 2"),
        (1, "W_Q", "in the attention scores of layer 1"),
    ],
)
def test_a_pass_that_overflows_names_the_layer(layer, name, place):
    model = tiny(PLAIN)
    layers = list(model.layers)
    layers[layer] = replace(layers[layer], **{name: getattr(layers[layer], name) * 1e308 * 1e3})
    with pytest.raises(Undefined, match=place):
        ls.run(replace(model, layers=tuple(layers)), [1, 2, 3])


def test_an_embedding_and_an_unembedding_that_overflow_are_named():
    model = tiny(PLAIN)
    with pytest.raises(Undefined, match="overflows float64 in the embedding"):
        ls.run(replace(model, W_E=model.W_E * torch.inf), [1, 2, 3])
    with pytest.raises(Undefined, match="in the unembedding"):
        ls.run(replace(model, W_U=model.W_U * 1e308 * 1e3), [1, 2, 3])


def test_roles_on_tokens_that_the_model_cannot_take_are_refused():
    model = tiny(PLAIN)
    with pytest.raises(BadPrompt, match="from 0 to 16"):
        ls.head_roles(model, torch.tensor([[1, 17]]))
    with pytest.raises(BadPrompt, match="at most 10"):
        ls.head_roles(model, torch.ones(1, 11, dtype=torch.int64))


def test_the_divergence_of_a_pattern_is_finite_where_its_weights_underflow():
    """In float32 a weight below e^-104 is 0, and the KL of a cut that takes it there was infinite."""
    model = tiny(PLAIN)
    sharp = replace(model.layers[1], W_Q=model.layers[1].W_Q * 60)
    weights = replace(model, layers=(model.layers[0], sharp, *model.layers[2:]))
    single = replace(
        weights,
        W_E=weights.W_E.float(),
        W_U=weights.W_U.float(),
        layers=tuple(
            replace(each, **{n: getattr(each, n).float() for n in ("W_Q", "W_K", "W_V", "W_O")})
            for each in weights.layers
        ),
    )
    both = [
        ls.wires(m, [[1, 2, 3, 4, 5, 6, 7], [7, 3, 9, 2, 2, 1, 4]], readers="L1.H?.Q", effect=6)
        for m in (single, weights)
    ]
    kl32, kl64 = (table.kl.values for table in both)
    known = kl64 == kl64
    assert known.any()
    assert bool((abs(kl32[known]) < float("inf")).all())
    assert kl32[known] == pytest.approx(kl64[known], rel=1e-3, abs=1e-5)


def _large(power: int) -> ls.Weights:
    """A model in float32 whose heads store numbers near the largest, behind norms that keep its passes finite."""
    model = tiny(Kind("learned", "layer", False), n_layers=2).map(lambda tensor: tensor.float())
    layers = [replace(layer, W_V=layer.W_V * 2.0**power, W_O=layer.W_O * 2.0**power) for layer in model.layers]
    return replace(model, layers=tuple(layers))


def test_traffic_and_moved_tokens_that_overflow_are_errors_and_not_infinity():
    with pytest.raises(Undefined, match=r"overflows float32 in the traffic of .* → L\d\.H\d\.V"):
        ls.traffic(_large(55), [[1, 2, 3, 4], [4, 3, 2, 1]])
    assert np.isfinite(ls.traffic(_large(10), [[1, 2, 3, 4], [4, 3, 2, 1]]).traffic.sel(reader="unembed").values).all()
    loud = _large(0)
    loud = replace(loud, W_E=loud.W_E.sign() * 3e38)
    for function in (ls.vocabulary.moved, ls.vocabulary.matched, ls.vocabulary.copying):
        with pytest.raises(Undefined, match="a product of weights overflows float32"):
            function(loud, "L0.H0")


@pytest.mark.parametrize("size", [2.0**-80, 2.0**80])
def test_the_agreement_of_a_channel_does_not_depend_on_the_size_of_weights(size: float):
    model = _large(0)
    scaled = replace(model, W_E=model.W_E * size)
    found, expected = (ls.vocabulary.channel_tokens(one, "embed", "L1.H0.K", 1).agreement for one in (scaled, model))
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_a_wire_that_exists_never_reads_as_one_that_does_not(bad):
    model = tiny(PLAIN)
    network = wiring(model)
    writers, readers = network.writers[:1], network.readers[:1]
    refused = (np.array([[bad]]), np.array([[True]]), writers, readers, model)
    with pytest.raises(Undefined, match=r"in the traffic of embed → L0\.H0\.Q"):
        _refuse_overflow(*refused)
    _refuse_overflow(np.array([[np.nan]]), np.array([[False]]), writers, readers, model)
    _refuse_overflow(np.array([[1e308]]), np.array([[True]]), writers, readers, model)
