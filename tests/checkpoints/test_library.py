"""What is named for a model: nothing, a folder, a file of another kind, a tokenizer of another model."""

import os
from pathlib import Path

import pytest
import torch
from each import each
from hostile import WORDS, legacy_state, refusal, small, words

from loadstore.checkpoints.families.own import save_weights
from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint, BadPrompt, BadRequest, Undefined
from loadstore.execution.run import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one model without a tokenizer of its own."""
    torch.save(legacy_state(small()), tmp_path / "model.pth")
    return tmp_path


@each("name", ["nowhere.safetensors", "gpt2", "a\0b", "x" * 5000, "~nobody-of-that-name/m.pth"])
def test_a_path_that_does_not_exist(name: str) -> None:
    refusal(lambda: load(name), BadRequest, "there is no model", name[:20].replace("\0", "\\x00"), "'builtin'")


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    refusal(lambda: load(tmp_path), BadCheckpoint, tmp_path, "holds 0 model files", "name the file")
    (tmp_path / "readme.txt").write_text("nothing")
    (tmp_path / "sub.pth").mkdir()
    refusal(lambda: load(tmp_path), BadCheckpoint, tmp_path, "holds 0 model files", "name the file")


def test_a_folder_with_two_models(folder: Path) -> None:
    save_weights(small(), folder / "other.safetensors")
    refusal(lambda: load(folder), BadCheckpoint, folder, "holds 2 model files", "name the file")
    assert load(folder / "other.safetensors").name == "small"


@pytest.mark.parametrize("name", ["model.ckpt", "model", "model.onnx", "model.safetensors.part"])
def test_a_suffix_that_no_model_has(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\0" * 64)
    refusal(lambda: load(tmp_path / name), BadCheckpoint, name, "does not end in .safetensors, .pth")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.pth")
    refusal(lambda: load(tmp_path / "m.pth"), BadCheckpoint, "m.pth", "neither a file nor a folder")


def test_a_tokenizer_beside_the_file_is_used(folder: Path) -> None:
    (folder / "tokenizer.json").write_text(words().to_str())
    model = load(folder, positions="learned")
    assert run(model, "the cat").tokens.tolist() == [[0, 1, 2]]  # <s> is its BOS


@each(
    ("config", "first"),
    [
        ('{"bos_token": "the"}', 1),
        ('{"bos_token": {"content": "dog"}, "eos_token": "log"}', 6),
        ('{"bos_token": null, "eos_token": "log"}', 7),
        ("{}", 0),
        ('{"bos_token": 3}', 0),
    ],
)
def test_a_tokenizer_config_says_what_begins_a_text(folder: Path, config: str, first: int) -> None:
    (folder / "tokenizer.json").write_text(words().to_str())
    (folder / "tokenizer_config.json").write_text(config)
    assert run(load(folder, positions="learned"), "cat").tokens.tolist() == [[first, 2]]


@each(
    ("config", "reason"),
    [
        (b'{"bos_token": "zebra"}', "no token 'zebra'"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "expected an object"),
        (b"[" * 100_000, ""),
    ],
)
def test_a_tokenizer_config_of_another_tokenizer(folder: Path, config: bytes, reason: str) -> None:
    (folder / "tokenizer.json").write_text(words().to_str())
    (folder / "tokenizer_config.json").write_bytes(config)
    refusal(lambda: load(folder, positions="learned"), BadCheckpoint, "tokenizer_config.json", reason)


def test_a_config_may_say_that_nothing_begins_a_text(folder: Path) -> None:
    (folder / "tokenizer.json").write_text(words().to_str())
    (folder / "config.json").write_text('{"default_prepend_bos": false}')
    assert run(load(folder, positions="learned"), "cat").tokens.tolist() == [[2]]


@pytest.mark.parametrize("name", ["attn_only_2L_halt", "NeelNanda-Attn_Only_2L512W_C4_Code", "redwood_attn_2L"])
def test_a_slip_of_a_published_name(name: str) -> None:
    near = {"a": "attn_only_2L_half", "N": "NeelNanda/Attn_Only_2L512W_C4_Code", "r": "redwood_attn_2l"}[name[0]]
    refusal(lambda: load(name), BadRequest, "there is no model", f"did you mean '{near}'?")


@each("content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"model": {}}', b"[" * 100_000, b"null"])
def test_a_broken_tokenizer(folder: Path, content: bytes) -> None:
    (folder / "tokenizer.json").write_bytes(content)
    refusal(lambda: load(folder, positions="learned"), BadCheckpoint, folder / "tokenizer.json", "remove it")


def test_a_tokenizer_of_another_vocabulary(folder: Path) -> None:
    (folder / "tokenizer.json").write_text(words([*WORDS, *(f"word{i}" for i in range(20))]).to_str())
    refusal(
        lambda: load(folder, positions="learned"),
        BadCheckpoint,
        *(folder / "tokenizer.json", "ids up to 27", "vocabulary has 17", "not its tokenizer"),
    )


def test_a_tokenizer_of_no_words_at_all(folder: Path) -> None:
    (folder / "tokenizer.json").write_text(words([]).to_str())
    refusal(lambda: load(folder, positions="learned"), BadCheckpoint, folder / "tokenizer.json", "not its tokenizer")


def test_a_tokenizer_cannot_cut_or_pad_a_prompt(folder: Path) -> None:
    sly = words()
    sly.enable_truncation(2)
    sly.enable_padding(length=9)
    (folder / "tokenizer.json").write_text(sly.to_str())
    assert run(load(folder, positions="learned"), "the cat sat on").tokens.tolist() == [[0, 1, 2, 3, 4]]


def test_a_word_that_the_tokenizer_cannot_say(folder: Path) -> None:
    mute = words()
    mute.model.unk_token = "[UNK]"
    (folder / "tokenizer.json").write_text(mute.to_str())
    model = load(folder, positions="learned")
    refusal(lambda: run(model, "the zebra"), BadPrompt, "cannot be tokenised", "[UNK]", "characters")


def test_text_without_a_tokenizer(folder: Path) -> None:
    model = load(folder, positions="learned")
    refusal(lambda: run(model, "the cat"), Undefined, "model has no tokenizer", "tokenizer.json", "list of ids")
    assert run(model, [1, 2]).labels == ["#1·0", "#2·1"]
