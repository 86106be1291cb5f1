"""``load(check=True)``: logits are compared with those of `transformers`, or a line says why they cannot be."""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from each import each
from gguf_files import U32, llama
from hostile import refusal
from reference_models import SHAPES, Shape, reference, save

from loadstore.checkpoints import against
from loadstore.checkpoints.library import builtin_path, load
from loadstore.errors import BadCheckpoint, BadRequest

FIRST = list({shape.kind: shape for shape in reversed(SHAPES)}.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(reference(FIRST[0]).float(), tmp_path_factory.mktemp("check") / "model")


@each("shape", FIRST)
def test_a_folder_and_a_live_model_are_the_reference_s(shape: Shape, tmp_path: Path) -> None:
    theirs = reference(shape).float().train()
    for source in (save(theirs, tmp_path / "model"), theirs):
        found = load(source, check=True)
        assert found.compared is not None
        assert 0 <= found.compared.difference < 1e-5 < found.compared.tolerance
        assert found.compared.tokens == min(64, found.architecture.context)
    assert theirs.training  # it is left as it was


def test_a_live_model_in_double_is_compared_in_double() -> None:
    gpt2 = next(shape for shape in SHAPES if shape.name == "gpt2-tied")
    found = load(reference(gpt2), check=True).compared
    assert found is not None
    assert found.difference < 1e-12


def test_without_it_nothing_is_compared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    model = load(folder)
    assert model.compared is None
    refusal(
        lambda: load(folder, check=True), BadRequest, "transformers, which is not installed", "load the model without"
    )


def test_shards_other_names_and_gguf(folder: Path, tmp_path: Path) -> None:
    shape = next(one for one in SHAPES if one.kind == "llama")
    whole = reference(shape).float()
    assert load(save(whole, tmp_path / "shards", max_shard_size="20KB"), check=True).compared is not None
    shutil.copy(folder / "config.json", tmp_path / "config.json")
    shutil.copy(folder / "model.safetensors", tmp_path / "mine.safetensors")
    assert load(tmp_path / "mine.safetensors", check=True).compared is not None
    torch.save(load_state(folder), tmp_path / "mine.bin")
    assert load(tmp_path / "mine.bin", check=True).compared is not None
    packed = tmp_path / "packed" / "tiny.gguf"
    packed.parent.mkdir()
    packed.write_bytes(llama(layers=2, heads=4, kv=2, d=64).with_fact("llama.vocab_size", U32, 320).written())
    assert load(packed, check=True).compared is not None


def load_state(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_logits_that_differ_by_more_than_the_tolerance_are_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """Below and above: the difference is put in."""

    def off(weights, tokens):
        logits = run(weights, tokens).logits
        logits[0, 0, 0] += share * against.TOLERANCE * logits.abs().max()
        return SimpleNamespace(logits=logits)

    run = against.run
    monkeypatch.setattr(against, "run", off)
    if share < 1:
        assert load(folder, check=True).compared is not None
        return
    refusal(
        lambda: load(folder, check=True), BadCheckpoint, "differ from those of transformers", "expected at most 1e-04"
    )


def test_what_transformers_cannot_read_is_said(folder: Path, tmp_path: Path) -> None:
    where = builtin_path()
    refusal(lambda: load(check=True), BadRequest, where, "which cannot read", "load it without check")
    state = SimpleNamespace(cfg={"model_name": "lens"}, state_dict=dict)
    refusal(lambda: against.check_live(load(), state), BadRequest, "a live SimpleNamespace", "load it without check")
    shutil.copytree(folder, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["max_new_tokens"] = 0  # changes no number, and the reference refuses it
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    refusal(
        lambda: load(tmp_path / "model", check=True), BadRequest, "transformers", "cannot read model", "max_new_tokens"
    )
