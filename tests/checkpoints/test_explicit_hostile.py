"""Folders of Hugging Face's families with one thing wrong: each message names file, tensor, expectation and remedy."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hostile import raw, refusal, words
from reference_models import Shape, llama_like, reference, save
from safetensors.torch import load_file, save_file
from torch import Tensor

from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint, LoadstoreError

NAME = "model.layers.1.self_attn.k_proj.weight"
SHAPE = Shape("llama", "llama", llama_like(2, 4, 2, 16, 12, vocab_size=11))
Facts = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(reference(SHAPE), tmp_path / "llama")


def tensors(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def put(folder: Path, found: dict[str, Tensor], **changes: Any) -> Path:
    save_file(found, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    return folder / "model.safetensors"


def test_a_tensor_that_is_missing(folder: Path) -> None:
    path = put(folder, {name: tensor for name, tensor in tensors(folder).items() if name != NAME})
    refusal(lambda: load(folder), BadCheckpoint, path, f"no tensor '{NAME}', expected [8, 16]", "download it again")


def test_a_tensor_that_has_no_place(folder: Path) -> None:
    path = put(folder, {**tensors(folder), "model.layers.1.self_attn.sinks": torch.zeros(4)})
    told = [path, "does not use its tensors", "model.layers.1.self_attn.sinks", "its config belongs"]
    refusal(lambda: load(folder), BadCheckpoint, *told)


def test_a_layer_more_than_the_config_has(folder: Path) -> None:
    path = put(folder, tensors(folder), num_hidden_layers=1)
    refusal(lambda: load(folder), BadCheckpoint, path, "does not use its tensors", "model.layers.1.")


def test_a_tensor_of_another_shape(folder: Path) -> None:
    path = put(folder, {**tensors(folder), NAME: torch.zeros(8, 15, dtype=torch.float64)})
    refusal(lambda: load(folder), BadCheckpoint, path, f"'{NAME}' is [8, 15], expected [8, 16]", "download both again")


@pytest.mark.parametrize("entry", [0, 1], ids=["the same again", "another shape"])
def test_a_tensor_that_stands_twice(folder: Path, entry: int) -> None:
    path = folder / "model.safetensors"
    data = torch.zeros(16, dtype=torch.float32).numpy().tobytes()
    shapes = [[4, 4], [4, 4] if entry == 0 else [2, 8]]
    one, two = (json.dumps({"dtype": "F32", "shape": shape, "data_offsets": [0, 64]}) for shape in shapes)
    raw(path, f'{{"{NAME}": {one}, "{NAME}": {two}}}'.encode(), data)
    refusal(lambda: load(folder), BadCheckpoint, path, f"'{NAME}' twice, expected each name once", "download it again")


@pytest.mark.parametrize("size", [10, 12, 32000])
def test_a_vocabulary_of_another_size_than_the_embedding(folder: Path, size: int) -> None:
    path = put(folder, tensors(folder), vocab_size=size)
    refusal(lambda: load(folder), BadCheckpoint, path, "embed_tokens.weight' is [11, 16]", f"expected [{size}, 16]")


def test_a_tokenizer_of_more_tokens_than_the_model(folder: Path) -> None:
    words([f"word{index}" for index in range(12)] + ["<s>"]).save(str(folder / "tokenizer.json"))
    refusal(lambda: load(folder), LoadstoreError, folder / "tokenizer.json", "up to 12", "has 11", "remove it")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none(folder: Path, value: float) -> None:
    found = tensors(folder)
    found[NAME][3, 5] = value
    path = put(folder, found)
    refusal(lambda: load(folder), BadCheckpoint, path, f"'{NAME}' has NaN or infinite", "download it again")


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": 1 << 20, "vocab_size": 1 << 20},
        {"hidden_size": 1 << 16, "vocab_size": 1 << 21, "num_hidden_layers": 200},
        {"max_position_embeddings": 1 << 22, "num_attention_heads": 1 << 9},
        {"head_dim": 1 << 12, "intermediate_size": 1 << 20},
    ],
    ids=str,
)
def test_a_config_that_claims_much_takes_no_memory(folder: Path, changes: Facts) -> None:
    path = put(folder, tensors(folder), **changes)
    refusal(lambda: load(folder), BadCheckpoint, path)
