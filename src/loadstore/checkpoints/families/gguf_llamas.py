"""The facts of GGUF files of Llama and its kin in the words of a config.json."""

from typing import Any

from loadstore.checkpoints.families.gguf_facts import (
    biased,
    layer_norm,
    needed,
    normed,
    ratio,
    rms,
    rotary,
    single,
    sizes,
    turning,
    width_of_head,
)
from loadstore.checkpoints.families.gguf_keys import one_fact
from loadstore.checkpoints.families.gguf_read import LAYER
from loadstore.checkpoints.families.olmo import EPS
from loadstore.checkpoints.families.scaling import FULL, SLIDING
from loadstore.checkpoints.gguf import GGUF

LARGEST = {"gemma2": 46, "gemma3": 62}  # layers of the models of 27 billion numbers, whose scale of scores differs


def llama(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Llama, Mistral, whose every layer slides where a window is stated, and Mixtral."""
    common = normed(file, "llama", own)
    slides = own.get("attention.sliding_window") or None
    if own.get("expert_count", 0) != 0:
        counts = {"num_local_experts": own["expert_count"], "num_experts_per_tok": own.get("expert_used_count")}
        return common | counts | {"model_type": "mixtral", "sliding_window": slides}
    if slides:
        return common | {"model_type": "mistral", "sliding_window": slides}
    attention, inside = biased(file)
    return common | {"model_type": "llama", "attention_bias": attention, "mlp_bias": inside, "sliding_window": None}


def qwen(kind: str, file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Qwen 2 and 3; every layer slides where a window is stated."""
    slides = own.get("attention.sliding_window") or None
    window = {"use_sliding_window": slides is not None, "sliding_window": slides, "max_window_layers": 0}
    biases = {"attention_bias": biased(file)[0]} if kind == "qwen3" else {}
    return normed(file, kind, own) | window | biases | {"model_type": kind}


def phi3(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Phi-3. A window is that of the published model; llama.cpp leaves it out."""
    window = {"model_type": "phi3", "sliding_window": own.get("attention.sliding_window") or None}
    return normed(file, "phi3", own) | window


def gemma(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Gemma 1."""
    return normed(file, "gemma", own) | {"model_type": "gemma"}


def gemma2(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Gemma 2. llama.cpp lets every other layer slide, and has the caps of the published models by default."""
    return normed(file, "gemma2", own) | {
        "model_type": "gemma2",
        "query_pre_attn_scalar": _scalar("gemma2", own),
        "sliding_window": own.get("attention.sliding_window", 4096),
        "attn_logit_softcapping": own.get("attn_logit_softcapping", 50.0),
        "final_logit_softcapping": own.get("final_logit_softcapping", 30.0),
    }


def gemma3(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Gemma 3. llama.cpp lets all layers but every sixth slide, and turns those by 10,000 by default."""
    common = normed(file, "gemma3", own)
    local = {"rope_type": "default", "rope_theta": own.get("rope.freq_base_swa", 10_000.0)}
    return common | {
        "model_type": "gemma3_text",
        "query_pre_attn_scalar": _scalar("gemma3", own),
        "sliding_window": needed(file.path, "gemma3", own, "attention.sliding_window"),
        "rope_parameters": {FULL: common["rope_parameters"], SLIDING: local},
    }


def _scalar(kind: str, own: dict[str, Any]) -> Any:
    """The width of a head, but the share of d_model in the largest model."""
    largest = own.get("block_count") == LARGEST[kind]
    return ratio(own.get("embedding_length"), own.get("attention.head_count")) if largest else width_of_head(own)


def starcoder2(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """StarCoder 2."""
    common = turning(file, "starcoder2", own, norm_epsilon=layer_norm(file, "starcoder2", own))
    return common | {"model_type": "starcoder2", "use_bias": any(biased(file))}


def arcee(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Arcee."""
    attention, inside = biased(file)
    common = normed(file, "arcee", own)
    return common | {"model_type": "arcee", "attention_bias": attention, "mlp_bias": inside}


def ernie(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """ERNIE 4.5."""
    common = normed(file, "ernie4_5", own)
    return common | {"model_type": "ernie4_5", "use_bias": any(biased(file))}


def phi2(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Phi 1 and 2."""
    return turning(file, "phi2", own, layer_norm_eps=layer_norm(file, "phi2", own)) | {"model_type": "phi"}


def olmo(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """OLMo 1, whose norms have one ε in all models."""
    one_fact(file.path, **{f"olmo.{LAYER}": layer_norm(file, "olmo", own), "ε of OLMo 1": single(EPS)})
    return turning(file, "olmo", own) | {"model_type": "olmo"}


def olmo2(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """OLMo 2."""
    return normed(file, "olmo2", own) | {"model_type": "olmo2"}


def stablelm(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """StableLM. Attention and MLP are beside each other where there is no norm before the MLP, as in llama.cpp."""
    return turning(file, "stablelm", own, layer_norm_eps=layer_norm(file, "stablelm", own)) | {
        "model_type": "stablelm",
        "use_qkv_bias": biased(file)[0],
        "use_parallel_residual": "blk.0.ffn_norm.weight" not in file.stored,
    }


def cohere(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Command R."""
    return turning(file, "command-r", own, layer_norm_eps=layer_norm(file, "command-r", own)) | {
        "model_type": "cohere",
        "logit_scale": own.get("logit_scale") or 1.0,
        "use_qk_norm": "blk.0.attn_q_norm.weight" in file.stored,
        "attention_bias": biased(file)[0],
    }


def granite(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Granite. Multipliers of 0 are those that are not stated."""
    attention, inside = biased(file)
    d_head = width_of_head(own)
    usual = d_head**-0.5 if type(d_head) is int and d_head > 0 else None
    return sizes(file, own) | {
        "model_type": "granite",
        "rms_norm_eps": rms(file, "granite", own),
        "rope_parameters": rotary(file.path, "granite", own),
        "attention_multiplier": own.get("attention.scale") or usual,
        "embedding_multiplier": own.get("embedding_scale") or 1.0,
        "residual_multiplier": own.get("residual_scale") or 1.0,
        "logits_scaling": needed(file.path, "granite", own, "logit_scale"),
        "attention_bias": attention,
        "mlp_bias": inside,
    }


def smollm3(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """SmolLM3. Every fourth layer does not turn, as in llama.cpp."""
    attention, inside = biased(file)
    return normed(file, "smollm3", own) | {
        "model_type": "smollm3",
        "no_rope_layer_interval": 4,
        "attention_bias": attention,
        "mlp_bias": inside,
    }


def nemotron(file: GGUF, own: dict[str, Any]) -> dict[str, Any]:
    """Nemotron."""
    attention, inside = biased(file)
    common = turning(file, "nemotron", own, norm_eps=layer_norm(file, "nemotron", own))
    return common | {"model_type": "nemotron", "attention_bias": attention, "mlp_bias": inside}
