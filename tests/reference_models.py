"""Tiny random models of the `transformers` library, in float64, saved as it saves them: what ours are compared with.

The library rounds inside a float64 model: rotary cos and sin, RMSNorm and the softmax of attention go through
float32. ``exact`` takes these roundings out of a model (nothing else), so that agreement is to 1e-12 and not to
1e-7; angles of rotary positions stay products of float32, as ours are.
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor


@dataclass(frozen=True)
class Shape:
    """A named configuration of one ``model_type``."""

    name: str
    kind: str
    facts: dict[str, Any]

    def __str__(self) -> str:
        return self.name


def llama_like(layers: int, heads: int, kv: int, d: int, width: int, **more: Any) -> dict[str, Any]:
    sizes = {"num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv, "hidden_size": d}
    return sizes | {"intermediate_size": width, "vocab_size": 101, "max_position_embeddings": 64} | more


def neox(layers: int, heads: int, d: int, width: int, **more: Any) -> dict[str, Any]:
    sizes = {"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": d, "intermediate_size": width}
    return sizes | {"vocab_size": 101, "max_position_embeddings": 32} | more


def gpt2(layers: int, heads: int, d: int, **more: Any) -> dict[str, Any]:
    return {"n_layer": layers, "n_head": heads, "n_embd": d, "n_positions": 40, "vocab_size": 101} | more


def gemma(layers: int, heads: int, kv: int, d: int, width: int, **more: Any) -> dict[str, Any]:
    return llama_like(layers, heads, kv, d, width, **({"query_pre_attn_scalar": 8, "pad_token_id": None} | more))


def opt(layers: int, heads: int, d: int, width: int, **more: Any) -> dict[str, Any]:
    sizes = {"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": d, "ffn_dim": width}
    return sizes | {"vocab_size": 101, "max_position_embeddings": 40, "word_embed_proj_dim": d} | more


def gptneo(layers: int, heads: int, d: int, kinds: Any, **more: Any) -> dict[str, Any]:
    sizes = {"num_layers": layers, "num_heads": heads, "hidden_size": d, "attention_types": kinds}
    return sizes | {"vocab_size": 101, "max_position_embeddings": 40} | more


def bloom(layers: int, heads: int, d: int, **more: Any) -> dict[str, Any]:
    return {"n_layer": layers, "n_head": heads, "hidden_size": d, "vocab_size": 101} | more


def mpt(layers: int, heads: int, d: int, **more: Any) -> dict[str, Any]:
    return {"n_layers": layers, "n_heads": heads, "d_model": d, "max_seq_len": 40, "vocab_size": 101} | more


def falcon(layers: int, heads: int, d: int, **more: Any) -> dict[str, Any]:
    sizes = {"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": d, "vocab_size": 101}
    return sizes | {"max_position_embeddings": 40} | more


def qwen_moe(layers: int, heads: int, kv: int, d: int, experts: int, chosen: int, **more: Any) -> dict[str, Any]:
    sizes = {"num_experts": experts, "num_experts_per_tok": chosen, "moe_intermediate_size": 7}
    shared = {} if "shared" not in more else {"shared_expert_intermediate_size": more.pop("shared")}
    return llama_like(layers, heads, kv, d, 9, **sizes, **shared) | more


BY_LAYER = {
    "full_attention": {"rope_type": "linear", "rope_theta": 2000.0, "factor": 2.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 50.0},
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}


def oss(layers: int, heads: int, kv: int, d: int, experts: int, **more: Any) -> dict[str, Any]:
    sizes = {"num_local_experts": experts, "num_experts_per_tok": 2, "head_dim": 8, "sliding_window": 4}
    return llama_like(layers, heads, kv, d, 10, **(sizes | more))


def deepseek(layers: int, heads: int, d: int, experts: int, **more: Any) -> dict[str, Any]:
    inside = {"kv_lora_rank": 9, "q_lora_rank": 7, "qk_nope_head_dim": 5, "qk_rope_head_dim": 4, "v_head_dim": 6}
    routed = {"n_routed_experts": experts, "num_experts_per_tok": 2, "moe_intermediate_size": 5, "n_shared_experts": 2}
    return llama_like(layers, heads, heads, d, 11, **(inside | routed | more))


EVEN = {"kv_lora_rank": 10, "qk_nope_head_dim": 6}  # the reference turns odd strides in double precision alone
YARN = {"rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0, "original_max_position_embeddings": 16}
TIMES = {"embedding_multiplier": 3, "attention_multiplier": 0.4, "residual_multiplier": 0.22, "logits_scaling": 8.0}
UNPADDED = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
TIGHT = {"attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0}
SHAPES = [
    Shape("gpt2-tied", "gpt2", gpt2(2, 3, 24)),
    Shape("gpt2-untied-inner", "gpt2", gpt2(3, 2, 20, vocab_size=97, tie_word_embeddings=False, n_inner=52)),
    Shape("gpt2-relu-one-layer", "gpt2", gpt2(1, 5, 35, activation_function="relu", layer_norm_epsilon=1e-3)),
    Shape("gpt2-one-head", "gpt2", gpt2(2, 1, 7, activation_function="gelu")),
    Shape("neox-parallel-quarter", "gpt_neox", neox(2, 4, 32, 64, rotary_pct=0.25)),
    Shape("neox-sequential-full", "gpt_neox", neox(3, 2, 36, 48, rotary_pct=1.0, use_parallel_residual=False)),
    Shape("neox-half-tied", "gpt_neox", neox(2, 3, 36, 50, rotary_pct=0.5, tie_word_embeddings=True)),
    Shape("neox-no-attention-bias", "gpt_neox", neox(2, 3, 24, 30, attention_bias=False, hidden_act="gelu_new")),
    Shape("llama-groups-of-two", "llama", llama_like(2, 4, 2, 32, 64)),
    Shape(
        "llama3-one-key-head-tied",
        "llama",
        llama_like(2, 4, 1, 32, 40, head_dim=12, tie_word_embeddings=True, rope_parameters=LLAMA3),
    ),
    Shape(
        "llama-linear-biases",
        "llama",
        llama_like(3, 3, 3, 27, 41, head_dim=10, attention_bias=True, mlp_bias=True)
        | {"rope_parameters": {"rope_type": "linear", "rope_theta": 5000.0, "factor": 4.0}},
    ),
    Shape(
        "llama-yarn",
        "llama",
        llama_like(2, 2, 1, 24, 31, head_dim=12)
        | {"rope_parameters": YARN | {"beta_fast": 4.0, "beta_slow": 0.5, "truncate": False}},
    ),
    Shape("mistral-window", "mistral", llama_like(3, 4, 2, 32, 64, sliding_window=5)),
    Shape("mistral-window-of-one", "mistral", llama_like(2, 4, 1, 30, 33, head_dim=6, sliding_window=1)),
    Shape("mistral-no-window", "mistral", llama_like(2, 3, 3, 33, 20, head_dim=14, sliding_window=None)),
    Shape(
        "qwen2-some-windows",
        "qwen2",
        llama_like(3, 4, 2, 32, 64, use_sliding_window=True, sliding_window=6, max_window_layers=1),
    ),
    Shape(
        "qwen2-yarn",
        "qwen2",
        llama_like(1, 3, 3, 36, 20, rope_parameters=YARN | {"mscale": 1.0, "mscale_all_dim": 0.5, "factor": 2.5}),
    ),
    Shape("qwen2-tied", "qwen2", llama_like(2, 4, 1, 24, 31, tie_word_embeddings=True, rms_norm_eps=1e-3)),
    Shape("qwen2-all-keys", "qwen2", llama_like(2, 2, 2, 36, 50, hidden_act="gelu_pytorch_tanh")),
    Shape("qwen3-groups-of-two", "qwen3", llama_like(2, 4, 2, 32, 64, head_dim=10)),
    Shape("qwen3-tied-bias", "qwen3", llama_like(2, 3, 3, 21, 30, head_dim=8, attention_bias=True)),
    Shape(
        "qwen3-listed-windows",
        "qwen3",
        llama_like(3, 8, 2, 40, 24, head_dim=6, use_sliding_window=True, sliding_window=3, tie_word_embeddings=True)
        | {"layer_types": ["sliding_attention", "full_attention", "sliding_attention"]},
    ),
    Shape("gemma3-every-sixth", "gemma3_text", gemma(7, 4, 1, 24, 30, head_dim=8, sliding_window=4)),
    Shape(
        "gemma3-listed",
        "gemma3_text",
        gemma(3, 4, 2, 20, 33, head_dim=6, sliding_window=5, query_pre_attn_scalar=11, tie_word_embeddings=False)
        | {"layer_types": ["full_attention", "sliding_attention", "sliding_attention"], "vocab_size": 90}
        | {"rope_parameters": BY_LAYER},
    ),
    Shape("gemma3-all-local", "gemma3_text", gemma(2, 3, 3, 27, 20, head_dim=10, sliding_window=1)),
    Shape(
        "gemma3-none-local",
        "gemma3_text",
        gemma(1, 2, 1, 16, 40, head_dim=12, hidden_activation="silu", layer_types=["full_attention"]),
    ),
    Shape(
        "gemma3-older-keys",
        "gemma3_text",
        gemma(5, 2, 2, 18, 24, head_dim=4, sliding_window=40, sliding_window_pattern=2, rms_norm_eps=1e-3)
        | {"rope_theta": 5000.0, "rope_local_base_freq": 300.0, "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
    ),
    Shape("phi-half", "phi", llama_like(2, 4, 4, 32, 64)),
    Shape("phi-groups-of-two-quarter", "phi", llama_like(3, 4, 2, 48, 50, partial_rotary_factor=0.34)),
    Shape("phi-whole-one-key-head", "phi", llama_like(2, 3, 1, 30, 40, partial_rotary_factor=1.0, hidden_act="relu")),
    Shape("starcoder2-groups-of-two", "starcoder2", llama_like(2, 4, 2, 32, 64)),
    Shape(
        "starcoder2-window-no-biases",
        "starcoder2",
        llama_like(3, 3, 1, 30, 41, use_bias=False, sliding_window=4, tie_word_embeddings=False),
    ),
    Shape("starcoder2-narrow-window", "starcoder2", llama_like(1, 2, 2, 20, 33, sliding_window=1, hidden_act="relu")),
    Shape(
        "starcoder2-linear",
        "starcoder2",
        llama_like(2, 6, 3, 36, 24, norm_epsilon=1e-3)
        | {"rope_parameters": {"rope_type": "linear", "rope_theta": 900.0, "factor": 3.0}},
    ),
    Shape("gemma-one-key-head", "gemma", llama_like(2, 4, 1, 32, 40, head_dim=12)),
    Shape("gemma-untied", "gemma", llama_like(3, 3, 3, 27, 41, head_dim=6, tie_word_embeddings=False)),
    Shape("gemma-biases", "gemma", llama_like(1, 4, 2, 20, 24, head_dim=8, attention_bias=True, hidden_act="silu")),
    Shape(
        "gemma-linear-gelu",
        "gemma",
        llama_like(2, 2, 2, 18, 30, head_dim=10, hidden_act="gelu", rms_norm_eps=1e-3)
        | {"rope_parameters": {"rope_type": "linear", "rope_theta": 5000.0, "factor": 4.0}},
    ),
    Shape("arcee-groups-of-two", "arcee", llama_like(2, 4, 2, 32, 64)),
    Shape(
        "arcee-biases-tied",
        "arcee",
        llama_like(3, 3, 1, 27, 41, head_dim=6, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    ),
    Shape(
        "arcee-yarn", "arcee", llama_like(1, 2, 2, 20, 33, rms_norm_eps=1e-3, hidden_act="silu", rope_parameters=YARN)
    ),
    Shape("arcee-llama3", "arcee", llama_like(2, 5, 5, 40, 24, rope_parameters=LLAMA3)),
    Shape("ernie-groups-of-two", "ernie4_5", llama_like(2, 4, 2, 32, 64, head_dim=8)),
    Shape(
        "ernie-biases-untied",
        "ernie4_5",
        llama_like(3, 3, 1, 27, 41, head_dim=6, use_bias=True, tie_word_embeddings=False, rms_norm_eps=1e-3),
    ),
    Shape("ernie-yarn", "ernie4_5", llama_like(1, 2, 2, 20, 33, head_dim=10, hidden_act="gelu", rope_parameters=YARN)),
    Shape("ernie-llama3", "ernie4_5", llama_like(2, 5, 5, 40, 24, head_dim=12, rope_parameters=LLAMA3)),
    Shape("olmo-groups-of-two", "olmo", llama_like(2, 4, 2, 32, 64)),
    Shape(
        "olmo-tied-biases",
        "olmo",
        llama_like(3, 3, 3, 27, 41, tie_word_embeddings=True, attention_bias=True, head_dim=6),
    ),
    Shape("olmo-one-key-head", "olmo", llama_like(1, 4, 1, 24, 20, hidden_act="gelu")),
    Shape(
        "olmo-linear",
        "olmo",
        llama_like(2, 2, 2, 20, 33) | {"rope_parameters": {"rope_type": "linear", "rope_theta": 900.0, "factor": 3.0}},
    ),
    Shape("olmo2-groups-of-two", "olmo2", llama_like(2, 4, 2, 32, 64)),
    Shape("olmo2-one-key-head-tied", "olmo2", llama_like(3, 3, 1, 27, 41, head_dim=6, tie_word_embeddings=True)),
    Shape("olmo2-every-key", "olmo2", llama_like(1, 5, 5, 40, 24, rms_norm_eps=1e-3, hidden_act="relu")),
    Shape("olmo2-llama3", "olmo2", llama_like(2, 4, 2, 24, 30, head_dim=10, rope_parameters=LLAMA3)),
    Shape("granite-plain", "granite", llama_like(2, 4, 2, 32, 64)),
    Shape(
        "granite-all-multipliers", "granite", llama_like(3, 3, 1, 27, 41, head_dim=6, tie_word_embeddings=True, **TIMES)
    ),
    Shape("granite-biases", "granite", llama_like(1, 2, 2, 20, 33, attention_bias=True, mlp_bias=True, **TIMES)),
    Shape("granite-llama3", "granite", llama_like(2, 4, 4, 24, 30, residual_multiplier=0.3, rope_parameters=LLAMA3)),
    Shape("smollm3-every-fourth", "smollm3", llama_like(5, 4, 2, 32, 24, **UNPADDED)),
    Shape(
        "smollm3-listed-biases",
        "smollm3",
        llama_like(3, 3, 1, 27, 41, head_dim=6, no_rope_layers=[0, 1, 0, 1], tie_word_embeddings=False)
        | {"attention_bias": True, "mlp_bias": True, **UNPADDED},
    ),
    Shape(
        "smollm3-windows",
        "smollm3",
        llama_like(4, 4, 4, 24, 30, use_sliding_window=True, sliding_window=3, no_rope_layer_interval=2, **UNPADDED),
    ),
    Shape(
        "smollm3-all-still",
        "smollm3",
        llama_like(2, 2, 1, 20, 33, no_rope_layer_interval=1, sliding_window=4, **UNPADDED)
        | {"layer_types": ["full_attention", "sliding_attention"]},
    ),
    Shape("gemma2-in-turn", "gemma2", gemma(4, 4, 2, 24, 30, head_dim=8, sliding_window=4, **TIGHT)),
    Shape("gemma2-uncapped", "gemma2", gemma(2, 3, 1, 27, 33, head_dim=6, sliding_window=40, **dict.fromkeys(TIGHT))),
    Shape(
        "gemma2-listed",
        "gemma2",
        gemma(3, 2, 2, 20, 24, head_dim=10, sliding_window=1, query_pre_attn_scalar=11, tie_word_embeddings=False)
        | {"layer_types": ["full_attention", "sliding_attention", "sliding_attention"]}
        | {"attn_logit_softcapping": 0.7, "final_logit_softcapping": None},
    ),
    Shape(
        "gemma2-logits-capped",
        "gemma2",
        gemma(1, 2, 1, 16, 40, head_dim=12, hidden_activation="silu", rms_norm_eps=1e-3, sliding_window=3)
        | {"attn_logit_softcapping": None, "final_logit_softcapping": 2.0},
    ),
    Shape("phi3-groups-of-two", "phi3", llama_like(2, 4, 2, 32, 64, **UNPADDED)),
    Shape(
        "phi3-window-partial",
        "phi3",
        llama_like(3, 3, 1, 36, 41, sliding_window=4, partial_rotary_factor=0.5, tie_word_embeddings=True, **UNPADDED),
    ),
    Shape("phi3-narrow-window", "phi3", llama_like(1, 2, 2, 20, 33, sliding_window=1, head_dim=6, **UNPADDED)),
    Shape("phi3-every-key", "phi3", llama_like(2, 5, 5, 40, 24, rms_norm_eps=1e-3, hidden_act="gelu", **UNPADDED)),
    Shape("cohere-groups-of-two", "cohere", llama_like(2, 4, 2, 32, 64)),
    Shape(
        "cohere-normed",
        "cohere",
        llama_like(3, 4, 2, 24, 41, use_qk_norm=True, logit_scale=0.4, tie_word_embeddings=False),
    ),
    Shape("cohere-biases", "cohere", llama_like(1, 3, 1, 30, 33, attention_bias=True, logit_scale=1.0, head_dim=6)),
    Shape(
        "cohere-linear-normed",
        "cohere",
        llama_like(2, 2, 2, 20, 24, use_qk_norm=True, layer_norm_eps=1e-3)
        | {"rope_parameters": {"rope_type": "linear", "rope_theta": 900.0, "factor": 3.0}},
    ),
    Shape("nemotron-half", "nemotron", llama_like(2, 4, 2, 32, 64)),
    Shape(
        "nemotron-biases-tied",
        "nemotron",
        llama_like(3, 3, 1, 36, 41, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    ),
    Shape("nemotron-whole", "nemotron", llama_like(1, 2, 2, 20, 33, partial_rotary_factor=1.0, hidden_act="silu")),
    Shape("nemotron-wide-heads", "nemotron", llama_like(2, 4, 4, 24, 20, head_dim=12, norm_eps=1e-3)),
    Shape("bloom-eight-heads", "bloom", bloom(2, 8, 32)),
    Shape("bloom-three-heads-untied", "bloom", bloom(3, 3, 27, tie_word_embeddings=False, layer_norm_epsilon=1e-3)),
    Shape("bloom-twelve-heads", "bloom", bloom(1, 12, 36, pretraining_tp=4)),
    Shape("bloom-one-head", "bloom", bloom(2, 1, 7)),
    Shape("mpt-eight-heads", "mpt", mpt(2, 8, 32)),
    Shape("mpt-three-heads-untied", "mpt", mpt(3, 3, 27, tie_word_embeddings=False, layer_norm_epsilon=1e-3)),
    Shape("mpt-twelve-heads-scaled", "mpt", mpt(1, 12, 36, attn_config={"softmax_scale": 0.4})),
    Shape("mpt-one-head", "mpt", mpt(2, 1, 7)),
    Shape("falcon-one-key-head", "falcon", falcon(2, 3, 36)),
    Shape("falcon-groups-two-norms", "falcon", falcon(3, 6, 36, new_decoder_architecture=True, num_kv_heads=3)),
    Shape(
        "falcon-groups-one-norm-biases",
        "falcon",
        falcon(2, 4, 24, new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1, bias=True)
        | {"tie_word_embeddings": False, "activation": "relu", "ffn_hidden_size": 33},
    ),
    Shape(
        "falcon-in-turn-every-key",
        "falcon",
        falcon(2, 2, 20, parallel_attn=False, multi_query=False, bias=True, layer_norm_epsilon=1e-3),
    ),
    Shape(
        "falcon-in-turn-linear",
        "falcon",
        falcon(1, 4, 32, parallel_attn=False)
        | {"rope_parameters": {"rope_type": "linear", "rope_theta": 900.0, "factor": 3.0}},
    ),
    Shape("bigcode-one-key-head", "gpt_bigcode", gpt2(2, 3, 24)),
    Shape("bigcode-every-key-untied", "gpt_bigcode", gpt2(3, 2, 20, multi_query=False, tie_word_embeddings=False)),
    Shape("bigcode-unscaled-inner", "gpt_bigcode", gpt2(1, 5, 35, scale_attn_weights=False, n_inner=52)),
    Shape("bigcode-one-head", "gpt_bigcode", gpt2(2, 1, 7, activation_function="relu", layer_norm_epsilon=1e-3)),
    Shape("mixtral-two-of-four", "mixtral", llama_like(2, 4, 2, 32, 24, num_local_experts=4)),
    Shape(
        "mixtral-window-tied",
        "mixtral",
        llama_like(3, 3, 1, 27, 11, num_local_experts=5, num_experts_per_tok=3, head_dim=6, sliding_window=4)
        | {"tie_word_embeddings": True, "hidden_act": "gelu"},
    ),
    Shape("mixtral-one-expert", "mixtral", llama_like(1, 2, 2, 20, 33, num_local_experts=1, num_experts_per_tok=1)),
    Shape(
        "mixtral-linear-all",
        "mixtral",
        llama_like(2, 4, 4, 24, 7, num_local_experts=3, num_experts_per_tok=3, rms_norm_eps=1e-3)
        | {"rope_parameters": {"rope_type": "linear", "rope_theta": 900.0, "factor": 3.0}},
    ),
    Shape("qwen2-moe-four-of-eight", "qwen2_moe", qwen_moe(2, 4, 2, 32, 8, 4, shared=12)),
    Shape(
        "qwen2-moe-normalised-windows",
        "qwen2_moe",
        qwen_moe(3, 3, 1, 27, 4, 1, shared=5, norm_topk_prob=True, use_sliding_window=True, sliding_window=3)
        | {"max_window_layers": 3, "tie_word_embeddings": True, "head_dim": 6},
    ),
    Shape("qwen2-moe-no-biases", "qwen2_moe", qwen_moe(1, 2, 2, 20, 3, 3, shared=33, qkv_bias=False)),
    Shape(
        "qwen2-moe-listed-linear",
        "qwen2_moe",
        qwen_moe(2, 4, 4, 24, 5, 2, shared=1, hidden_act="gelu", use_sliding_window=True, sliding_window=2)
        | {"layer_types": ["full_attention", "sliding_attention"]}
        | {"rope_parameters": {"rope_type": "linear", "rope_theta": 900.0, "factor": 3.0}},
    ),
    Shape(
        "qwen2-moe-every-other-layer",
        "qwen2_moe",
        qwen_moe(4, 4, 2, 24, 6, 2, shared=9, decoder_sparse_step=2, mlp_only_layers=[3], intermediate_size=21),
    ),
    Shape(
        "qwen3-moe-some-layers",
        "qwen3_moe",
        qwen_moe(3, 2, 1, 20, 5, 2, mlp_only_layers=[0, 7, 2], intermediate_size=13, norm_topk_prob=True),
    ),
    Shape("qwen3-moe-no-layer", "qwen3_moe", qwen_moe(2, 2, 2, 20, 5, 2, decoder_sparse_step=3, intermediate_size=11)),
    Shape("qwen3-moe-normalised", "qwen3_moe", qwen_moe(2, 4, 2, 32, 8, 3, norm_topk_prob=True, head_dim=12)),
    Shape(
        "qwen3-moe-window-biases",
        "qwen3_moe",
        qwen_moe(3, 3, 1, 27, 4, 2, head_dim=6, use_sliding_window=True, sliding_window=4, attention_bias=True),
    ),
    Shape("qwen3-moe-one-tied", "qwen3_moe", qwen_moe(1, 2, 2, 20, 2, 1, tie_word_embeddings=True)),
    Shape("qwen3-moe-llama3", "qwen3_moe", qwen_moe(2, 4, 4, 24, 5, 5, rms_norm_eps=1e-3, rope_parameters=LLAMA3)),
    Shape("olmoe-two-of-four", "olmoe", llama_like(2, 4, 2, 32, 12, num_experts=4, num_experts_per_tok=2)),
    Shape(
        "olmoe-normalised-tied",
        "olmoe",
        llama_like(3, 3, 1, 30, 7, num_experts=5, num_experts_per_tok=3, norm_topk_prob=True)
        | {"tie_word_embeddings": True},
    ),
    Shape(
        "olmoe-biases-one",
        "olmoe",
        llama_like(1, 2, 2, 20, 9, num_experts=3, num_experts_per_tok=1, attention_bias=True),
    ),
    Shape(
        "olmoe-linear-all",
        "olmoe",
        llama_like(2, 4, 4, 24, 5, num_experts=2, num_experts_per_tok=2, hidden_act="gelu")
        | {"rope_parameters": {"rope_type": "linear", "rope_theta": 900.0, "factor": 3.0}},
    ),
    Shape("oss-in-turn", "gpt_oss", oss(3, 4, 2, 24, 4)),
    Shape(
        "oss-default-rope-wide-limit",
        "gpt_oss",
        oss(2, 3, 1, 27, 3, swiglu_limit=0.5, swiglu_alpha=1.1, head_dim=6, num_experts_per_tok=1, rms_norm_eps=1e-3)
        | {"rope_parameters": {"rope_type": "default", "rope_theta": 700.0}, "tie_word_embeddings": True},
    ),
    Shape(
        "oss-listed-no-biases",
        "gpt_oss",
        oss(2, 2, 2, 20, 5, attention_bias=False, sliding_window=2, num_experts_per_tok=5)
        | {"layer_types": ["full_attention", "sliding_attention"]},
    ),
    Shape("oss-all-full", "gpt_oss", oss(1, 4, 4, 32, 2, layer_types=["full_attention"], rope_parameters=YARN)),
    Shape("deepseek2-lite", "deepseek_v2", deepseek(2, 3, 27, 4, **EVEN, q_lora_rank=None, first_k_dense_replace=1)),
    Shape(
        "deepseek2-groups-biases",
        "deepseek_v2",
        deepseek(2, 2, 24, 6, attention_bias=True, topk_method="group_limited_greedy", n_group=3, topk_group=2)
        | {"routed_scaling_factor": 3.0, "tie_word_embeddings": True},
    ),
    Shape(
        "deepseek2-yarn",
        "deepseek_v2",
        deepseek(2, 4, 32, 3, v_head_dim=9, rope_parameters=YARN | {"mscale": 0.7, "mscale_all_dim": 0.7}),
    ),
    Shape("deepseek2-no-experts", "deepseek_v2", deepseek(1, 2, 20, 3, first_k_dense_replace=4, hidden_act="gelu")),
    Shape(
        "deepseek3-groups",
        "deepseek_v3",
        deepseek(3, 3, 27, 8, n_group=4, topk_group=2, first_k_dense_replace=1, num_mtp_layers=0),
    ),
    Shape(
        "deepseek3-halves-biases-lite",
        "deepseek_v3",
        deepseek(2, 2, 24, 4, n_group=2, topk_group=1, first_k_dense_replace=0, rope_interleave=False)
        | {"attention_bias": True, "q_lora_rank": None, "n_shared_experts": 1, "norm_topk_prob": False},
    ),
    Shape(
        "deepseek3-yarn",
        "deepseek_v3",
        deepseek(2, 4, 32, 6, n_group=1, topk_group=1, first_k_dense_replace=1, num_experts_per_tok=4)
        | {"rope_parameters": YARN | {"mscale": 1.0, "mscale_all_dim": 1.0}, "v_head_dim": 9},
    ),
    Shape(
        "deepseek3-no-experts-tied",
        "deepseek_v3",
        deepseek(2, 2, 20, 4, first_k_dense_replace=2, tie_word_embeddings=True, rms_norm_eps=1e-3),
    ),
    Shape("opt-tied", "opt", opt(2, 3, 24, 40)),
    Shape("opt-untied-gelu", "opt", opt(3, 2, 20, 33, tie_word_embeddings=False, activation_function="gelu")),
    Shape("opt-no-biases", "opt", opt(2, 1, 7, 12, enable_bias=False)),
    Shape("opt-one-layer", "opt", opt(1, 5, 35, 20, word_embed_proj_dim=35, max_position_embeddings=33)),
    Shape("gptneo-in-turn", "gpt_neo", gptneo(4, 3, 24, [[["global", "local"], 2]], window_size=3)),
    Shape("gptneo-global-untied", "gpt_neo", gptneo(2, 2, 20, [[["global"], 2]], tie_word_embeddings=False)),
    Shape("gptneo-local", "gpt_neo", gptneo(2, 4, 28, [[["local"], 2]], window_size=1, intermediate_size=30)),
    Shape(
        "gptneo-lists",
        "gpt_neo",
        gptneo(3, 1, 9, [[["local"], 1], [["global", "local"], 1]], window_size=50, layer_norm_epsilon=1e-3),
    ),
    Shape("gptj-some-turn", "gptj", gpt2(2, 3, 36, rotary_dim=4)),
    Shape("gptj-all-turn-tied", "gptj", gpt2(3, 2, 20, rotary_dim=10, tie_word_embeddings=True)),
    Shape("gptj-inner", "gptj", gpt2(1, 5, 40, rotary_dim=8, n_inner=33, activation_function="relu")),
    Shape("gptj-one-head", "gptj", gpt2(2, 1, 7, rotary_dim=6, layer_norm_epsilon=1e-3)),
    Shape("stablelm-quarter", "stablelm", llama_like(2, 4, 4, 64, 48)),
    Shape(
        "stablelm-parallel-biases",
        "stablelm",
        llama_like(3, 4, 2, 48, 50, use_parallel_residual=True, use_qkv_bias=True, partial_rotary_factor=0.5),
    ),
    Shape("stablelm-one-key-head-tied", "stablelm", llama_like(2, 3, 1, 48, 31, tie_word_embeddings=True)),
    Shape(
        "stablelm-whole",
        "stablelm",
        llama_like(1, 2, 2, 20, 33, partial_rotary_factor=1.0, hidden_act="gelu", layer_norm_eps=1e-3),
    ),
]


@cache
def library() -> Any:
    """The library; importing it is slow and warns, both once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        return transformers


