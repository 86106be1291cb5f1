"""The facts of GGUF files with experts in the words of a config.json: Qwen, GPT-OSS and DeepSeek."""

from typing import Any

from loadstore.checkpoints.families.gguf_facts import biased, needed, normed, ratio, rms, rotary
from loadstore.checkpoints.gguf import GGUF
from loadstore.errors import NotThisModel
from loadstore.quote import quote

SOFTMAX, SIGMOID = 1, 2  # llama.cpp's numbers of what scores experts


def qwen2moe(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Qwen 2 with experts. Their weights are shares of all, as in the published models and in llama.cpp."""
    shared = own.get("expert_shared_feed_forward_length") or own.get("feed_forward_length")
    return _qwen(file, "qwen2moe", own) | {
        "model_type": "qwen2_moe",
        "num_experts": own.get("expert_count"),
        "shared_expert_intermediate_size": shared,
        "norm_topk_prob": False,
        "qkv_bias": biased(file)[0],
    }


def qwen3moe(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Qwen 3 with experts. Their weights are shares of those that are used."""
    return _qwen(file, "qwen3moe", own) | {
        "model_type": "qwen3_moe",
        "num_local_experts": own.get("expert_count"),
        "norm_topk_prob": True,
        "attention_bias": biased(file)[0],
    }


def olmoe(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """OLMoE. Weights of experts are shares of all, as in the published models and in llama.cpp."""
    return normed(file, "olmoe", own) | {
        "model_type": "olmoe",
        "num_experts": own.get("expert_count"),
        "num_experts_per_tok": own.get("expert_used_count"),
        "norm_topk_prob": False,
    }


def _qwen(file: GGUF, kind: str, own: dict[str, Any]) -> dict[str, Any]:
    used = own.get("expert_used_count")
    width = own.get("expert_feed_forward_length") or ratio(own.get("feed_forward_length"), used)
    common = normed(file, kind, own)
    return common | {"num_experts_per_tok": used, "moe_intermediate_size": width}


def gpt_oss(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """GPT-OSS. Its YaRN does not round to whole dimensions, as in ``transformers``; llama.cpp rounds."""
    return normed(file, "gpt-oss", own, {"truncate": False}) | {
        "model_type": "gpt_oss",
        "num_local_experts": own.get("expert_count"),
        "num_experts_per_tok": own.get("expert_used_count"),
        "intermediate_size": own.get("expert_feed_forward_length"),
        "sliding_window": needed(file.path, "gpt-oss", own, "attention.sliding_window"),
        "attention_bias": biased(file)[0],
    }


def deepseek2(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """DeepSeek V2, and V3, whose experts are scored by sigmoids.

    Files with two matrices of keys and values state widths of heads under names of their own, older ones do not.
    """
    key, turned = (own.get(name) for name in ("attention.key_length", "rope.dimension_count"))
    key, value = own.get("attention.key_length_mla", key), own.get("attention.value_length_mla")
    groups, strength = own.get("expert_group_count") or 1, 10 * own.get("rope.scaling.yarn_log_multiplier", 0.0)
    scored = own.get("expert_gating_func") or SOFTMAX
    if scored not in (SOFTMAX, SIGMOID):
        raise NotThisModel(
            f"{file.path} states deepseek2.expert_gating_func = {quote(scored, 40)}, which is not supported; supported "
            f"are {SOFTMAX} (softmax) and {SIGMOID} (sigmoid)"
        )
    by_kind: dict[str, Any] = {"model_type": "deepseek_v3", "n_group": groups}
    if scored == SOFTMAX:
        by_kind = {"model_type": "deepseek_v2", "n_group": groups}
        by_kind["topk_method"] = "greedy" if groups == 1 else "group_limited_greedy"
    return by_kind | {
        "num_hidden_layers": own.get("block_count"),
        "num_attention_heads": own.get("attention.head_count"),
        "num_key_value_heads": own.get("attention.head_count"),
        "hidden_size": own.get("embedding_length"),
        "intermediate_size": own.get("feed_forward_length"),
        "max_position_embeddings": own.get("context_length"),
        "rms_norm_eps": rms(file, "deepseek2", own),
        "rope_parameters": rotary(
            file.path, "deepseek2", own, {"mscale": strength, "mscale_all_dim": strength} if strength else {}
        ),
        "q_lora_rank": own.get("attention.q_lora_rank") or None,
        "kv_lora_rank": own.get("attention.kv_lora_rank"),
        "qk_rope_head_dim": turned,
        "qk_nope_head_dim": key - turned if type(key) is int and type(turned) is int else None,
        "v_head_dim": own.get("attention.value_length") if value is None else value,
        "n_routed_experts": own.get("expert_count"),
        "num_experts_per_tok": own.get("expert_used_count"),
        "moe_intermediate_size": own.get("expert_feed_forward_length"),
        "n_shared_experts": own.get("expert_shared_count"),
        "first_k_dense_replace": needed(file.path, "deepseek2", own, "leading_dense_block_count"),
        "topk_group": own.get("expert_group_used_count") or 1,
        "routed_scaling_factor": own.get("expert_weights_scale") or 1.0,
        "norm_topk_prob": own.get("expert_weights_norm", False),
    }
