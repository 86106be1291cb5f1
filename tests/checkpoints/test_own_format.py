"""loadstore's own file: what goes in comes out, and what was changed on the way is noticed."""

import json
import os
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from close import assert_close
from each import each
from hostile import forge, outcome, parts, raw, refusal, same, small, unchecked
from safetensors.torch import save_file
from tiny import KINDS, MODERN, Kind, some_tokens, tiny

from loadstore.checkpoints.checkpoint import read_checkpoint
from loadstore.checkpoints.families.own import ATTENTION, MLP, digest, save_weights
from loadstore.checkpoints.library import builtin_path, load
from loadstore.errors import BadCheckpoint, BadRequest, LoadstoreError, NotThisModel
from loadstore.execution.run import run
from loadstore.model.layers import Layer, MlpLayer, Norm
from loadstore.model.weights import Weights


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_weights(small(), tmp_path / "small.safetensors", card="# small")
    return tmp_path / "small.safetensors"


@each("kind", KINDS)
def test_a_saved_model_comes_back_to_the_last_bit(kind: Kind, tmp_path: Path) -> None:
    model = small(kind)
    save_weights(model, tmp_path / "m.safetensors")
    assert same(load(tmp_path / "m.safetensors"), model)


def test_float64_comes_back_as_float64(tmp_path: Path) -> None:
    model = tiny(KINDS[0])
    save_weights(model, tmp_path / "m.safetensors")
    assert same(load(tmp_path / "m.safetensors"), model)


def stated(model: Weights) -> list[list[bool | None]]:
    """Whether each norm inside heads and MLPs centres; None where there is none."""
    norms = [(at.q_norm, at.k_norm, at.mlp and at.mlp.norm, at.mlp and at.mlp.inner) for at in model.layers]
    return [[None if norm is None else norm.centres for norm in layer] for layer in norms]


@pytest.mark.parametrize("kind", MODERN, ids=str)
def test_what_modern_models_add_comes_back(kind: Kind, tmp_path: Path) -> None:
    """MLPs, gates, shared keys, norms of queries and keys, windows, and angles rounded as the reference does."""
    model = tiny(kind)
    rotary = model.architecture.rotary
    if rotary is not None:
        shape = replace(model.architecture, rotary=replace(rotary, single=True))
        model = replace(model, architecture=shape)
    save_weights(model, tmp_path / "m.safetensors")
    back, tokens = load(tmp_path / "m.safetensors"), some_tokens(model)
    assert same(back, model)
    assert stated(back) == stated(model)
    assert_close(run(back, tokens).logits, run(model, tokens).logits)  # a mapped file lies elsewhere in memory


def test_norms_inside_mlps_and_centred_norms_of_queries_come_back(tmp_path: Path) -> None:
    model = tiny(Kind("none", "layer", True, "gated", kv=1, qk_norm=True))
    inner = Norm(torch.rand(14, dtype=torch.float64), torch.rand(14, dtype=torch.float64))
    layers = tuple(
        replace(at, q_norm=replace(at.q_norm, centres=True), mlp=replace(at.mlp, inner=inner)) for at in model.layers
    )
    model = replace(model, layers=layers)
    save_weights(model, tmp_path / "m.safetensors")
    assert same(load(tmp_path / "m.safetensors"), model)
    assert stated(load(tmp_path / "m.safetensors")) == [[True, False, True, True]] * 3
    odd = replace(model, layers=(*layers[:2], replace(layers[2], q_norm=None)))
    refusal(lambda: save_weights(odd, tmp_path / "odd.safetensors"), BadRequest, odd.name, "different norms inside")


def test_a_tied_matrix_is_written_once_and_comes_back_tied(tmp_path: Path) -> None:
    model = tiny(MODERN[0])
    model = replace(model, W_U=model.W_E.mT)
    save_weights(model, tmp_path / "m.safetensors")
    assert "W_U" not in parts(tmp_path / "m.safetensors")[0]
    back = load(tmp_path / "m.safetensors")
    assert same(back, model)
    assert back.tied


def test_every_tensor_that_a_model_can_have_has_a_place_in_the_file() -> None:
    inside = {"norm", "q_norm", "k_norm", "mlp", "after_heads", "q_latent", "kv_latent"}
    assert {each.name for each in fields(Layer)} == {*ATTENTION, *inside}
    assert {each.name for each in fields(MlpLayer)} == {*MLP, "norm", "inner", "after", "experts"}


FORGED = tiny(Kind("rotary", "rms", False, "gated", kv=2, qk_norm=True, window=True))