def reference(shape: Shape, seed: int = 0) -> Any:
    """A random model in float64: biases that are not zero, gains that are not one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = library().AutoConfig.for_model(shape.kind, **shape.facts)
        config._attn_implementation = config._experts_implementation = "eager"
        model = library().AutoModelForCausalLM.from_config(config).double().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(0.2 * noise)
    return model


def save(model: Any, folder: Path, **how: Any) -> Path:
    """Write the model as the library does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(folder, **how)
    return folder


def opened(folder: Path) -> Any:
    """Let the library load a folder, in float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return library().AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def _turning(module: Any) -> Any:
    def forward(x: Tensor, position_ids: Tensor, layer_type: str | None = None) -> tuple[Tensor, Tensor]:
        inv_freq = module.inv_freq if layer_type is None else getattr(module, f"{layer_type}_inv_freq")
        stretch = getattr(module, "attention_scaling", 1.0) if layer_type is None else 1.0  # of YaRN
        angles = (position_ids[..., None].to(torch.float32) * inv_freq.to(torch.float32)).double()
        angles = angles[0] if angles.dim() == 4 else angles  # of three axes, which are alike for text
        if type(module).__name__.startswith("GptOss"):
            return (stretch * angles.cos()).to(x.dtype), (stretch * angles.sin()).to(x.dtype)
        if type(module).__name__.startswith("DeepseekV2"):
            return stretch * torch.polar(torch.ones_like(angles), angles)
        adjacent = type(module).__name__.startswith("Cohere")
        angles = angles.repeat_interleave(2, -1) if adjacent else torch.cat((angles, angles), -1)
        return (stretch * angles.cos()).to(x.dtype), (stretch * angles.sin()).to(x.dtype)

    return forward


def _rms(module: Any) -> Any:
    added = hasattr(module, "eps")  # Gemma's: a gain of 1 + w
    eps, gain = (module.eps, 1 + module.weight) if added else (module.variance_epsilon, module.weight)

    def forward(x: Tensor) -> Tensor:
        return gain * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))

    return forward


class Wide:
    """``torch``, where float32 is float64."""

    def __getattr__(self, name: str) -> Any:
        return torch.float64 if name == "float32" else getattr(torch, name)


def _adjacent(module: Any) -> Tensor:
    """Sines and cosines of GPT-J's angles, in float64; angles and frequencies have the digits that it gives them."""
    size = module.rotary_dim
    frequencies = 1.0 / (10000 ** (torch.arange(0, size, 2, dtype=torch.int64) / size))
    angles = torch.outer(torch.arange(module.max_positions, dtype=torch.int64).float(), frequencies).double()
    return torch.cat((angles.sin(), angles.cos()), 1)


