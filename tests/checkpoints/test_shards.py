"""Models in several files: the index and the shards must agree, and which of a folder's files are the model."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from each import each
from hostile import legacy_config, legacy_state, refusal, same, small
from safetensors.torch import save_file

from loadstore.checkpoints import shards
from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model.weights import Weights

MODEL = small()
STATE = legacy_state(MODEL)
NAMES = sorted(STATE)
FIRST, LAST = NAMES[0], NAMES[-1]
ONE, TWO = "model-00001-of-00002", "model-00002-of-00002"
AGAIN = "download the index and its shards again"
SUFFIXES = ["safetensors", "bin"]


def put(path: Path, names: list[str]) -> None:
    """Write some of the model's tensors, in the format that the file's name says."""
    state = {name: STATE[name] for name in names}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)


def index_of(folder: Path, suffix: str) -> Path:
    return folder / ("model.safetensors.index.json" if suffix == "safetensors" else "pytorch_model.bin.index.json")


def sharded(folder: Path, suffix: str = "safetensors", **changes: Any) -> Path:
    """A folder with the model in two shards; ``changes`` go into the map of its index, None taking an entry out."""
    half = len(NAMES) // 2
    one, two = f"{ONE}.{suffix}", f"{TWO}.{suffix}"
    put(folder / one, NAMES[:half])
    put(folder / two, NAMES[half:])
    places: dict[str, Any] = {**dict.fromkeys(NAMES[:half], one), **dict.fromkeys(NAMES[half:], two), **changes}
    places = {name: place for name, place in places.items() if place is not None}
    index_of(folder, suffix).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": places}))
    (folder / "config.json").write_text(json.dumps(legacy_config(MODEL)))
    return folder


def plain(name: str) -> Weights:
    return type(MODEL)(**{**vars(MODEL), "name": name, "tokens": None})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_shards_are_one_model(tmp_path: Path, suffix: str) -> None:
    folder = sharded(tmp_path, suffix)
    name = index_of(folder, suffix).stem
    assert same(load(folder), plain(name))
    assert same(load(index_of(folder, suffix)), plain(name))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_shard_that_is_missing(tmp_path: Path, suffix: str) -> None:
    folder = sharded(tmp_path, suffix)
    (folder / f"{TWO}.{suffix}").unlink()
    words = [index_of(folder, suffix), f"'{TWO}.{suffix}'", NAMES[len(NAMES) // 2], "not there", AGAIN]
    refusal(lambda: load(folder), BadCheckpoint, *words)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_tensor_in_another_shard_than_the_index_says(tmp_path: Path, suffix: str) -> None:
    folder = sharded(tmp_path, suffix, **{FIRST: f"{TWO}.{suffix}"})
    words = [folder / f"{ONE}.{suffix}", f"'{FIRST}' lies here", f"expects it in '{TWO}.{suffix}'", AGAIN]
    refusal(lambda: load(folder), BadCheckpoint, *words)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_tensor_in_two_shards(tmp_path: Path, suffix: str) -> None:
    folder = sharded(tmp_path, suffix)
    put(folder / f"{TWO}.{suffix}", [FIRST, *NAMES[len(NAMES) // 2 :]])
    words = [folder / f"{TWO}.{suffix}", f"'{FIRST}' lies in '{ONE}.{suffix}' too", "one shard", AGAIN]
    refusal(lambda: load(folder), BadCheckpoint, *words)


def test_a_tensor_that_the_index_does_not_list(tmp_path: Path) -> None:
    folder = sharded(tmp_path, **{LAST: None})
    words = [folder / f"{TWO}.safetensors", f"'{LAST}' is not listed in model.safetensors.index.json", AGAIN]
    refusal(lambda: load(folder), BadCheckpoint, *words)


def test_a_tensor_that_no_shard_holds(tmp_path: Path) -> None:
    folder = sharded(tmp_path, extra=f"{ONE}.safetensors")
    words = [folder / f"{ONE}.safetensors", "no tensor 'extra'", "model.safetensors.index.json expects it there", AGAIN]
    refusal(lambda: load(folder), BadCheckpoint, *words)


@each(
    "place",
    [
        *("../model.safetensors", "/etc/passwd", "a/b.safetensors", "..", ".", "", "b\\c.safetensors"),
        *("model.bin", "NoneType", 3, ["x.safetensors"], {"a": 1}, True),
    ],
)
def test_an_index_that_leads_elsewhere(tmp_path: Path, place: object) -> None:
    folder = sharded(tmp_path, **{FIRST: place})
    words = [folder / "model.safetensors.index.json", f"'{FIRST}' lies in", "a .safetensors file in its own folder"]
    refusal(lambda: load(folder), BadCheckpoint, *words)


@pytest.mark.parametrize("place", ["a\0b.safetensors", "\ud800.safetensors", "x" * 5000 + ".safetensors"])
def test_a_shard_of_an_impossible_name(tmp_path: Path, place: str) -> None:
    folder = sharded(tmp_path, **{FIRST: place})
    refusal(lambda: load(folder), BadCheckpoint, folder, "model.safetensors.index.json", FIRST, AGAIN)


@each(
    ("content", "words"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("\ufeff{}", "is not JSON"),
        ("[]", "is a list, expected an object"),
        ("null", "is a NoneType, expected an object"),
        ("{}", "lists no shards, expected tensors and their files as weight_map"),
        ('{"weight_map": []}', "lists no shards"),
        ('{"weight_map": {}}', "lists no shards"),
        ('{"weight_map": {"a": "m.safetensors", "a": "n.safetensors"}}', "has 'a' twice, expected each name once"),
        ('{"weight_map": {}, "weight_map": {}}', "has 'weight_map' twice"),
    ],
)
def test_an_index_that_is_none(tmp_path: Path, content: str, words: str) -> None:
    index = index_of(sharded(tmp_path), "safetensors")
    index.write_text(content)
    refusal(lambda: load(tmp_path), BadCheckpoint, index, words, "download it again")


def test_an_index_of_more_than_any_model_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sharded(tmp_path)
    monkeypatch.setattr(shards, "MOST_SHARDS", 1)
    refusal(lambda: load(folder), BadCheckpoint, folder, "in 2 shards; at most", "in 1 are read")


def test_a_torn_shard_is_named(tmp_path: Path) -> None:
    folder = sharded(tmp_path)
    path = folder / f"{TWO}.safetensors"
    path.write_bytes(path.read_bytes()[:-3])
    refusal(lambda: load(folder), BadCheckpoint, path, "cannot be read as safetensors", "download it again")


def test_of_several_kinds_the_usual_one_is_the_model(tmp_path: Path) -> None:
    """The order of Hugging Face: one safetensors file, its shards, one pickled file, its shards."""
    sharded(tmp_path, "bin")
    found = [load(tmp_path).name]
    put(tmp_path / "pytorch_model.bin", NAMES)
    torch.save({"step": 1}, tmp_path / "training_args.bin")
    (tmp_path / "pytorch_model.bin.index.json").write_text("[]")
    found.append(load(tmp_path).name)
    sharded(tmp_path, "safetensors")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    found.append(load(tmp_path).name)
    put(tmp_path / "model.safetensors", NAMES)
    (tmp_path / "model.safetensors.index.json").write_text("[]")
    found.append(load(tmp_path).name)
    assert found == ["pytorch_model.bin.index", "pytorch_model", "model.safetensors.index", "model"]


def test_safetensors_are_preferred_to_a_pickled_twin(tmp_path: Path) -> None:
    put(tmp_path / "mine.safetensors", NAMES)
    (tmp_path / "mine.pth").write_bytes(b"")
    assert same(load(tmp_path, positions="shortformer"), plain("mine"))
    put(tmp_path / "other.pth", NAMES)
    words = ["2 model files (mine.safetensors, other.pth)", "name the file itself"]
    refusal(lambda: load(tmp_path, positions="shortformer"), BadCheckpoint, tmp_path, *words)


def test_files_in_gguf_count_as_models_of_a_folder(tmp_path: Path) -> None:
    for name in ("one.gguf", "two.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    words = ["2 model files (one.gguf, two.gguf)", "name the file itself"]
    refusal(lambda: load(tmp_path), BadCheckpoint, tmp_path, *words)


def test_what_stands_beside_a_file_is_told(tmp_path: Path) -> None:
    save_file({"lm_head.weight": torch.zeros(2, 2)}, tmp_path / "mine.safetensors")
    refusal(lambda: load(tmp_path), NotThisModel, "there is no config.json beside it", "lm_head.weight")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(BadCheckpoint, match="is not JSON") as caught:
        load(tmp_path)
    assert "positions=" not in str(caught.value)