@each(
    ("changed", "words"),
    [
        ({"layers.1.mlp.W_gate": None}, "no tensor 'layers.1.mlp.W_gate'"),
        ({"layers.1.mlp.W_out": torch.ones(12, 14)}, "'layers.1.mlp.W_out' is [12, 14], expected [14, 12]"),
        ({"layers.0.W_K": torch.ones(4, 12, 4)}, "'layers.0.W_K' is [4, 12, 4], expected [2, 12, 4]"),
        ({"layers.0.k_norm.gain": torch.ones(12)}, "'layers.0.k_norm.gain' is [12], expected [4]"),
        ({"layers.0.mlp.inner.gain": torch.ones(14)}, "does not use its tensors layers.0.mlp.inner.gain"),
        ({"layers.0.mlp.b_in": torch.full((14,), torch.nan)}, "'layers.0.mlp.b_in' has 14 NaN"),
    ],
)
def test_tensors_of_a_modern_model_that_are_missing_extra_or_misshapen(
    tmp_path: Path, changed: dict[str, torch.Tensor | None], words: str
) -> None:
    path = tmp_path / "m.safetensors"
    save_weights(FORGED, path)
    found = read_checkpoint(path)
    tensors = {name: part for name, part in {**found.tensors, **changed}.items() if part is not None}
    save_file(tensors, path, {**found.metadata, "digest": digest(tensors, found.metadata)})
    refusal(lambda: load(path), BadCheckpoint, path, words)


@each(
    ("facts", "words"),
    [
        ({"mlp": True}, "MLPs are stated as an object"),
        ({"mlp": {"width": 14}}, "MLPs are stated as an object"),
        ({"mlp": {"width": 0, "gated": True, "activation": "silu", "parallel": False}}, "an MLP of width 0"),
        ({"mlp": {"width": 14, "gated": 1, "activation": "silu", "parallel": False}}, "gated or not"),
        ({"mlp": {"width": 14, "gated": True, "activation": "tanh", "parallel": False}}, "activation 'tanh'"),
        ({"mlp": None}, "does not use its tensors layers.0.mlp.W_gate"),
        ({"windows": [3]}, "windows are impossible"),
        ({"windows": "abc"}, "windows are impossible"),
        ({"windows": 7}, "does not describe a model"),
        ({"n_kv_heads": 3}, "n_kv_heads = 3 is impossible"),
    ],
)
def test_forged_facts_of_a_modern_model(tmp_path: Path, facts: dict[str, object], words: str) -> None:
    path = tmp_path / "m.safetensors"
    save_weights(FORGED, path)
    found = json.loads(read_checkpoint(path).metadata["architecture"])
    forge(path, architecture=json.dumps({**found, **facts}))
    with unchecked():
        refusal(lambda: load(path), BadCheckpoint, path, words)


@each(
    "text",
    ['{"q_norm": "l2"}', '{"o_norm": "rms"}', '{"q_norm": []}', "[]", "{", '{"q_norm": 1}', '{"after_heads": "layer"}'],
)
def test_forged_inner_norms(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.safetensors"
    save_weights(FORGED, path)
    forge(path, inner_norms=text)
    refusal(lambda: load(path), BadCheckpoint, path, "norm", "download it again")


def test_the_built_in_file_has_the_digest_that_it_was_published_with() -> None:
    found = read_checkpoint(builtin_path())
    assert found.metadata["digest"] == digest(found.tensors, found.metadata)
    assert not {"tied", "inner_norms"} & set(found.metadata)
    assert load().architecture.mlp is None


def test_half_says_so_and_is_the_rounded_model(tmp_path: Path) -> None:
    model = small()
    save_weights(model, tmp_path / "half.safetensors", half=True)
    assert parts(tmp_path / "half.safetensors")[0]["__metadata__"]["numbers"] == "float16, rounded"
    back = load(tmp_path / "half.safetensors")
    assert same(back, model.map(lambda tensor: tensor.half().float()))
    assert not same(back, model)


def test_what_float16_cannot_hold_is_not_written(tmp_path: Path) -> None:
    model = replace(small(), W_E=small().W_E * 1e6)
    refusal(lambda: save_weights(model, tmp_path / "m.safetensors", half=True), BadRequest, "small", "float16", "W_E")
    assert list(tmp_path.iterdir()) == []


def test_a_flipped_bit_anywhere_is_an_error_or_changes_nothing(file: Path) -> None:
    content, model = file.read_bytes(), load(file)
    header = len(content) - len(parts(file)[1])
    changed = file.with_name("flipped.safetensors")
    harmless = 0
    for at in [*range(16), *range(16, header, 3), *range(header, len(content), 41), len(content) - 1]:
        flipped = bytearray(content)
        flipped[at] ^= 1 << (at * 5 + at // 8) % 8
        changed.write_bytes(flipped)
        with unchecked():
            found = outcome(lambda: load(changed))
        if isinstance(found, LoadstoreError):
            assert str(changed) in str(found), at
            assert at < header or "does not match the digest" in str(found), at
        else:
            assert at < header, f"byte {at} of the data was changed and nobody noticed"
            assert same(found, model), at
            harmless += 1
    assert harmless <= 8  # white space at the end of the header is all that may change


def test_the_digest_covers_what_the_header_says(file: Path) -> None:
    header, data = parts(file)
    facts = json.loads(header["__metadata__"]["architecture"])
    header["__metadata__"]["architecture"] = json.dumps({**facts, "eps": 1e-4})
    refusal(
        lambda: load(raw(file, header, data)), BadCheckpoint, file, "does not match the digest", "download it again"
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"n_layers": 10**30}, ["n_layers", "whole number from 1 to 200"]),
        ({"vocab": 0}, ["vocab = 0", "whole number"]),
        ({"eps": float("nan")}, ["eps = nan", "between 0 and 1"]),
        ({"d_model": 16}, ["'W_E' is [17, 12], expected [17, 16]"]),
        ({"n_layers": 3}, ["no tensor 'layers.2.W_Q'"]),
        ({"n_layers": 1}, ["does not use its tensors layers.1.W_K"]),
        ({"n_heads": 1}, ["'layers.0.W_Q' is [2, 12, 4], expected [1, 12, 4]"]),
        ({"self": 1}, ["does not describe a model"]),
        ({"rotary": True}, ["rotary positions are stated as an object of frequencies"]),
    ],
)
def test_forged_architectures(file: Path, facts: dict[str, object], words: list[str]) -> None:
    stated = json.loads(read_checkpoint(file).metadata["architecture"])
    forge(file, architecture=json.dumps({**stated, **facts}))
    refusal(lambda: load(file), BadCheckpoint, file, *words)


