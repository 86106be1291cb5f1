"""Weights that do not compute what the live model does are refused by verification alone, which names the place."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from each import each
from hostile import refusal
from reference_models import SHAPES, outputs, reference
from torch import Tensor

from loadstore.checkpoints.families.table import FAMILIES
from loadstore.checkpoints.library import load
from loadstore.checkpoints.structure import recognise
from loadstore.checkpoints.structure.differs import apart, rounding
from loadstore.checkpoints.structure.hints import Hints
from loadstore.checkpoints.structure.recognise import ByStructure
from loadstore.checkpoints.structure.verify import Samples, longest_of
from loadstore.errors import NotThisModel
from loadstore.model.weights import Weights

LLAMA = next(shape for shape in SHAPES if shape.name == "llama-groups-of-two")
TOLERANCE = 1.2207e-4  # 1,024 ε of float32


def loaded(change: Callable[[Weights], Weights], monkeypatch: pytest.MonkeyPatch, live: Any = None) -> Weights:
    """A live model recognised, with a change of the weights that were built before they are verified."""
    monkeypatch.delitem(FAMILIES, "llama")
    built: Any = recognise.built
    monkeypatch.setattr(recognise, "built", lambda *pieces: change(built(*pieces)))
    return load(reference(LLAMA) if live is None else live)


def in_layer(weights: Weights, **parts: Callable[[Any], Any]) -> Weights:
    """The weights with parts of layer 1 changed."""
    layer = weights.layers[1]
    layer = replace(layer, **{name: change(getattr(layer, name)) for name, change in parts.items()})
    return replace(weights, layers=(weights.layers[0], layer))


def more(tensor: Tensor) -> Tensor:
    return tensor * 1.01


CHANGES: tuple[tuple[str, Callable[[Weights], Weights]], ...] = (
    ("embedding, of 64 tokens", lambda weights: replace(weights, W_E=more(weights.W_E))),
    ("layer 1, attention, of 64 tokens", lambda weights: in_layer(weights, W_Q=more)),
    (
        "layer 1, MLP, of 64 tokens",
        lambda weights: in_layer(weights, mlp=lambda mlp: replace(mlp, W_out=more(mlp.W_out))),
    ),
    ("layer 1, attention, its store, of 64 tokens", lambda weights: in_layer(weights, W_O=more)),
    ("logits, with its patterns, of 64 tokens", lambda weights: replace(weights, W_U=more(weights.W_U))),
)


@each("place, change", CHANGES)
def test_the_first_place_that_differs_is_named(
    place: str, change: Callable[[Weights], Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal(lambda: loaded(change, monkeypatch), NotThisModel, place, "expected the same", "of the largest")


@each("share, refused", [(0.98, False), (1.08, True)])
def test_logits_may_differ_by_the_tolerance(share: float, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = reference(LLAMA)
    special = Hints.of(theirs.config.to_dict()).special
    batches = Samples(101, 64, special, sum(tensor.numel() for tensor in theirs.parameters())).batches()
    largest = min(float(outputs(theirs, tokens)[0].abs().max()) for tokens in batches)
    bias = torch.full((101,), share * TOLERANCE * largest, dtype=torch.float64)

    def shifted(weights: Weights) -> Weights:
        return replace(weights, b_U=bias)

    if refused:
        refusal(
            lambda: loaded(shifted, monkeypatch, theirs), NotThisModel, "logits, with its patterns", "of the largest"
        )
    else:
        with pytest.warns(ByStructure):
            loaded(shifted, monkeypatch, theirs)


def test_differences_are_relative_to_the_largest_and_never_nan() -> None:
    assert apart(torch.tensor([1.0, 4.5]), torch.tensor([1.0, 4.0])) == 0.125
    assert apart(torch.tensor([0.25]), torch.zeros(1)) == 0.25
    assert apart(torch.tensor([torch.nan]), torch.ones(1)) == torch.inf
    assert apart(torch.ones(1), torch.tensor([torch.inf])) == torch.inf
    assert apart(torch.ones(2), torch.ones(3)) == torch.inf


def test_a_pass_has_the_digits_of_its_patterns() -> None:
    third = torch.ones(1, 1, 1, 3, dtype=torch.float64) / 3
    assert rounding((third,)) == torch.finfo(torch.float64).eps
    assert rounding((third.float().double(), third.float().double())) == torch.finfo(torch.float32).eps
    assert rounding((third.float().double(), third)) == torch.finfo(torch.float64).eps


def test_samples_have_every_length_special_tokens_and_as_many_ids_as_they_can() -> None:
    batches = Samples(101, 64, (100, 7, -1, 101), 1000).batches()
    assert [batch.shape[1] for batch in batches] == [64, 1, 2, 3, 5, 8, 13, 34]
    assert batches[0][0, :2].tolist() == [100, 7]
    assert {int(each) for batch in batches for each in batch.flatten()} == set(range(101))
    assert [len(batch) for batch in batches] == [6, 64, 64, 64, 64, 50, 30, 11]
    large = Samples(101, 512, (), 10**9).batches()
    assert [len(batch) for batch in large] == [1, 64, 50, 33, 20, 12, 7, 2, 1, 1]


@each("stated, positions, expected", [({}, None, 512), ({"n_positions": 40}, None, 40), ({"n_ctx": 4096}, 513, 512)])
def test_at_most_512_tokens_are_verified(stated: dict[str, int], positions: int | None, expected: int) -> None:
    assert longest_of(Hints.of({"text_config": stated}), positions) == expected
