"""Generated configs of every family: each computes the reference's logits to 1e-8, or is refused.

A sample; ``scripts/try_configs.py`` draws 10,000 or more, and counts.
"""

import random
from collections import Counter
from typing import Any

import pytest
from config_cases import KINDS, Config
from config_verdicts import IDS, compared, verdict
from depth import deep
from each import each

CASES = deep(20 * len(KINDS), usual=9 * len(KINDS))


@each("kind", KINDS)
def test_configs_compute_the_reference_or_are_refused(kind: str) -> None:
    found = [verdict(kind, random.Random(f"{kind} {index}")) for index in range(CASES // len(KINDS))]
    assert [one for one in found if one.word not in ("agree", "refused", "both")] == []
    assert [one for one in found if one.legal and one.word != "agree"] == []  # refusing is no way out
    assert sum(one.legal for one in found) >= len(found) // 10
    words = Counter(one.word for one in found)
    assert words["agree"]
    assert words["refused"] + words["both"]


SMALL: Config = {"vocab_size": 20, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12}
SMALL |= {"hidden_size": 16, "max_position_embeddings": 64, "num_key_value_heads": 2}
GPT2: Config = {"model_type": "gpt2", "vocab_size": 20, "n_embd": 12, "n_head": 2, "n_layer": 2, "n_positions": 16}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}


LATENT: Config = {"kv_lora_rank": 6, "q_lora_rank": 5, "qk_nope_head_dim": 4, "qk_rope_head_dim": 2, "v_head_dim": 3}
LATENT |= {"n_routed_experts": 4, "moe_intermediate_size": 6, "n_shared_experts": 1, "first_k_dense_replace": 1}


OWN: dict[str, Config] = {  # kinds that have other names of their sizes
    "gpt2": GPT2,
    "gptj": GPT2 | {"rotary_dim": 4},
    "gpt_neo": {"vocab_size": 20, "hidden_size": 12, "num_heads": 2, "num_layers": 2, "max_position_embeddings": 16}
    | {"attention_types": [[["global", "local"], 1]], "window_size": 3},
    "gpt_bigcode": GPT2,
    "bloom": {"vocab_size": 20, "hidden_size": 12, "n_head": 2, "n_layer": 2},
    "mpt": {"vocab_size": 20, "d_model": 12, "n_heads": 2, "n_layers": 2, "max_seq_len": 16},
    "falcon": {name: size for name, size in SMALL.items() if name not in ("num_key_value_heads", "intermediate_size")},
    "mixtral": SMALL | {"num_local_experts": 4},
    "olmoe": SMALL | {"num_experts": 4, "num_experts_per_tok": 2},
    "qwen2_moe": SMALL | {"num_experts": 4, "moe_intermediate_size": 6, "shared_expert_intermediate_size": 5},
    "qwen3_moe": SMALL | {"num_experts": 4, "moe_intermediate_size": 6, "num_experts_per_tok": 3},
    "phi3": SMALL | {"pad_token_id": None},
    "smollm3": SMALL | dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id")),
    "gpt_oss": SMALL | {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 8},
    "deepseek_v2": SMALL | LATENT | {"num_experts_per_tok": 2},
    "deepseek_v3": SMALL | LATENT | {"n_group": 2, "topk_group": 1, "num_experts_per_tok": 2},
    "opt": {"vocab_size": 20, "hidden_size": 12, "num_attention_heads": 2, "num_hidden_layers": 2, "ffn_dim": 9}
    | {"max_position_embeddings": 16},
}


def of(kind: str, **more: Any) -> Config:
    here = {name: size for name, size in SMALL.items() if kind != "gpt_neox" or name != "num_key_value_heads"}
    return {**OWN.get(kind, here), "model_type": kind} | more


AGREE = {
    "llama3, old length outside": of("llama", rope_parameters=LLAMA3, original_max_position_embeddings=16),
    "old length is no matter elsewhere": of("llama", original_max_position_embeddings=16),
    "neox, an odd number of dimensions turns": of("gpt_neox", rotary_pct=0.4),
    "one name of the alias": {**GPT2, "num_attention_heads": GPT2["n_head"]},
    "both rotary objects": of("llama", rope_scaling={"type": "linear", "factor": 2}, rope_theta=10_000)
    | {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
    "older kinds of layers": of("llama", layer_types=["attention", "full_attention"]),
    "a null that means all heads": of("qwen2", num_key_value_heads=None),
    "a null that means no window": of("mistral", sliding_window=None),
}


@each("name", AGREE)
def test_what_two_keys_say_alike_is_the_reference(name: str) -> None:
    assert compared(AGREE[name]).word == "agree"


REFUSED = {
    **{f"is_causal false, {kind}": (of(kind, is_causal=False), "is_causal = False") for kind in KINDS},
    **{f"is_causal null, {kind}": (of(kind, is_causal=None), "is_causal = None") for kind in KINDS},
    "two lengths": (
        of("llama", rope_parameters={**LLAMA3, "original_max_position_embeddings": 32})
        | {"original_max_position_embeddings": 16},
        "two keys for one setting",
    ),
    "two names of the heads": (of("gpt2", num_attention_heads=1), "n_head = 2 and num_attention_heads = 1, two names"),
    "two names of the layers": (of("gpt2", num_hidden_layers=1), "n_layer = 2 and num_hidden_layers = 1, two names"),
    "two bases": (of("llama", rope_theta=5.0, rope_parameters={"rope_theta": 7.0}), "two keys for one setting"),
    "two scalings": (
        of("llama", rope_scaling={"type": "linear", "factor": 2.0}, rope_parameters={"rope_theta": 1e4}),
        "which disagree",
    ),
    "two kinds": (of("llama", rope_scaling={"type": "linear", "rope_type": "llama3", "factor": 2.0}), "two keys"),
    "a base that neox does not read": (of("gpt_neox", rope_theta=500.0), "rope_theta = 500.0, but rotary_emb_base"),
    "a base that llama does not read": (of("llama", rotary_emb_base=500.0), "rotary_emb_base = 500.0, a key"),
    **{
        f"private {key}": (of("llama", rope_parameters={"rope_theta": 1e4, key: value}), f"rope_parameters.{key} = ")
        for key, value in {"pairs": "adjacent", "factors": [2.0] * 4, "dimensions": 4}.items()
    },
    "a window that is not used": (of("qwen2", layer_types=["sliding_attention"] * 2), "no window that is used"),
    "full layers in Mistral": (of("mistral", sliding_window=3, layer_types=["full_attention"] * 2), "every layer"),
    "null kv heads": (of("mistral", num_key_value_heads=None), "num_key_value_heads = null"),
    "null head": (of("qwen3", head_dim=None), "head_dim = null"),
    "null head without a field": (of("qwen2", head_dim=None), "head_dim = null"),
    "null kv heads with experts": (of("qwen2_moe", num_key_value_heads=None), "num_key_value_heads = None"),
    "null window with experts": (
        of("qwen2_moe", use_sliding_window=True, sliding_window=None),
        "sliding_window = None",
    ),
    "layers that are no numbers": (
        of("qwen3_moe", mlp_only_layers=[True]),
        "mlp_only_layers = [True], expected a list of layers",
    ),
    "experts in every zeroth layer": (of("qwen2_moe", decoder_sparse_step=0), "decoder_sparse_step = 0, expected at"),
    "more experts than there are": (of("olmoe", num_experts_per_tok=5), "5 experts for each token are impossible"),
    "clipped": (of("olmoe", clip_qkv=1.0), "clip_qkv = 1.0, which is not supported"),
    "a head of another width": (of("olmoe", head_dim=6), "hidden_size / num_attention_heads makes it"),
    "null activation": (of("llama", hidden_act=None), "hidden_act = null"),
    "null eps": (of("llama", rms_norm_eps=None), "rms_norm_eps = null"),
    "null base": (of("llama", rope_theta=None), "rope_theta = None"),
    "null base of YaRN": (
        of("qwen3", rope_parameters={"rope_type": "yarn", "factor": 4.0, "rope_theta": None}),
        "rope_theta = None",
    ),
    "null tie": (of("llama", tie_word_embeddings=None), "tie_word_embeddings = null"),
    "labels of null": (of("qwen2", num_labels=None), "num_labels = null"),
    "a head that stablelm does not have": (of("stablelm", head_dim=6), "hidden_size / num_attention_heads makes it"),
    "a whole logit scale": (of("cohere", logit_scale=2), "logit_scale = 2, expected a number above 0 with a decimal"),
    "a list of paddings": (of("smollm3", pad_token_id=[2]), "pad_token_id = [2], expected a whole number"),
    "a flag that is a number": (of("gpt2", reorder_and_upcast_attn=0), "reorder_and_upcast_attn = 0, expected true or"),
    "a deviation that is a flag": (of("opt", init_std=True), "init_std = True, expected a number with a decimal point"),
    "a window of no size": (of("smollm3", sliding_window={}), "sliding_window = {}, expected a whole number or null"),
    "a dropout that is a name": (of("gpt_neo", embed_dropout="gelu"), "embed_dropout = gelu, expected a number from 0"),
    "a dropout above 1": (of("llama", attention_dropout=1.5), "attention_dropout = 1.5, expected a number from 0 to 1"),
    "half of a predicted layer": (of("deepseek_v3", num_nextn_predict_layers=0.5), "num_nextn_predict_layers = 0.5,"),
    "a flag where groups are not read": (
        of("deepseek_v2", topk_group=True, first_k_dense_replace=32),
        "topk_group = True, expected a whole number",
    ),
    "a number for a name that is not read": (of("gpt_oss", hidden_act=-1), "hidden_act = -1, expected a name"),
    "a flag where no layer has experts": (
        of("deepseek_v3", routed_scaling_factor=False, first_k_dense_replace=32),
        "routed_scaling_factor = False, expected a whole number or a number with a decimal point",
    ),
    "a whole limit": (of("gpt_oss", swiglu_limit=1), "swiglu_limit = 1, expected a number with a decimal point"),
    "a null way of choosing": (of("deepseek_v2", topk_method=None), "topk_method = None, which is not supported"),
    "a null share that yarn turns": (
        of("arcee", rope_parameters={"rope_type": "yarn", "factor": 4.0, "partial_rotary_factor": None}),
        "partial_rotary_factor = None",
    ),
    "a null dropout of an object": (
        of("mpt", attn_config={"attn_pdrop": None}),
        "attn_pdrop = null, expected a value",
    ),
    "null alias": ({**GPT2, "num_attention_heads": None}, "two names for one setting"),
    "heads that do not divide": (of("llama", num_attention_heads=3, num_key_value_heads=3, head_dim=4), "a multiple"),
}


@each("name", REFUSED)
def test_what_the_reference_refuses_or_reads_otherwise_is_refused_by_name(name: str) -> None:
    config, words = REFUSED[name]
    found = compared(config, of(config["model_type"]))
    assert found.word in ("refused", "both"), found
    assert words in found.why


WINDOWS = {
    "mistral": (of("mistral"), (4096, 4096)),
    "qwen2": (of("qwen2", use_sliding_window=True, max_window_layers=1), (None, 4096)),
    "qwen3": (of("qwen3", use_sliding_window=True, max_window_layers=0), (4096, 4096)),
    "qwen2_moe": (of("qwen2_moe", use_sliding_window=True, max_window_layers=1), (4096, None)),
    "qwen3_moe": (of("qwen3_moe", use_sliding_window=True), (4096, 4096)),
    "qwen2, late layers only": (of("qwen2", use_sliding_window=True), (None, None)),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_that_is_not_stated_is_the_reference_s(name: str) -> None:
    config, windows = WINDOWS[name]
    found = compared(config)
    assert found.word == "agree"
    assert found.model.architecture.windows == windows
    assert IDS.shape[1] < 4096  # so that the logits could not tell