@each("text", ["", "null", "[1]", '"x"', "{", "[" * 100_000, "1" * 10_000, '{"n_layers": 2}'])
def test_architectures_that_are_none(file: Path, text: str) -> None:
    forge(file, architecture=text)
    refusal(lambda: load(file), BadCheckpoint, file, "does not describe a model")


@each("bos", ["17", "-1", "1.5", "true", '"<s>"', "[0]", "9" * 400])
def test_a_bos_that_is_no_token(file: Path, bos: str) -> None:
    forge(file, bos=bos)
    refusal(lambda: load(file), BadCheckpoint, file, "is not a token id below 17")


def test_a_missing_architecture_or_digest(file: Path) -> None:
    forge(file, architecture=None)
    refusal(lambda: load(file), BadCheckpoint, file, "architecture", "download it again")
    header, data = parts(file)
    del header["__metadata__"]["digest"]
    refusal(lambda: load(raw(file, header, data)), BadCheckpoint, file, "digest", "download it again")


def test_a_tensor_without_axes(file: Path) -> None:
    found = read_checkpoint(file)
    tensors = {**found.tensors, "W_E": torch.tensor(1.0)}
    save_file(tensors, file, {**found.metadata, "digest": digest(tensors, found.metadata)})
    refusal(lambda: load(file), BadCheckpoint, file, "tensor 'W_E' is [], expected [17, 12]")


def test_a_name_can_neither_flood_nor_steer_a_terminal(file: Path) -> None:
    forge(file, name="\x1b[2J\n" + "x" * 10_000)
    model = load(file)
    assert model.name.isprintable()
    assert len(model.name) <= 160


def test_stated_positions_are_compared_with_given_ones(file: Path) -> None:
    assert load(file, positions="shortformer").architecture.positions == "shortformer"
    refusal(lambda: load(file, positions="learned"), NotThisModel, file, "shortformer", "positions='learned'")


def test_a_failing_disk_leaves_the_old_file_and_no_part_of_a_new_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    refusal(lambda: save_weights(small(KINDS[0]), file), BadRequest, file, "No space left", "make room")
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert file.read_bytes() == before


def test_a_folder_that_is_not_there_or_in_the_way(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "m.safetensors"
    refusal(lambda: save_weights(small(), missing), BadRequest, missing, "cannot be written")
    refusal(lambda: save_weights(small(), tmp_path), BadRequest, tmp_path, "is a folder")
    assert list(tmp_path.iterdir()) == []


def test_a_parameter_can_be_saved_and_the_file_runs_the_same(tmp_path: Path) -> None:
    model = small().map(lambda tensor: tensor.clone().requires_grad_())
    save_weights(model, tmp_path / "m.safetensors")
    back, tokens = load(tmp_path / "m.safetensors"), some_tokens(model)
    assert_close(run(back, tokens).logits, run(model, tokens).logits)  # a mapped file lies elsewhere in memory
