"""The facts of GGUF files whose Q, K and V are one matrix (GPT-2, GPT-NeoX, BLOOM, MPT, Falcon)."""

from typing import Any

from loadstore.checkpoints.families.gguf_facts import biased, layer_norm, needed, plain_sizes, rotary
from loadstore.checkpoints.families.gguf_keys import one_fact
from loadstore.checkpoints.gguf import GGUF


def gpt2(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """GPT-2."""
    plain_sizes(file, "gpt2", own)
    return _gpt(file, "gpt2", own) | {"model_type": "gpt2"}


def starcoder(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """GPT-BigCode (StarCoder 1): one key and one value for all heads."""
    plain_sizes(file, "starcoder", own, grouped=True)
    one_fact(file.path, **{"starcoder.attention.head_count_kv": own.get("attention.head_count_kv"), "one key head": 1})
    return _gpt(file, "starcoder", own) | {"model_type": "gpt_bigcode", "multi_query": True}


def _gpt(file: GGUF, kind: str, own: dict[str, Any]) -> dict[str, Any]:
    return {
        "n_layer": own.get("block_count"),
        "n_head": own.get("attention.head_count"),
        "n_embd": own.get("embedding_length"),
        "n_inner": own.get("feed_forward_length"),
        "n_positions": own.get("context_length"),
        "layer_norm_epsilon": layer_norm(file, kind, own),
    }


def neox(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """GPT-NeoX."""
    plain_sizes(file, "gptneox", own)
    return {
        "model_type": "gpt_neox",
        "num_hidden_layers": own.get("block_count"),
        "num_attention_heads": own.get("attention.head_count"),
        "hidden_size": own.get("embedding_length"),
        "intermediate_size": own.get("feed_forward_length"),
        "max_position_embeddings": own.get("context_length"),
        "layer_norm_eps": layer_norm(file, "gptneox", own),
        "use_parallel_residual": needed(file.path, "gptneox", own, "use_parallel_residual"),
        "attention_bias": biased(file)[0],
        "rope_parameters": rotary(file.path, "gptneox", own),
    }


def bloom(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """BLOOM."""
    plain_sizes(file, "bloom", own)
    _four_times(file, own)
    return {
        "model_type": "bloom",
        "n_layer": own.get("block_count"),
        "n_head": own.get("attention.head_count"),
        "hidden_size": own.get("embedding_length"),
        "seq_length": own.get("context_length"),
        "layer_norm_epsilon": layer_norm(file, "bloom", own),
    }


def mpt(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """MPT."""
    plain_sizes(file, "mpt", own)
    _four_times(file, own)
    falls = needed(file.path, "mpt", own, "attention.max_alibi_bias")
    return {
        "model_type": "mpt",
        "n_layers": own.get("block_count"),
        "n_heads": own.get("attention.head_count"),
        "d_model": own.get("embedding_length"),
        "max_seq_len": own.get("context_length"),
        "layer_norm_epsilon": layer_norm(file, "mpt", own),
        "attn_config": {"alibi": falls != 0, "alibi_bias_max": falls},
    }


def falcon(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Falcon: attention and MLP beside each other, behind one norm or one each."""
    plain_sizes(file, "falcon", own, grouped=True)
    heads = own.get("attention.head_count")
    return {
        "model_type": "falcon",
        "num_hidden_layers": own.get("block_count"),
        "num_attention_heads": heads,
        "num_kv_heads": own.get("attention.head_count_kv", heads),
        "new_decoder_architecture": True,  # so that every number of groups can be stated
        "num_ln_in_parallel_attn": 2 if "blk.0.attn_norm_2.weight" in file.stored else 1,
        "hidden_size": own.get("embedding_length"),
        "ffn_hidden_size": own.get("feed_forward_length"),
        "max_position_embeddings": own.get("context_length"),
        "layer_norm_epsilon": layer_norm(file, "falcon", own),
        "bias": any(biased(file)),
        "rope_parameters": rotary(file.path, "falcon", own),
    }


def _four_times(file: GGUF, own: dict[str, Any]) -> None:
    """Refuse another width of MLPs than that which the family always has."""
    d = own.get("embedding_length")
    stated = {"feed_forward_length": own.get("feed_forward_length")}
    one_fact(file.path, **stated, **({"4 · embedding_length": 4 * d} if type(d) is int else {}))
