"""The digest of a model sees every bit of it, and nothing but its content."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf_files import llama
from tiny import KINDS, tiny
from torch import Tensor

from loadstore.checkpoints.digest import CHUNK, digest_of, digest_of_tensors
from loadstore.checkpoints.families.own import save_weights
from loadstore.checkpoints.library import load
from loadstore.model.weights import Weights

KIND = next(kind for kind in KINDS if kind.norm == "layer" and kind.biases and kind.mlp is not None)


@pytest.fixture(scope="module")
def model() -> Weights:
    return tiny(KIND)


def flipped(tensor: Tensor, at: int) -> Tensor:
    """A copy with the lowest bit of one number changed."""
    copy = tensor.detach().contiguous().clone()
    copy.view(-1).view(torch.int32)[at] ^= 1
    return copy


def changes(model: Weights) -> Iterator[tuple[str, Weights]]:
    """The model with one bit of one tensor changed, for every tensor."""
    chance = np.random.default_rng(0)
    for name, wanted in model.named():
        at = int(chance.integers(wanted.numel()))
        yield name, model.map(lambda tensor, wanted=wanted, at=at: flipped(tensor, at) if tensor is wanted else tensor)


def test_a_bit_in_any_tensor_changes_it(model: Weights) -> None:
    digests = {digest_of(changed) for _, changed in changes(model)} | {digest_of(model)}
    assert len(digests) == len(list(model.named())) + 1


def test_every_number_of_a_large_matrix_counts() -> None:
    """The old fingerprint sampled every 576th number of W_Q at GPT-2's size: one column a head."""
    matrix = torch.zeros(CHUNK // 4 + 5)
    digests = {digest_of_tensors([("W", flipped(matrix, at))]) for at in (0, 1, 575, CHUNK // 4 - 1, CHUNK // 4, -1)}
    assert len(digests) == 6


def test_it_is_that_of_the_content_alone(model: Weights, tmp_path: Path) -> None:
    whole = digest_of(model)
    assert digest_of(replace(model, name="another", tokens=None, origin="elsewhere").double()) == whole
    assert digest_of(model.map(lambda tensor: tensor.clone())) == whole
    strided = model.map(lambda t: t.mT.contiguous().mT if t.dim() > 1 else t)
    assert digest_of(strided) == whole
    for name in ("a", "b"):
        save_weights(model, tmp_path / f"{name}.safetensors")
        assert digest_of(load(tmp_path / f"{name}.safetensors")) == whole


def test_tied_is_an_untied_copy(model: Weights) -> None:
    tied = replace(model, W_U=model.W_E.mT)
    assert tied.tied
    assert digest_of(tied) == digest_of(replace(model, W_U=model.W_E.mT.clone())) != digest_of(model)


def test_names_shapes_formats_facts_and_the_architecture_count(model: Weights) -> None:
    one = torch.arange(6.0)
    told = [
        digest_of_tensors([("a", one)]),
        digest_of_tensors([("b", one)]),
        digest_of_tensors([("a", one.view(2, 3))]),
        digest_of_tensors([("a", one.view(torch.int32))]),
        digest_of_tensors([("a", one)], "fact"),
        digest_of_tensors([("a", one[:0])]),
    ]
    assert len(set(told)) == len(told)
    longer = replace(model.architecture, eps=model.architecture.eps * 2)
    assert digest_of(replace(model, architecture=longer)) != digest_of(model)


def test_quantised_tensors_count_with_their_stored_bytes(tmp_path: Path) -> None:
    file = llama()
    for name, data in (("a", file.data), ("b", file.data), ("c", file.data[:-1] + bytes([file.data[-1] ^ 1]))):
        (tmp_path / f"{name}.gguf").write_bytes(replace(file, data=data).written())
    a, b, c = (digest_of(load(tmp_path / f"{name}.gguf")) for name in "abc")
    assert a == b != c
