"""Configs of every family, legal and not.

A case starts from a legal config and is changed 0 to 3 times: keys are left out, made null, doubled under a second
name, added, or given unusual values.
"""

import copy
import random
from typing import Any

from loadstore.checkpoints.families.shared_keys import GENERATION, METADATA, TRAINING
from loadstore.checkpoints.families.table import FAMILIES

Config = dict[str, Any]
KINDS = tuple(FAMILIES)
ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_python", "gelu_accurate", "silu", "swish", "relu")
ACTIVATIONS += ("relu2",)
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
YARN = {"factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 4, "truncate": False}
STRETCHED = (
    "llama",
    "ernie4_5",
    "arcee",
    "mistral",
    "qwen2",
    "qwen3",
    "gpt_oss",
)  # whose scores have what YaRN multiplies by
PRIVATE = {"pairs": "adjacent", "factors": [2.0, 3.0], "dimensions": 2, "rotary_emb_base": 50, "rotary_pct": 0.5}
STRANGE = {"is_causal": False, "use_cache": False, "attention_sinks": 4, "logit_scale": 2.0, "qk_layernorm": True}
STRANGE |= {"attention_multiplier": 0.3, "sliding_window": 3, "alibi": True, "query_pre_attn_scalar": 2, "n_ctx": 64}
STRANGE |= {
    "attention_bias": True,
    "mlp_bias": True,
    "head_dim": 6,
    "n_head": 1,
    "num_attention_heads": 1,
    "n_layer": 1,
}
STRANGE |= {"num_hidden_layers": 1, "n_layer": 1, "rope_scaling": {}}
STRANGE |= {"max_window_layers": 0, "use_sliding_window": True, "add_cross_attention": True}
STRANGE |= {"rope_theta": 77.0, "partial_rotary_factor": 0.5, "original_max_position_embeddings": 8, "is_decoder": True}
STRANGE |= {"per_layer_config": {"0": {"sliding_window": 2}}, "scale_attn_weights": False, "hidden_act": "relu"}
STRANGE |= {"scale_attn_by_inverse_layer_idx": True, "layer_norm_eps": 1e-2, "rms_norm_eps": 1e-2, "n_inner": 9}
STRANGE |= {
    "use_parallel_residual": False,
    "tie_word_embeddings": True,
    "chunk_size_feed_forward": 3,
    "rope_scaling": {},
}
STRANGE |= {"output_hidden_states": True, "tie_last_hidden_states": True, "pretraining_tp": 2, "return_dict": False}
VALUES = (None, True, False, 0, 1, 2, -1, 0.5, 3.0, "2", "gelu", [], {}, [2], 1e-3)
SIZE = ("vocab_size", "n_positions", "n_layer", "n_head", "n_inner", "num_attention_heads", "num_key_value_heads")
DROPPED = (*SIZE, "head_dim", "max_position_embeddings", "intermediate_size", "sliding_window", "rope_theta")
WITHOUT_HEAD = ("deepseek_v2", "deepseek_v3", "stablelm", "nemotron", "phi3", "olmoe")
NULL_KEYS = (
    "llama",
    "ernie4_5",
    "arcee",
    "qwen2",
    "phi",
    "olmo",
    "olmo2",
    "granite",
    "phi3",
    "cohere",
    "olmoe",
)  # null: all heads
FLAGS = {
    "attention_bias": (
        "llama",
        "arcee",
        "qwen3",
        "gpt_neox",
        "gemma",
        "olmo",
        "granite",
        "smollm3",
        "cohere",
        "nemotron",
    ),
    "norm_topk_prob": ("qwen2_moe", "qwen3_moe", "olmoe"),
    "qkv_bias": ("qwen2_moe",),
    "mlp_bias": ("llama", "arcee", "granite", "smollm3", "nemotron"),
    "use_qk_norm": ("cohere",),
    "use_parallel_residual": ("gpt_neox", "stablelm"),
    "use_qkv_bias": ("stablelm",),
    "use_bias": ("starcoder2", "ernie4_5"),
}
ALIASES = {
    "hidden_size": "n_embd",
    "max_position_embeddings": "n_positions",
    "num_attention_heads": "n_head",
    "num_hidden_layers": "n_layer",
}
SILENT: Config = dict.fromkeys(GENERATION, 1) | dict.fromkeys(TRAINING, 0.1)
SILENT |= {"use_cache": True, "is_decoder": False, "architectures": ["X"], "dtype": "float32", "torch_dtype": "float32"}
SILENT |= {"id2label": {"0": "a"}, "label2id": {"a": 0}, "num_labels": 1, "transformers_version": "5.0.0"}
SILENT |= {"bos_token_id": 1, "eos_token_id": [1, 2], "_name_or_path": "x", "gradient_checkpointing": False}
MULTIPLIERS = {"embedding_multiplier": (2, 0.5), "attention_multiplier": (0.3, 1), "residual_multiplier": (0.2, 1.5)}
MULTIPLIERS |= {"logits_scaling": (4, 0.5)}
USED = {"num_experts_per_tok": (1, 2, 3)}
EXPERTS: dict[str, dict[str, tuple[int, ...]]] = {
    "gpt_oss": USED | {"num_local_experts": (3, 4)},
    "mixtral": USED | {"num_local_experts": (3, 4)},
    "olmoe": USED | {"num_experts": (3, 4)},
    "qwen2_moe": USED
    | {"num_experts": (3, 4), "moe_intermediate_size": (1, 6), "shared_expert_intermediate_size": (1, 5)},
    "qwen3_moe": USED | {"num_experts": (3, 4), "moe_intermediate_size": (1, 6)},
}
CAPS = ("attn_logit_softcapping", "final_logit_softcapping")
NORMS = {
    "gpt_neox": "layer_norm_eps",
    "phi": "layer_norm_eps",
    "stablelm": "layer_norm_eps",
    "starcoder2": "norm_epsilon",
    "cohere": "layer_norm_eps",
    "nemotron": "norm_eps",
}
WITHOUT_ROPE = ("gpt2", "gptj", "gpt_neo", "opt", "gpt_bigcode", "bloom", "mpt")
PARTIAL = {kind: [0.5, 1.0] for kind in ("phi", "stablelm", "phi3", "nemotron")} | {"gpt_neox": [0.25, 0.4, 0.5, 1.0]}
SUMMARY = frozenset(f"summary_{name}" for name in ("activation", "first_dropout", "proj_to_labels", "type", "use_proj"))
NO_NUMBER = (GENERATION | METADATA | TRAINING | SUMMARY) - {"model_type"}


def legal(kind: str, dice: random.Random) -> Config:
    """A config of documented keys with values that are supported."""
    heads, layers = dice.choice([1, 2, 4]), dice.choice([1, 2])
    width, act = dice.choice([5, 12]), dice.choice(ACTIVATIONS)
    metadata = dice.sample(sorted(SILENT), 3)
    shared: Config = {"model_type": kind, "vocab_size": 20, "tie_word_embeddings": dice.random() < 0.3}
    shared |= {name: SILENT[name] for name in metadata}
    if kind == "falcon":
        return shared | groups(heads, layers, width, act, dice) | rope(kind, dice)
    if kind in WITHOUT_ROPE:
        return shared | without_rope(kind, heads, layers, width, act, dice)
    heads = min(heads, 2) if kind in ("stablelm", "nemotron", "phi3") else heads  # a quarter of a head of 4 cannot turn
    found = {"hidden_size": 16, "num_attention_heads": heads, "num_hidden_layers": layers, "intermediate_size": width}
    found |= {"hidden_act": act, "max_position_embeddings": 64}
    if kind != "gpt_neox":
        found["num_key_value_heads"] = dice.choice([one for one in (1, 2, 4) if heads % one == 0])
        if (dice.random() < 0.4 and kind not in WITHOUT_HEAD) or kind in ("qwen3", "gemma", "ernie4_5"):
            found["head_dim"] = dice.choice([4, 8] if kind == "phi" else [4, 6])
        if kind in NULL_KEYS and dice.random() < 0.2:
            found["num_key_value_heads"] = None
    found[NORMS.get(kind, "rms_norm_eps")] = dice.choice([1e-6, 1e-3])
    for name, kinds in FLAGS.items():
        if kind in kinds and dice.random() < 0.4:
            found[name] = dice.random() < 0.5
    if kind == "olmo":
        del found["rms_norm_eps"]
    if kind == "granite":
        found |= {name: dice.choice(values) for name, values in MULTIPLIERS.items() if dice.random() < 0.6}
    if kind == "cohere" and dice.random() < 0.6:
        found["logit_scale"] = dice.choice([0.3, 2.0])
    if kind == "phi3":
        found |= {"sliding_window": dice.choice([None, 1, 3]), "pad_token_id": None}
    if kind == "smollm3":
        found |= still(layers, dice)
    if kind == "gemma2":
        found["hidden_activation"] = found.pop("hidden_act")
        found |= {"head_dim": dice.choice([4, 6]), "query_pre_attn_scalar": dice.choice([4, 9])}
        found |= {"sliding_window": dice.choice([1, 3, 50])}
        found |= {name: dice.choice([None, 0.5, 20.0]) for name in CAPS if dice.random() < 0.6}
        if dice.random() < 0.5:
            found["layer_types"] = [dice.choice(["full_attention", "sliding_attention"]) for _ in range(layers)]
    if kind == "gemma3_text":
        found["hidden_activation"] = found.pop("hidden_act")
        found |= {"head_dim": dice.choice([4, 6]), "query_pre_attn_scalar": dice.choice([4, 9])}
        found |= {"sliding_window": dice.choice([1, 3, 50])}
        found |= {"layer_types": [dice.choice(["full_attention", "sliding_attention"]) for _ in range(layers)]}
        if dice.random() < 0.5:
            found |= {"sliding_window_pattern": dice.choice([1, 2, 6])}
            found.pop("layer_types" if dice.random() < 0.7 else "sliding_window_pattern")
    if kind == "gpt_oss":
        found |= {
            "head_dim": dice.choice([4, 8]),
            "sliding_window": dice.choice([1, 3]),
            "swiglu_limit": dice.choice([0.7, 7.0]),
        }
        if dice.random() < 0.5:
            found["layer_types"] = [dice.choice(["full_attention", "sliding_attention"]) for _ in range(layers)]
    if kind.startswith("deepseek"):
        found |= latent(kind, heads, dice)
    if kind in EXPERTS:
        found |= {name: dice.choice(values) for name, values in EXPERTS[kind].items()}
        if kind.startswith("qwen") and dice.random() < 0.4:
            found |= {
                "mlp_only_layers": dice.choice([None, [], [0], [1, 5]]),
                "decoder_sparse_step": dice.choice([1, 2]),
            }
    if kind in ("mistral", "qwen2", "qwen3", "starcoder2", "mixtral", "qwen2_moe", "qwen3_moe"):
        found |= {"sliding_window": dice.choice([None, 1, 3, 3, 50])}
        if kind == "qwen3_moe":
            found["use_sliding_window"] = dice.random() < 0.6
        elif kind.startswith("qwen") and dice.random() < 0.6:
            found |= {"use_sliding_window": True, "max_window_layers": dice.choice([0, 1, 28])}
            if kind == "qwen2_moe":
                found["sliding_window"] = found["sliding_window"] or 2
            if found["sliding_window"] is not None and dice.random() < 0.4:
                found["layer_types"] = [dice.choice(["full_attention", "sliding_attention"]) for _ in range(layers)]
    return shared | found | rope(kind, dice)


def latent(kind: str, heads: int, dice: random.Random) -> Config:
    """DeepSeek: widths of heads and latents, and routing in groups or not."""
    found: Config = {"kv_lora_rank": dice.choice([3, 8]), "q_lora_rank": dice.choice([None, 6]), "v_head_dim": 3}
    found |= {"qk_nope_head_dim": dice.choice([2, 5]), "qk_rope_head_dim": dice.choice([2, 4])}
    found |= {"moe_intermediate_size": 6, "n_shared_experts": dice.choice([1, 2]), "n_routed_experts": 4}
    found |= {"num_experts_per_tok": dice.choice([1, 2]), "first_k_dense_replace": dice.choice([0, 1, 5])}
    found |= {"num_key_value_heads": dice.choice([None, heads]), "routed_scaling_factor": dice.choice([1.0, 2.5])}
    found |= {"n_group": 2, "topk_group": dice.choice([1, 2]), "attention_bias": dice.random() < 0.4}
    if kind == "deepseek_v2":
        return found | {"topk_method": dice.choice(["greedy", "group_limited_greedy"])}
    return found | {"rope_interleave": dice.random() < 0.7, "norm_topk_prob": dice.random() < 0.5, "num_mtp_layers": 0}


def still(layers: int, dice: random.Random) -> Config:
    """Layers without positions, in each way that SmolLM3 states them, and windows in them."""
    found: Config = dice.choice([{}, {"no_rope_layer_interval": dice.choice([1, 2, 4])}])
    if dice.random() < 0.5:
        found["no_rope_layers"] = [dice.choice([0, 1]) for _ in range(layers)]
    if dice.random() < 0.5:
        found |= {"use_sliding_window": True, "sliding_window": dice.choice([None, 1, 3])}
    return found | {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None}


def without_rope(kind: str, heads: int, layers: int, width: int, act: str, dice: random.Random) -> Config:
    """The sizes of GPT-2 and its kin, by either of their names, and of OPT."""
    context = dice.choice([8, 32])
    if kind == "bloom":
        found = {"hidden_size": 12, "n_head": heads, "n_layer": layers, "layer_norm_epsilon": dice.choice([1e-6, 1e-3])}
        return found | dice.choice([{}, {"seq_length": context}, {"n_embed": 12}, {"pretraining_tp": 2}])
    if kind == "mpt":
        found = {"d_model": 12, "n_heads": heads, "n_layers": layers, "max_seq_len": context}
        inside = dice.choice([{}, {"softmax_scale": 0.3}, {"alibi": True, "attn_impl": "torch", "clip_qkv": None}])
        return found | dice.choice([{}, {"attn_config": None}, {"attn_config": inside}, {"learned_pos_emb": False}])
    if kind == "opt":
        found = {"hidden_size": 12, "num_attention_heads": heads, "num_hidden_layers": layers, "ffn_dim": width}
        found |= {"activation_function": act, "max_position_embeddings": context, "enable_bias": dice.random() < 0.7}
        return found | dice.choice([{}, {"word_embed_proj_dim": None}, {"word_embed_proj_dim": 12}])
    if kind == "gpt_neo":
        found = {"hidden_size": 12, "num_heads": heads, "num_layers": layers, "max_position_embeddings": context}
        found |= {"intermediate_size": dice.choice([None, width]), "window_size": dice.choice([1, 3, 50])}
        kinds = [dice.choice([["global"], ["local"]]), ["global", "local"]][layers - 1]
        found |= {"attention_types": dice.choice([[[kinds, 1]], [[[kind], 1] for kind in kinds]])}
    else:
        found = {"n_embd": 12, "n_head": heads, "n_layer": layers, "n_positions": context}
        found |= {"n_inner": dice.choice([None, width])}
    if kind == "gpt_bigcode":
        found |= {"multi_query": dice.random() < 0.6, "scale_attn_weights": dice.random() < 0.7}
    if kind == "gptj":
        found["rotary_dim"] = dice.choice([size for size in (2, 4, 12) if size <= 12 // heads])
    found |= {"activation_function": act, "layer_norm_epsilon": 1e-4}
    for alias, name in ALIASES.items():
        own = {"n_head": "num_heads", "n_layer": "num_layers"}.get(name, "") if kind == "gpt_neo" else name
        if own and dice.random() < 0.15:
            found[alias] = found.pop(own) if dice.random() < 0.5 else found[own]
    return found


def groups(heads: int, layers: int, width: int, act: str, dice: random.Random) -> Config:
    """The shapes of Falcon: one key, a key for each head, groups, one norm or two."""
    found: Config = {"hidden_size": 16, "num_attention_heads": heads, "num_hidden_layers": layers, "activation": act}
    found |= {"max_position_embeddings": 64, "ffn_hidden_size": dice.choice([None, width]), "bias": dice.random() < 0.5}
    if dice.random() < 0.5:
        found |= {"new_decoder_architecture": True, "num_kv_heads": dice.choice([1, heads])}
        return found | dice.choice([{}, {"num_ln_in_parallel_attn": 1}, {"num_ln_in_parallel_attn": 2}])
    return found | {"multi_query": dice.random() < 0.5, "parallel_attn": dice.random() < 0.5}


def rope(kind: str, dice: random.Random) -> Config:
    """Rotary positions in one of the ways that older and newer configs state them."""
    theta, share = dice.choice([10_000.0, 500.0, 1000]), dice.choice(PARTIAL.get(kind, [1.0]))
    scaling = {} if kind == "phi3" else dice.choice([{}, {}, {"factor": 4.0}, LLAMA3])
    scaling = YARN if kind in STRETCHED and dice.random() < 0.2 else scaling
    name = "yarn" if scaling is YARN else "llama3" if len(scaling) > 1 else "linear" if scaling else "default"
    way = dice.randrange(4)
    if way == 0:
        return {}
    if kind == "gemma3_text":
        whole = {"rope_type": name, "rope_theta": theta, **scaling}
        local = dice.choice([{"rope_type": "default", "rope_theta": 70.0}, {"rope_type": "default"}])
        if way == 1:
            return {"rope_theta": theta, "rope_local_base_freq": 50.0} | (
                {"rope_scaling": {"rope_type": name, **scaling}} if scaling else {}
            )
        return {"rope_parameters": {"full_attention": whole, "sliding_attention": local}}
    outside = {"rope_theta": theta} if kind != "gpt_neox" else {"rotary_emb_base": theta, "rotary_pct": share}
    outside |= {"partial_rotary_factor": share} if kind in PARTIAL and kind != "gpt_neox" else {}
    if way == 1:
        old = dice.choice(["type", "rope_type"])
        return outside | {"rope_scaling": {old: name, **scaling} if scaling else None}
    inside = {"rope_type": name, "rope_theta": theta, **scaling}
    inside |= {"partial_rotary_factor": share} if kind in PARTIAL else {}
    return {"rope_parameters": inside} | (outside if way == 2 else {})


def changed(config: Config, dice: random.Random) -> Config:
    """One change of a config."""
    config, way = copy.deepcopy(config), dice.randrange(9)
    nested = [name for name in ("rope_parameters", "rope_scaling") if isinstance(config.get(name), dict)]
    nested += ["attn_config"] if isinstance(config.get("attn_config"), dict) else []
    here: Config = config[dice.choice(nested)] if nested and dice.random() < 0.4 else config
    present = sorted(set(here) - {"model_type", "hidden_size", "n_embd"})
    if way == 0 and (gone := [name for name in present if here is not config or name in DROPPED]):
        del here[dice.choice(gone)]
    elif way == 1 and present:
        here[dice.choice(present)] = None
    elif way == 2:
        name = dice.choice(sorted(STRANGE))
        here[name] = dice.choice([STRANGE[name], STRANGE[name], None])
    elif way == 3:
        name = dice.choice(sorted(PRIVATE))
        here[name] = PRIVATE[name]
    elif way == 4 and present:
        here[dice.choice(present)] = dice.choice(VALUES)
    elif way == 5:
        config |= rope(config["model_type"], dice)
    elif way == 6:
        number = dice.choice([1, 2, 3])
        kinds = ["full_attention", "sliding_attention", "attention", "chunked_attention", "linear_attention"]
        config["layer_types"] = [dice.choice(kinds[:3] if dice.random() < 0.9 else kinds) for _ in range(number)]
    elif way == 7:
        name = dice.choice(sorted(ALIASES) + sorted(ALIASES.values()))
        config[name] = dice.choice([1, 2, 12, 16, 64, None])
    else:
        name = dice.choice(sorted(SILENT))
        config[name] = dice.choice([SILENT[name], None, dice.choice(VALUES)])
    return config
