"""What a config of Hugging Face says is read, refused by name, or known to change no number."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from each import each
from reference_models import LLAMA3, SHAPES, exact, reference, save

from loadstore.checkpoints.families.shared_keys import COMMON
from loadstore.checkpoints.families.table import FAMILIES
from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint, NotThisModel

FIRST = {shape.kind: shape for shape in reversed(SHAPES)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: save(reference(one), tmp_path_factory.mktemp("m") / kind) for kind, one in FIRST.items()}


@pytest.fixture
def stated(folders: dict[str, Path], tmp_path: Path):
    """Return a function that states facts, or takes back those that are None, in a copy of a kind's folder."""

    def change(kind: str, **facts: Any) -> Path:
        config = json.loads((folders[kind] / "config.json").read_text())
        config = {name: one for name, one in (config | facts).items() if one is not None}
        (tmp_path / "config.json").write_text(json.dumps(config))
        (tmp_path / "model.safetensors").write_bytes((folders[kind] / "model.safetensors").read_bytes())
        return tmp_path

    return change


def test_every_family_is_compared_with_its_reference() -> None:
    assert set(FIRST) == set(FAMILIES)


CHANGING = {"is_causal": False, "alibi": True, "logit_scale": 2.5, "quantization_config": {}, "clip_qkv": 8}
CHANGING |= {"attn_logit_softcapping": 30.0, "is_encoder_decoder": True, "use_qk_norm": True, "qk_layernorm": True}
CHANGING |= {"per_layer_config": {"0": {"head_dim": 4}}, "rope_interleaved": True, "attention_chunk_size": 8}


# What every family refuses is one table: each scheme with one family, each family with one scheme or more.
WITH_ONE = [*zip(CHANGING, itertools.cycle(FAMILIES), strict=False), ("clip_qkv", "llama")]


@pytest.mark.parametrize(("name", "kind"), list(dict.fromkeys(WITH_ONE)))
def test_a_scheme_that_is_not_computed_is_refused_by_name(stated, kind: str, name: str) -> None:
    with pytest.raises(NotThisModel, match=f"{name} = "):
        load(stated(kind, **{name: CHANGING[name]}))


def test_and_what_is_neutral_is_not(stated) -> None:
    neutral = {name: allowed[0] for name, allowed in COMMON.neutral.items() if allowed[0] is not None}
    assert load(stated("llama", **neutral)).architecture.n_layers == 2


OLD = "original_max_position_embeddings"
YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0, OLD: 16}
REFUSED = [
    ("gpt2", {"scale_attn_weights": False}, "scale_attn_weights = False"),
    ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx = True"),
    ("gpt2", {"add_cross_attention": True}, "add_cross_attention = True"),
    ("gpt2", {"activation_function": "quick_gelu"}, "'quick_gelu' is not supported"),
    ("gpt_neox", {"attention_bias": False}, r"does not use its tensors .*attention\.dense\.bias"),
    ("llama", {"partial_rotary_factor": 0.5}, r"partial_rotary_factor = 0\.5"),
    ("llama", {"layer_types": ["full_attention", "linear_attention"]}, "layer_types = linear_attention"),
    ("mistral", {"layer_types": ["full_attention"] * 3}, "layer_types = full_attention"),
    ("qwen2", {"layer_types": ["chunked_attention"] * 3}, "layer_types = chunked_attention"),
    *(
        (kind, {"rope_parameters": {"rope_type": scaling, "rope_theta": 1e4, "factor": 2.0}}, f"'{scaling}' is not")
        for kind in ("gpt_neox", "llama", "phi")
        for scaling in ("dynamic", "longrope", "proportional")
    ),
    ("phi", {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0}}, r"keys by 1\.06931, which"),
    ("llama", {"rope_parameters": {"full_attention": {"rope_theta": 1e4}}}, "differ by kind of layer"),
]


@each(("kind", "facts", "message"), REFUSED)
def test_what_a_family_cannot_compute_is_refused_by_name(stated, kind: str, facts: dict, message: str) -> None:
    with pytest.raises(NotThisModel, match=message):
        load(stated(kind, **facts))


