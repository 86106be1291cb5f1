"""HookedTransformer naming: no scheme is guessed, and nothing that contradicts is taken."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hostile import PLAIN, legacy_state, refusal, same, small, unchecked
from safetensors.torch import save_file
from tiny import KINDS, Kind, some_tokens
from torch import Tensor

from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.models.architecture import Positions
from loadstore.models.families.legacy import PUBLISHED
from loadstore.models.library import load
from loadstore.models.trace import run
from loadstore.models.weights import Weights

BARE = PLAIN
NORMED = Kind("shortformer", "layer", biases=True)


def write(folder: Path, state: dict[str, Tensor], config: dict[str, Any] | None = None, name: str = "m.pth") -> Path:
    """A state dict, with a config.json beside it if one is given."""
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    torch.save(state, folder / name)
    return folder / name


def named(model: Weights, name: str) -> Weights:
    return type(model)(**{**vars(model), "name": name, "tokens": None})


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_state_dict_comes_back_to_the_last_bit(kind: Kind, tmp_path: Path) -> None:
    path = write(tmp_path, legacy_state(small(kind)))
    assert same(load(path, positions=kind.positions), named(small(kind), "m"))


def test_a_state_dict_does_not_say_how_positions_enter(tmp_path: Path) -> None:
    path = write(tmp_path, legacy_state(small(BARE)))
    refusal(lambda: load(path), NotThisModel, path, "positions='shortformer'", "positions='learned'", "config.json")
    tokens = some_tokens(small(BARE))
    two = [run(load(path, positions=scheme), tokens).logits for scheme in ("shortformer", "learned")]
    assert (two[0] - two[1]).abs().max() > 0.1  # which is why it is not guessed


def test_positions_that_there_are_none_of(tmp_path: Path) -> None:
    path = write(tmp_path, legacy_state(small(BARE)))
    with unchecked():
        refusal(lambda: load(path, positions="rotary"), BadRequest, "'rotary'", "'learned' or 'shortformer'")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("config", "positions"),
    [
        ({"shortformer_pos": True}, "shortformer"),
        ({"shortformer_pos": "True"}, "shortformer"),
        ({"shortformer_pos": False}, "learned"),
        ({"positional_embedding_type": "shortformer"}, "shortformer"),
        ({"positional_embedding_type": "standard"}, "learned"),
    ],
)
def test_a_config_says_how_positions_enter(tmp_path: Path, config: dict[str, Any], positions: Positions) -> None:
    path = write(tmp_path, legacy_state(small(BARE)), config)
    assert load(path).architecture.positions == positions
    other: Positions = "learned" if positions == "shortformer" else "shortformer"
    refusal(
        lambda: load(path, positions=other),
        NotThisModel,
        *(path, "contradictory", f"its config says {positions}", f"positions= says {other}"),
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_name_says_how_positions_enter(tmp_path: Path, name: str) -> None:
    wrong: Positions = "learned" if PUBLISHED[name] == "shortformer" else "shortformer"
    path = write(tmp_path, legacy_state(small(BARE)), name=f"{name}.pth")
    assert load(path).architecture.positions == PUBLISHED[name]
    refusal(lambda: load(path, positions=wrong), NotThisModel, path, "contradictory", f"published model {name}", wrong)
    (tmp_path / name).mkdir()
    inside = write(tmp_path / name, legacy_state(small(BARE)), name="model_final.pth")
    assert load(inside).architecture.positions == PUBLISHED[name]
    refusal(lambda: load(tmp_path / name, positions=wrong), NotThisModel, "contradictory", f"published model {name}")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"n_layers": 3}, "n_layers = 3, its tensors say 2"),
        ({"n_heads": 12}, "n_heads = 12, its tensors say 2"),
        ({"d_model": 768}, "d_model = 768, its tensors say 12"),
        ({"d_head": [4]}, "d_head = [4], its tensors say 4"),
        ({"d_vocab": 50278}, "d_vocab = 50278, its tensors say 17"),
        ({"n_ctx": 2048}, "n_ctx = 2048, its tensors say 10"),
        ({"normalization_type": "LN"}, "norm LN, but it has no norm tensors"),
        ({"normalization": "LN"}, "norm LN, but it has no norm tensors"),
        ({"normalization_type": "RMS"}, "norm 'RMS' is not supported; supported are None, LN and LNPre"),
        ({"normalization_type": ["LN"]}, "is not supported"),
        ({"positional_embedding_type": "rotary"}, "'rotary' are not supported; use standard or shortformer"),
        ({"positional_embedding_type": ["standard"]}, "are not supported"),
        ({"positional_embedding_type": "standard", "shortformer_pos": True}, "contradicts itself"),
        ({"shortformer_pos": "maybe"}, "expected true or false"),
        ({"attention_dir": "bidirectional"}, "supported is causal only"),
        ({"use_attn_scale": False}, "supported is True only"),
        ({"attn_only": False}, "supported is True only"),
        ({"eps": "small"}, "eps = small, expected a number"),
        ({"eps": None}, "eps = None, expected a number"),
        ({"eps": 2}, "eps = 2.0 is impossible"),
        ({"n_layers": "x" * 10_000}, "n_layers = xxx"),
    ],
)
def test_a_config_of_another_model(tmp_path: Path, config: dict[str, Any], words: str) -> None:
    path = write(tmp_path, legacy_state(small(BARE)), {"shortformer_pos": True, **config})
    refusal(lambda: load(path), BadCheckpoint, path, words)


def test_a_config_that_says_no_norm_where_there_is_one(tmp_path: Path) -> None:
    path = write(tmp_path, legacy_state(small(NORMED)), {"shortformer_pos": True, "normalization_type": None})
    refusal(lambda: load(path), BadCheckpoint, path, "norm None, but it has norm tensors")


def test_a_norm_without_gains_is_taken_when_the_config_says_so(tmp_path: Path) -> None:
    config = {"shortformer_pos": True, "normalization_type": "LNPre", "eps": "1e-3"}
    found = load(write(tmp_path, legacy_state(small(BARE)), config))
    assert (found.architecture.norm, found.architecture.eps) == ("layer", 1e-3)
    assert found.final_norm is not None
    assert found.final_norm.gain is None


@pytest.mark.parametrize("name", sorted(legacy_state(small(NORMED))))
def test_a_missing_tensor_is_named(tmp_path: Path, name: str) -> None:
    state = legacy_state(small(NORMED))
    del state[name]
    path = write(tmp_path, state)
    if name == "unembed.b_U":
        assert load(path, positions="learned").b_U is None
    else:
        refusal(lambda: load(path, positions="learned"), BadCheckpoint, path, f"no tensor '{name}'")


@pytest.mark.parametrize("name", sorted(legacy_state(small(NORMED))))
def test_a_tensor_of_another_shape_is_named(tmp_path: Path, name: str) -> None:
    state = legacy_state(small(NORMED))
    state[name] = torch.ones(*state[name].shape, 1)
    path = write(tmp_path, state)
    refusal(lambda: load(path, positions="learned"), BadCheckpoint, path, f"'{name}' is", "expected")


@pytest.mark.parametrize(
    "name",
    [
        *("blocks.0.mlp.W_in", "blocks.1.mlp.b_out", "blocks.0.ln2.w", "blocks.0.attn.rotary_sin"),
        *("blocks.0.attn._W_K", "blocks.0.attn.q_norm.w", "embed.ln.w", "blocks.5555555.attn.W_Q", "\n\x1b[2J"),
    ],
)
def test_a_tensor_that_has_no_place_is_named(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, {**legacy_state(small(BARE)), name: torch.zeros(2)})
    shown = name if name.isprintable() else "\\x1b[2J"
    refusal(lambda: load(path, positions="learned"), NotThisModel, path, shown, "not supported yet")


def test_layers_that_do_not_follow_each_other(tmp_path: Path) -> None:
    state = legacy_state(small(BARE))
    path = write(tmp_path, {name.replace("blocks.1.", "blocks.7."): value for name, value in state.items()})
    refusal(lambda: load(path, positions="learned"), BadCheckpoint, path, "layers [0, 7], expected 0 to 1")


def test_a_tensor_with_no_entries(tmp_path: Path) -> None:
    path = write(tmp_path, {**legacy_state(small(BARE)), "embed.W_E": torch.zeros(0, 12)})
    refusal(lambda: load(path, positions="learned"), NotThisModel, path, "vocab = 0 is impossible")


def test_another_naming(tmp_path: Path) -> None:
    path = write(tmp_path, {"transformer.h.0.attn.c_attn.weight": torch.zeros(2)})
    refusal(lambda: load(path), NotThisModel, path, "transformer.h.0.attn", "supported:", "HookedTransformer")


def test_the_config_in_a_safetensors_header_counts_too(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file(legacy_state(small(BARE)), path, {"config": json.dumps({"n_heads": "12", "shortformer_pos": "True"})})
    refusal(lambda: load(path), BadCheckpoint, path, "n_heads = 12, its tensors say 2")
