"""Models of Hugging Face and GGUF files by name: index, shards and tokenizer from a stand-in for the hub."""

import json
from collections.abc import Iterator
from pathlib import Path

import gguf_files
import pytest
import torch
from each import each
from hostile import refusal, same, words
from huggingface_hub import constants
from reference_models import SHAPES, reference, save
from standin import Hub, serving
from tokenizers.processors import TemplateProcessing

from loadstore.checkpoints.hub import cached
from loadstore.checkpoints.library import load
from loadstore.checkpoints.repository import MOST_MODEL, HubLocation, candidates, choose
from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.execution.run import run
from loadstore.model.weights import Weights

NAME = "someone/llama"
FILE = "/{repo_id}/resolve/{revision}/{filename}"
LLAMA = next(shape for shape in SHAPES if shape.kind == "llama")
INDEX = "model.safetensors.index.json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in several shards, with its tokenizer."""
    folder = save(reference(LLAMA), tmp_path_factory.mktemp("hub") / "llama", max_shard_size="100kB")
    tokenizer = words()
    tokenizer.post_processor = TemplateProcessing(single="the $A", special_tokens=[("the", 1)])
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    (folder / "tokenizer_config.json").write_text('{"bos_token": "the"}')
    return folder


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    with serving(Hub({NAME: {**files, "README.md": b"#", "generation_config.json": b"{}"}})) as one:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(constants, "ENDPOINT", one.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", one.url + FILE)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
        yield one


def shards(hub: Hub) -> list[str]:
    return sorted(name for name in hub.repositories[NAME] if name.endswith(".safetensors"))


def like(folder: Path) -> Weights:
    model = load(folder)
    return type(model)(**{**vars(model), "name": "llama"})


def test_a_model_in_shards_is_fetched_whole_and_nothing_else(hub: Hub, folder: Path) -> None:
    assert len(shards(hub)) > 2
    model = load(NAME)
    assert same(model, like(folder))
    assert hub.fetched() == ["config.json", "tokenizer_config.json", "tokenizer.json", INDEX, *shards(hub)]
    assert run(model, "cat").tokens.tolist() == [[1, 2]]
    hub.seen.clear()
    assert same(load(NAME), like(folder))
    assert load(NAME, check=True).compared is not None  # from the copy in the cache
    assert hub.fetched() == []


def test_a_shard_that_the_repository_lacks_is_told_before_any_is_fetched(hub: Hub) -> None:
    lost = shards(hub)[1]
    del hub.repositories[NAME][lost]
    refusal(lambda: load(NAME), BadCheckpoint, NAME, f"no file '{lost}'", INDEX, "another revision")
    assert not set(hub.fetched()) & set(shards(hub))


def test_a_shard_that_is_not_what_was_told_is_removed(hub: Hub, folder: Path) -> None:
    wrong = shards(hub)[1]
    hub.told[wrong] = {"sha256": "f" * 64}
    refusal(lambda: load(NAME), BadCheckpoint, wrong, "is not the hub's file", f"expected {'f' * 64}")
    hub.told.clear()
    hub.seen.clear()
    assert same(load(NAME), like(folder))
    assert hub.fetched() == [name for name in shards(hub) if name >= wrong]  # those before it were kept


def test_all_shards_together_have_a_bound(hub: Hub) -> None:
    for name in shards(hub):
        hub.told[name] = {"size": MOST_MODEL // 2}
    refusal(lambda: load(NAME), BadCheckpoint, NAME, f"all {len(shards(hub))} shards", f"expected 1 to {MOST_MODEL:,}")
    assert not set(hub.fetched()) & set(shards(hub))


@pytest.mark.parametrize("shard", ["../evil.safetensors", "/etc/evil.safetensors", ".evil.safetensors", "evil.pth", 5])
def test_an_index_leads_nowhere_else(hub: Hub, shard: object) -> None:
    hub.repositories[NAME][str(shard)] = b"evil"
    hub.repositories[NAME][INDEX] = json.dumps({"weight_map": {"w": shard}}).encode()
    why = "has no file" if shard == ".evil.safetensors" else "expected the name of a .safetensors file"
    refusal(lambda: load(NAME), BadCheckpoint, "evil" if isinstance(shard, str) else "5", why)
    assert str(shard) not in hub.fetched()


def test_offline_with_a_copy_with_a_part_and_without(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    refusal(lambda: load(NAME), BadRequest, NAME, "not in the cache", "HF_HUB_OFFLINE forbids")
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    load(NAME)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert same(load(NAME), like(folder))
    copy = cached(HubLocation(NAME))
    assert copy is not None
    (copy / shards(hub)[1]).unlink()
    refusal(lambda: load(NAME), BadRequest, NAME, "only a part of", f"'{shards(hub)[1]}' is missing", "a network")


def test_a_gguf_file_is_taken_by_its_name(hub: Hub, tmp_path: Path) -> None:
    packed = gguf_files.llama().written()
    (tmp_path / "local.gguf").write_bytes(packed)
    hub.repositories["someone/packed"] = {
        "config.json": b'{"model_type": "t5"}',
        "small-Q4_1.gguf": packed,
        "small-F16.gguf": packed,
    }
    model = load("someone/packed:small-Q4_1.gguf")
    assert model.name == "packed"
    assert hub.fetched() == ["small-Q4_1.gguf"]
    assert torch.equal(run(model, "the").logits, run(load(tmp_path / "local.gguf"), "the").logits)
    refusal(lambda: load("someone/packed"), BadCheckpoint, "2 model files", "someone/packed:small-F16.gguf")
    refusal(lambda: load("someone/packed:other.gguf"), BadRequest, "no model file 'other.gguf'", "small-Q4_1.gguf")


@each(
    ("names", "chosen"),
    [
        (["model.safetensors", "pytorch_model.bin", "model.gguf"], "model.safetensors"),
        ([INDEX, "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], INDEX),
        ([INDEX, "model-00001-of-00001.safetensors", "consolidated.safetensors"], INDEX),
        (["pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin"], "pytorch_model.bin.index.json"),
        ([INDEX, "model-00001-of-00001.safetensors", "pytorch_model.bin.index.json"], INDEX),
        (["only.gguf"], "only.gguf"),
        (["other.safetensors", "only.gguf"], "other.safetensors"),
        (["data.pt", "x_final.pth", "model.safetensors"], "x_final.pth"),
    ],
)
def test_which_file_is_the_model(names: list[str], chosen: str) -> None:
    assert choose([*names, "config.json", "README.md"], HubLocation(NAME), None, f"{NAME}:") == chosen


def test_shards_without_an_index_are_files_of_their_own() -> None:
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert candidates(names) == names
    refusal(
        lambda: choose(names, HubLocation(NAME), None, f"{NAME}:"),
        BadCheckpoint,
        "2 model files",
        f"'{NAME}:{names[0]}'",
    )
