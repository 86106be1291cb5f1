"""Keys and values that heads share count as if every head had its own copy of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import KINDS, Kind, tiny

import loadstore as ls
from loadstore.model.layers import Layer
from loadstore.model.norms import of_heads
from loadstore.model.weights import Weights

SHARED = [kind for kind in KINDS if kind.kv]


def expanded(model: Weights) -> Weights:
    """The same model with a copy of its keys and values for every query head."""
    shape = model.architecture
    index = torch.tensor([shape.kv(head) for head in range(shape.n_heads)])

    def copied(layer: Layer) -> Layer:
        biases = {name: value[index] for name in ("b_K", "b_V") if (value := getattr(layer, name)) is not None}
        k_norm = of_heads(layer.k_norm, index.tolist())
        return replace(layer, W_K=layer.W_K[index], W_V=layer.W_V[index], k_norm=k_norm, **biases)

    layers = tuple(copied(layer) for layer in model.layers)
    return replace(model, architecture=replace(shape, n_kv_heads=None), layers=layers)


@pytest.mark.parametrize("kind", SHARED, ids=str)
def test_scores_patterns_and_logits_are_those_of_expanded_heads(kind: Kind) -> None:
    model, own = tiny(kind), expanded(tiny(kind))
    assert own.architecture.kv_heads == own.architecture.n_heads > model.architecture.kv_heads
    runs = [ls.run(one, [1, 5, 2, 7, 5, 2], record=True) for one in (model, own)]
    assert (runs[0].logits - runs[1].logits).abs().max() < 1e-10
    for head in model.architecture.heads:
        assert (runs[0].pattern(head) - runs[1].pattern(head)).abs().max() < 1e-10
    found, expected = ls.subspace_scores(model), ls.subspace_scores(own)
    for measure in ("score", "chance", "z", "ceiling", "alignment"):
        assert np.allclose(found[measure], expected[measure], rtol=1e-8, atol=1e-10, equal_nan=True), measure
