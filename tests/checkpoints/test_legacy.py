"""HookedTransformer naming: no scheme is guessed, and nothing that contradicts is taken."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from each import each
from hostile import LEGACY, PLAIN, legacy_config, legacy_state, refusal, rotary_tables, same, small, unchecked
from safetensors.torch import save_file
from tiny import Kind, some_tokens
from torch import Tensor

from loadstore.checkpoints.library import load
from loadstore.checkpoints.names import PUBLISHED, Published
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.execution.run import run
from loadstore.model.architecture import Positions
from loadstore.model.weights import Weights

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


@each("kind", LEGACY)
def test_a_state_dict_comes_back_to_the_last_bit(kind: Kind, tmp_path: Path) -> None:
    path = write(tmp_path, legacy_state(small(kind)), legacy_config(small(kind)))
    assert same(load(path), named(small(kind), "m"))
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
        wrong: Any = "sinusoidal"
        refusal(
            lambda: load(path, positions=wrong), BadRequest, "'sinusoidal'", "'learned', 'shortformer', 'rotary' or"
        )


@each(
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


@each("known", PUBLISHED)
def test_a_published_name_says_how_positions_enter(tmp_path: Path, known: Published) -> None:
    name, wrong = known.name, "learned" if known.positions == "shortformer" else "shortformer"
    path = write(tmp_path, legacy_state(small(BARE)), name=f"{name}.pth")
    assert load(path).architecture.positions == known.positions
    refusal(lambda: load(path, positions=wrong), NotThisModel, path, "contradictory", f"published model {name}", wrong)
    (tmp_path / name).mkdir()
    inside = write(tmp_path / name, legacy_state(small(BARE)), name="model_final.pth")
    assert load(inside).architecture.positions == known.positions
    refusal(lambda: load(tmp_path / name, positions=wrong), NotThisModel, "contradictory", f"published model {name}")


def test_a_published_shortformer_with_a_config_that_says_standard(tmp_path: Path) -> None:
    state, config = legacy_state(small(BARE)), {"positional_embedding_type": "standard"}
    path = write(tmp_path, state, config, name="attn_only_2L_half.pth")
    refusal(lambda: load(path), NotThisModel, path, "its config says learned", "TransformerLens 4", "wrong logits")


@each(
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
        ({"normalization_type": "RMS"}, "norm RMS, but it has no norm tensors"),
        ({"normalization_type": "BN"}, "norm 'BN' is not supported; supported are None, LN, LNPre, RMS, RMSPre"),
        ({"normalization_type": ["LN"]}, "is not supported"),
        ({"positional_embedding_type": "alibi", "shortformer_pos": None}, "positions 'alibi' are not supported"),
        ({"positional_embedding_type": "rotary"}, "contradicts itself"),
        ({"positional_embedding_type": "rotary", "shortformer_pos": False}, "which rotary positions do not use"),
        ({"positional_embedding_type": "none", "shortformer_pos": False}, "which none positions do not use"),
        ({"positional_embedding_type": ["standard"]}, "are not supported"),
        ({"positional_embedding_type": "standard", "shortformer_pos": True}, "contradicts itself"),
        ({"shortformer_pos": "maybe"}, "expected true or false"),
        ({"attention_dir": "bidirectional"}, "supported is causal only"),
        ({"use_attn_scale": False}, "supported is True only"),
        ({"attn_only": False}, "attn_only = False, its tensors say True"),
        ({"scale_attn_by_inverse_layer_idx": True}, "supported is False only"),
        ({"use_local_attn": True, "window_size": 4}, "use_local_attn = True"),
        ({"attn_scores_soft_cap": 50.0}, "attn_scores_soft_cap = 50.0"),
        ({"output_logits_soft_cap": 30}, "output_logits_soft_cap = 30"),
        ({"use_qk_norm": True}, "use_qk_norm = True"),
        ({"clip_qkv": 8.0}, "clip_qkv = 8.0"),
        ({"use_logn_attn": True}, "use_logn_attn = True"),
        ({"use_attention_sinks": True}, "use_attention_sinks = True"),
        ({"use_normalization_before_and_after": True}, "use_normalization_before_and_after = True"),
        ({"post_embedding_ln": True}, "post_embedding_ln = True"),
        ({"num_experts": 4}, "num_experts = 4"),
        ({"load_in_4bit": True}, "load_in_4bit = True"),
        ({"use_NTK_by_parts_rope": True}, "use_NTK_by_parts_rope = True"),
        ({"use_dynamic_ntk_rope": True}, "use_dynamic_ntk_rope = True"),
        ({"use_yarn_rope": True}, "use_yarn_rope = True"),
        ({"rotary_scaling_factor": 8.0}, "rotary_scaling_factor = 8.0"),
        ({"n_key_value_heads": 1}, "n_key_value_heads = 1, its tensors say 2"),
        ({"d_vocab_out": 3}, "d_vocab_out = 3, its tensors say 17"),
        ({"attn_scale": 1.0}, "attn_scale = 1; supported is √d_head = 2 only"),
        ({"attn_scale": "x"}, "attn_scale = x, expected a number"),
        ({"attn_scale": float("nan")}, "attn_scale = nan"),
        ({"eps": 1e-5, "ln_eps": 1e-6}, "eps and ln_eps are"),
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


@each("name", sorted(legacy_state(small(NORMED))))
def test_a_missing_tensor_is_named(tmp_path: Path, name: str) -> None:
    state = legacy_state(small(NORMED))
    del state[name]
    path = write(tmp_path, state)
    if name == "unembed.b_U":
        assert load(path, positions="learned").b_U is None
    else:
        refusal(lambda: load(path, positions="learned"), BadCheckpoint, path, f"no tensor '{name}'")


@each("name", sorted(legacy_state(small(NORMED))))
def test_a_tensor_of_another_shape_is_named(tmp_path: Path, name: str) -> None:
    state = legacy_state(small(NORMED))
    state[name] = torch.ones(*state[name].shape, 1)
    path = write(tmp_path, state)
    refusal(lambda: load(path, positions="learned"), BadCheckpoint, path, f"'{name}' is", "expected")


@each(
    "name",
    [
        *("blocks.0.mlp.experts.0.W_in", "blocks.0.mlp.W_gate.scale", "blocks.0.ln1_post.w", "blocks.0.attn.sinks"),
        *("blocks.0.attn.q_norm.w", "embed.ln.w", "blocks.5555555.attn.W_Q", "\n\x1b[2J"),
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


ROTARY = Kind("rotary", "rms", biases=True)


def test_saved_sines_are_checked_against_the_config(tmp_path: Path) -> None:
    model = small(ROTARY)
    state = {**legacy_state(model), **rotary_tables(model)}
    half = {name: tensor.half() for name, tensor in rotary_tables(model).items()}
    assert same(load(write(tmp_path, state, legacy_config(model))), named(model, "m"))
    assert same(load(write(tmp_path, {**state, **half}, legacy_config(model))), named(model, "m"))
    other = write(tmp_path, state, {**legacy_config(model), "rotary_dim": 4})
    refusal(lambda: load(other), BadCheckpoint, "rotary_sin' is [10, 2], expected [10, 4]")
    torn = {name: tensor for name, tensor in state.items() if name != "blocks.1.attn.rotary_cos"}
    refusal(lambda: load(write(tmp_path, torn, legacy_config(model))), BadCheckpoint, "'blocks.1.attn.rotary_cos'")


@pytest.mark.parametrize("key", ["rotary_base", "rotary_adjacent_pairs"])
def test_sines_of_other_frequencies(tmp_path: Path, key: str) -> None:
    model = small(Kind("rotary", "none", biases=False))  # two pairs, where neither can hide
    state = {**legacy_state(model), **rotary_tables(model)}
    changed = {**legacy_config(model), key: True if key == "rotary_adjacent_pairs" else 8.0}
    refusal(lambda: load(write(tmp_path, state, changed)), BadCheckpoint, "rotary_sin' is off by", key)


@each(
    ("config", "words"),
    [
        ({"rotary_dim": 3}, "over 3 dimensions"),
        ({"rotary_dim": 2.5}, "rotary_dim = 2.5, expected a whole number"),
        ({"rotary_dim": "all"}, "rotary_dim = all, expected a number"),
        ({"rotary_dim": 400}, "turn 400 dimensions, a head has 4"),
        ({"rotary_base": -1}, "base -1.0 are impossible"),
        ({"rotary_base": "inf"}, "base inf are impossible"),
        ({"rotary_adjacent_pairs": "both"}, "expected true or false"),
        ({"n_ctx": None}, "does not state its context"),
        ({"n_ctx": 10**12}, "context = 1000000000000 is impossible"),
    ],
)
def test_rotary_facts_that_cannot_be(tmp_path: Path, config: dict[str, Any], words: str) -> None:
    model = small(ROTARY)
    path = write(tmp_path, legacy_state(model), {**legacy_config(model), **config})
    refusal(lambda: load(path), BadCheckpoint, path, words)


def test_rotary_positions_are_not_guessed(tmp_path: Path) -> None:
    path = write(tmp_path, legacy_state(small(Kind("rotary", "none", biases=False))), {"n_ctx": 10})
    refusal(lambda: load(path), NotThisModel, path, "does not state its kind of positions", "positions='none'")
    refusal(lambda: load(path, positions="rotary"), NotThisModel, path, "rotary_dim", "rotary_adjacent_pairs")
    assert load(path, positions="none").architecture.positions == "none"


def test_sines_contradict_other_positions(tmp_path: Path) -> None:
    model = small(ROTARY)
    path = write(tmp_path, {**legacy_state(model), **rotary_tables(model)}, {"n_ctx": 10, "normalization_type": "RMS"})
    refusal(
        lambda: load(path, positions="none"), BadCheckpoint, path, "rotary_sin', but its positions are stated to be"
    )


def test_gains_alone_do_not_say_whether_a_norm_centres(tmp_path: Path) -> None:
    path = write(tmp_path, legacy_state(small(Kind("shortformer", "rms", biases=False))))
    refusal(lambda: load(path, positions="shortformer"), NotThisModel, path, "'LN' (centres) or 'RMS' (does not)")


def test_a_last_rmsnorm_after_layernorms(tmp_path: Path) -> None:
    state = legacy_state(small(NORMED))
    del state["ln_final.b"]
    config = {**legacy_config(small(NORMED)), "final_rms": True}
    found = load(write(tmp_path, state, config))
    assert (found.architecture.norm, found.architecture.last_norm) == ("layer", "rms")
    assert found.final_norm is not None
    assert not found.final_norm.centres
    assert found.final_norm.bias is None
    refusal(lambda: load(write(tmp_path, state, {**config, "final_rms": False})), BadCheckpoint, "'ln_final.b'")


@pytest.mark.parametrize(("norm", "kind"), [("LNPre", "layer"), ("RMSPre", "rms")])
@pytest.mark.parametrize("final_rms", [False, True])
def test_norms_without_tensors(tmp_path: Path, norm: str, kind: str, final_rms: bool) -> None:
    config = {"shortformer_pos": True, "normalization": norm, "final_rms": final_rms, "ln_eps": 1e-6, "d_vocab_out": -1}
    shape = load(write(tmp_path, legacy_state(small(BARE)), config)).architecture
    assert (shape.norm, shape.last_norm, shape.eps) == (kind, "rms" if final_rms else kind, 1e-6)