def _turned_in_pairs(q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, ...]:
    """Cohere's queries and keys turned, without its rounding to float32."""

    def turned(x: Tensor) -> Tensor:
        beside = torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
        return x * cos[:, None] + beside * sin[:, None]

    return turned(q), turned(k)


def _falling(model: Any, home: Any) -> tuple[str, Any]:
    """What makes the biases of ALiBi, and products in float64 of the slopes that it takes in float32."""
    if type(model).__name__ == "BloomModel":
        slopes = home._get_alibi_slopes(model.num_heads, None).double()
        return "_get_alibi_slopes", lambda heads, device: slopes
    slopes = -home.build_mpt_alibi_tensor(model.num_heads, 2)[..., :1].double()
    return "build_mpt_alibi_tensor", lambda heads, length, *_, **__: slopes * torch.arange(1 - length, 1)


def _doubled(tensor: Tensor) -> Tensor:
    """A copy in float64: DeepSeek V2 views it as complex numbers."""
    return tensor.double().clone(memory_format=torch.contiguous_format)


@contextmanager
def exact(model: Any) -> Iterator[None]:
    """Within, the model computes in float64 what it would round to float32."""
    softmax = torch.nn.functional.softmax
    with pytest.MonkeyPatch.context() as patch:
        for module in model.modules():
            name = type(module).__name__
            if name.endswith("RotaryEmbedding"):
                patch.setattr(module, "forward", _turning(module))
            if name.endswith("RMSNorm"):
                patch.setattr(module, "forward", _rms(module))
            if name == "CohereAttention":
                patch.setattr(sys.modules[type(module).__module__], "apply_rotary_pos_emb", _turned_in_pairs)
            if name in ("OlmoLayerNorm", "CohereLayerNorm"):
                patch.setattr(sys.modules[type(module).__module__], "torch", Wide())
            if name in (
                "GPTJAttention",
                "GPTNeoSelfAttention",
                "DeepseekV2TopkRouter",
                "DeepseekV3TopkRouter",
            ):  # which computes scores in float32
                patch.setattr(sys.modules[type(module).__module__], "torch", Wide())
            if name in ("BloomModel", "MptModel"):
                home = sys.modules[type(module).__module__]
                patch.setattr(home, *_falling(module, home))
            if name in ("MptAttention", "MixtralTopKRouter", "DeepseekV2Attention", "Ernie4_5Attention"):
                patch.setattr(Tensor, "float", _doubled)
            if name == "GPTJAttention":
                patch.setitem(module._buffers, "embed_positions", _adjacent(module))
        patch.setattr(torch.nn.functional, "softmax", lambda x, dim=None, dtype=None, **_: softmax(x, dim=dim))
        yield


def outputs(model: Any, tokens: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Logits, patterns by layer [batch, head, query, key], and the stream before each layer."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = model(tokens, output_attentions=True, output_hidden_states=True, use_cache=False)
    return out.logits, list(out.attentions), list(out.hidden_states)[:-1]