IMPOSSIBLE = [
    ("llama", {"tie_word_embeddings": True}, "ties embedding and unembedding, but 'lm_head.weight' differs"),
    ("llama", {"rope_parameters": LLAMA3 | {"high_freq_factor": 1.0}}, "are impossible"),
    ("llama", {"rope_parameters": LLAMA3 | {"factor": 0}}, "are impossible"),
    ("llama", {"rope_parameters": {"rope_type": "linear"}}, "states no factor, which it needs"),
    ("llama", {"rope_parameters": YARN | {OLD: None}}, "original_max_position_embeddings = None, expected a number"),
    ("llama", {"rope_parameters": YARN | {"truncate": 1}}, "truncate 1; expected numbers above 0, and true or false"),
    ("llama", {"rope_parameters": YARN | {"truncate": None}}, "truncate None; expected numbers above 0"),
    ("gpt_neox", {"head_dim": 5}, "head_dim = 5, but hidden_size / num_attention_heads makes it 8"),
    ("llama", {"rope_parameters": [1]}, "not an object"),
    ("llama", {"num_hidden_layers": "2"}, "num_hidden_layers = 2, expected a whole number"),
    ("llama", {"num_hidden_layers": 0}, "num_hidden_layers = 0, expected at least 1"),
    ("llama", {"attention_bias": "yes"}, "true or false"),
    ("qwen2", {"layer_types": ["full_attention"]}, "expected 3"),
    ("phi", {"partial_rotary_factor": "half", "rope_parameters": None}, "partial_rotary_factor = "),
]


@each(("kind", "facts", "message"), IMPOSSIBLE)
def test_what_a_config_says_wrongly_is_said(stated, kind: str, facts: dict, message: str) -> None:
    with pytest.raises(BadCheckpoint, match=message):
        load(stated(kind, **facts))


def test_an_unembedding_that_is_neither_there_nor_tied_is_missed(stated) -> None:
    with pytest.raises(BadCheckpoint, match=r"no unembedding 'lm_head\.weight'"):
        load(stated("gpt2", tie_word_embeddings=False))


OLDER = [
    ("gpt_neox", {"rope_parameters": None, "rotary_pct": 0.25, "rotary_emb_base": 10_000}),
    ("llama", {"rope_parameters": None, "rope_theta": 10_000.0, "rope_scaling": None, "pretraining_tp": 2}),
    ("llama", {"rope_parameters": None, "num_key_value_heads": 2, "head_dim": None}),
    ("phi", {"rope_parameters": None, "partial_rotary_factor": 0.5, "rope_theta": 10_000.0}),
    ("phi", {"rope_parameters": None}),
    ("gpt2", {"n_inner": None, "n_ctx": 40}),
    ("gpt2", {"n_positions": None, "max_position_embeddings": 40, "num_attention_heads": 3}),
]


@pytest.mark.parametrize(("kind", "facts"), OLDER)
def test_older_configs_say_the_same(stated, folders: dict[str, Path], kind: str, facts: dict) -> None:
    assert load(stated(kind, **facts)).architecture == load(folders[kind]).architecture


def test_scaling_in_the_words_of_older_configs_is_scaling(stated, folders: dict[str, Path]) -> None:
    scaled = load(stated("llama", rope_parameters=None, rope_theta=1e4, rope_scaling={"type": "linear", "factor": 4.0}))
    plain = load(folders["llama"])
    expected = [frequency / 4 for frequency in plain.architecture.rotary.frequencies]
    assert list(scaled.architecture.rotary.frequencies) == pytest.approx(expected, rel=1e-6)


def test_llama_3_without_the_old_length_means_the_context(stated) -> None:
    without = {name: one for name, one in LLAMA3.items() if name != "original_max_position_embeddings"}
    here = load(stated("llama", rope_parameters=without)).architecture
    said = load(stated("llama", rope_parameters=without | {"original_max_position_embeddings": 64})).architecture
    assert here == said


@pytest.mark.parametrize("kind", ["qwen2", "qwen3"])
def test_layers_that_no_list_names_slide_from_a_number_on(stated, kind: str) -> None:
    said = {"layer_types": None, "use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1}
    layers = FIRST[kind].facts["num_hidden_layers"]
    assert load(stated(kind, **said)).architecture.windows == (None, *[4] * (layers - 1))
    assert load(stated(kind, **said | {"use_sliding_window": False})).architecture.windows is None


def test_angles_of_late_positions_are_those_of_the_reference(tmp_path: Path) -> None:
    shape = next(one for one in SHAPES if one.name == "llama-groups-of-two")
    theirs = reference(shape)
    ours = load(save(theirs, tmp_path / "m"))
    x = torch.randn(1, 5, 1, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with exact(theirs):
        cos, sin = theirs.model.rotary_emb(x, torch.arange(60_000, 60_005)[None])
    turned = x[:, :, 0] * cos + torch.cat([-x[:, :, 0, 4:], x[:, :, 0, :4]], -1) * sin
    assert float((ours.architecture.rotary.at(x, 60_000)[:, :, 0] - turned).abs().max()) < 1e-12
