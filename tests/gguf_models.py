"""Tiny models of `transformers` as GGUF files, as llama.cpp's converter writes them.

Names of tensors are those of the `gguf` package's map. What the converter does to tensors, and the facts that it
states, are written down here once more, from `conversion/*.py` of llama.cpp.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import gguf
import torch
from gguf import MODEL_ARCH
from gguf_files import BOOL, F32, TEXT, U32, File
from reference_models import Shape, bloom, deepseek, falcon, gpt2, llama_like, mpt, neox, oss, qwen_moe, reference
from torch import Tensor

EPS = 2.0**-17  # exact in float32, as all numbers here
KIN: dict[str, Any] = {"rms_norm_eps": EPS, "rope_parameters": {"rope_type": "default", "rope_theta": 1000.0}}
PARTLY = {"rope_parameters": {"rope_type": "default", "rope_theta": 1000.0, "partial_rotary_factor": 0.5}}
STRETCHED = {"rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0, "original_max_position_embeddings": 16}
UNPADDED = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None}


@dataclass(frozen=True)
class Case:
    """A model, its architecture in GGUF, and how far its logits may be off, relative to the largest."""

    shape: Shape
    arch: MODEL_ARCH
    tolerance: float = 1e-8

    @property
    def name(self) -> str:
        return gguf.MODEL_ARCH_NAMES[self.arch]


def case(arch: MODEL_ARCH, kind: str, facts: dict[str, Any], tolerance: float = 1e-8, more: str = "") -> Case:
    return Case(Shape(f"{kind}{more}", kind, facts), arch, tolerance)


LIKE = llama_like(2, 4, 2, 32, 24)
GROUPED = {"new_decoder_architecture": True, "num_kv_heads": 2, "layer_norm_epsilon": EPS}
CASES = {
    one.shape.name: one
    for one in (
        case(MODEL_ARCH.LLAMA, "mixtral", LIKE | KIN | {"num_local_experts": 4}),
        case(MODEL_ARCH.PHI3, "phi3", LIKE | KIN | PARTLY | UNPADDED | {"sliding_window": 3}),
        case(MODEL_ARCH.GEMMA, "gemma", LIKE | KIN | {"head_dim": 12}),
        case(
            MODEL_ARCH.GEMMA2,
            "gemma2",
            llama_like(3, 4, 2, 32, 24, head_dim=8, query_pre_attn_scalar=8, sliding_window=4, pad_token_id=None)
            | KIN
            | {"attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0},
        ),
        case(MODEL_ARCH.QWEN2MOE, "qwen2_moe", qwen_moe(2, 4, 2, 32, 5, 2, shared=6) | KIN),
        case(MODEL_ARCH.QWEN3MOE, "qwen3_moe", qwen_moe(2, 4, 2, 32, 5, 2, norm_topk_prob=True, head_dim=12) | KIN),
        case(MODEL_ARCH.STARCODER2, "starcoder2", LIKE | {"norm_epsilon": EPS, "rope_theta": 1000.0}),
        case(MODEL_ARCH.ARCEE, "arcee", LIKE | KIN),
        case(MODEL_ARCH.ERNIE4_5, "ernie4_5", LIKE | KIN | {"head_dim": 12}),
        case(MODEL_ARCH.PHI2, "phi", llama_like(2, 4, 4, 32, 128, layer_norm_eps=EPS) | PARTLY),
        case(MODEL_ARCH.STARCODER, "gpt_bigcode", gpt2(2, 3, 24, layer_norm_epsilon=EPS)),
        case(MODEL_ARCH.OLMO, "olmo", LIKE | KIN),
        case(MODEL_ARCH.OLMO2, "olmo2", LIKE | KIN),
        case(MODEL_ARCH.OLMOE, "olmoe", llama_like(2, 4, 2, 32, 12, num_experts=4, num_experts_per_tok=2) | KIN),
        case(MODEL_ARCH.FALCON, "falcon", falcon(2, 4, 32, **GROUPED)),
        case(MODEL_ARCH.FALCON, "falcon", falcon(2, 4, 32, num_ln_in_parallel_attn=1, **GROUPED), more="-one-norm"),
        case(MODEL_ARCH.BLOOM, "bloom", bloom(2, 3, 24, seq_length=40, layer_norm_epsilon=EPS), 1e-6),
        case(MODEL_ARCH.MPT, "mpt", mpt(2, 3, 24, layer_norm_epsilon=EPS)),
        case(MODEL_ARCH.GPTNEOX, "gpt_neox", neox(2, 3, 36, 20, rotary_pct=0.5, layer_norm_eps=EPS)),
        case(MODEL_ARCH.STABLELM, "stablelm", LIKE | PARTLY | {"use_qkv_bias": True, "layer_norm_eps": EPS}),
        case(
            MODEL_ARCH.STABLELM,
            "stablelm",
            LIKE | PARTLY | {"use_parallel_residual": True, "layer_norm_eps": EPS},
            more="-parallel",
        ),
        case(MODEL_ARCH.COMMAND_R, "cohere", LIKE | KIN | {"logit_scale": 0.25, "use_qk_norm": True}),
        case(
            MODEL_ARCH.GRANITE,
            "granite",
            LIKE
            | KIN
            | {"embedding_multiplier": 3.0, "attention_multiplier": 0.375, "logits_scaling": 4.0}
            | {"residual_multiplier": 0.25, "attention_bias": True},
        ),
        case(
            MODEL_ARCH.GPT_OSS,
            "gpt_oss",
            oss(3, 4, 2, 32, 4, rope_parameters=STRETCHED | {"truncate": False}, rms_norm_eps=EPS),
        ),
        case(
            MODEL_ARCH.DEEPSEEK2,
            "deepseek_v2",
            deepseek(2, 3, 27, 4, kv_lora_rank=10, qk_nope_head_dim=6, first_k_dense_replace=1, rms_norm_eps=EPS)
            | {"rope_parameters": STRETCHED | {"mscale": 0.625, "mscale_all_dim": 0.625}, "q_lora_rank": None},
            1e-5,
        ),
        case(
            MODEL_ARCH.DEEPSEEK2,
            "deepseek_v3",
            deepseek(2, 3, 27, 8, n_group=4, topk_group=2, first_k_dense_replace=1, num_mtp_layers=0) | KIN,
            1e-5,
        ),
        case(MODEL_ARCH.SMOLLM3, "smollm3", llama_like(4, 4, 2, 32, 24) | KIN | UNPADDED),
        case(MODEL_ARCH.NEMOTRON, "nemotron", LIKE | PARTLY | {"norm_eps": EPS, "attention_bias": True}),
    )
}


@cache
def rounded(name: str) -> Any:
    """A random model in float64, whose numbers, and the gains of 1 + w, are exact in float32."""
    model = reference(CASES[name].shape)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.copy_((tensor * 2**14).round() / 2**14)
    return model


@cache
def converted(name: str) -> File:
    """The file of a case, without a vocabulary."""
    one, model = CASES[name], rounded(name)
    kind = one.shape.kind
    config = model.config
    layers = getattr(config, "num_hidden_layers", 0)
    names = gguf.get_tensor_name_map(one.arch, layers)
    facts = {**base_facts(config), **FACTS.get(kind, lambda _: {})(config)}
    file = File((("general.architecture", TEXT, one.name), ("general.alignment", U32, 32)))
    for fact, value in facts.items():
        file = file.with_fact(f"{one.name}.{fact}", type_of(value), value)
    tied = config.tie_word_embeddings
    for key, tensor in model.state_dict().items():
        if tied and key.endswith(("lm_head.weight", "embed_out.weight")):
            continue
        for new, changed in TENSORS.get(kind, unchanged)(key, tensor, config):
            named = names.get_name(new.removeprefix("transformer.") if kind == "bloom" else new, (".weight", ".bias"))
            assert named is not None, new
            file = file.with_tensor(named, changed.float().numpy())
    return file


def type_of(value: object) -> int:
    return (
        BOOL if isinstance(value, bool) else TEXT if isinstance(value, str) else U32 if isinstance(value, int) else F32
    )


def base_facts(config: Any) -> dict[str, Any]:
    """What the converter states of every model."""

    def first(*names: str) -> Any:
        return next((value for name in names if (value := getattr(config, name, None)) is not None), None)

    rope = getattr(config, "rope_parameters", None) or {}
    kind = rope.get("rope_type")
    stated = {
        "block_count": first("num_hidden_layers"),
        "context_length": first("max_position_embeddings"),
        "embedding_length": first("hidden_size"),
        "feed_forward_length": first("intermediate_size"),
        "attention.head_count": first("num_attention_heads"),
        "attention.head_count_kv": first("num_key_value_heads"),
        "rope.scaling.type": kind if kind in ("linear", "yarn") else None,
        "rope.scaling.factor": rope.get("factor"),
        "rope.scaling.original_context_length": rope.get("original_max_position_embeddings"),
        "rope.freq_base": rope.get("rope_theta"),
        "attention.layer_norm_rms_epsilon": first("rms_norm_eps", "norm_eps"),
        "attention.layer_norm_epsilon": first("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"),
        "expert_count": first("num_local_experts", "num_experts"),
        "expert_used_count": first("num_experts_per_tok"),
        "expert_group_count": first("n_group"),
        "expert_group_used_count": first("topk_group"),
        "attention.key_length": first("head_dim"),
        "attention.value_length": first("head_dim"),
    }
    return {name: float(value) if "epsilon" in name else value for name, value in stated.items() if value is not None}


def turned(config: Any) -> int:
    return int(config.rope_parameters["partial_rotary_factor"] * config.hidden_size) // config.num_attention_heads


def of_deepseek(config: Any) -> dict[str, Any]:
    third = config.model_type == "deepseek_v3"
    rank, rope = config.kv_lora_rank, config.rope_parameters
    facts = {
        "attention.head_count_kv": 1,
        "leading_dense_block_count": config.first_k_dense_replace,
        "attention.kv_lora_rank": rank,
        "attention.key_length": rank + config.qk_rope_head_dim,
        "attention.value_length": rank,
        "attention.key_length_mla": config.qk_nope_head_dim + config.qk_rope_head_dim,
        "attention.value_length_mla": config.v_head_dim,
        "expert_feed_forward_length": config.moe_intermediate_size,
        "expert_count": config.n_routed_experts,
        "expert_shared_count": config.n_shared_experts,
        "expert_weights_scale": float(config.routed_scaling_factor),
        "rope.dimension_count": config.qk_rope_head_dim,
    }
    facts |= {"attention.q_lora_rank": config.q_lora_rank} if config.q_lora_rank else {}
    facts |= {"expert_weights_norm": True, "expert_gating_func": 2} if third else {}
    if "mscale_all_dim" in rope:
        facts["rope.scaling.yarn_log_multiplier"] = 0.1 * rope["mscale_all_dim"]
    return facts


FACTS: dict[str, Callable[[Any], dict[str, Any]]] = {  # by model_type: what it states besides, or otherwise
    "phi3": lambda c: {"rope.dimension_count": turned(c), "attention.sliding_window": c.sliding_window},
    "gemma2": lambda c: {
        "attn_logit_softcapping": c.attn_logit_softcapping,
        "final_logit_softcapping": c.final_logit_softcapping,
        "attention.sliding_window": c.sliding_window,
    },
    "qwen2_moe": lambda c: {
        "expert_feed_forward_length": c.moe_intermediate_size,
        "expert_shared_feed_forward_length": c.shared_expert_intermediate_size,
    },
    "qwen3_moe": lambda c: {"expert_feed_forward_length": c.moe_intermediate_size},
    "falcon": lambda c: {
        "context_length": 2048,
        "tensor_data_layout": "jploski",
        "feed_forward_length": 4 * c.hidden_size,
        "attention.head_count_kv": c.num_kv_heads,
    },
    "bloom": lambda c: {
        "context_length": c.seq_length,
        "feed_forward_length": 4 * c.hidden_size,
        "attention.head_count_kv": c.n_head,
    },
    "mpt": lambda c: {
        "context_length": c.max_seq_len,
        "feed_forward_length": 4 * c.d_model,
        "attention.max_alibi_bias": 8.0,
    },
    "gpt_neox": lambda c: {
        "rope.dimension_count": int(
            c.rope_parameters["partial_rotary_factor"] * c.hidden_size // c.num_attention_heads
        ),
        "use_parallel_residual": c.use_parallel_residual,
    },
    "stablelm": lambda c: {"rope.dimension_count": turned(c), "use_parallel_residual": True},
    "phi": lambda c: {"feed_forward_length": 4 * c.hidden_size, "rope.dimension_count": turned(c)},
    "gpt_bigcode": lambda c: {
        "context_length": c.n_positions,
        "feed_forward_length": 4 * c.n_embd,
        "attention.head_count_kv": 1,
    },
    "olmo": lambda c: {"attention.layer_norm_epsilon": 1e-5},
    "cohere": lambda c: {"logit_scale": c.logit_scale, "rope.scaling.type": "none"},
    "granite": lambda c: {
        "attention.scale": c.attention_multiplier,
        "embedding_scale": c.embedding_multiplier,
        "residual_scale": c.residual_multiplier,
        "logit_scale": c.logits_scaling,
        "rope.dimension_count": c.hidden_size // c.num_attention_heads,
    },
    "smollm3": lambda c: {"rope.dimension_count": c.hidden_size // c.num_attention_heads},
    "gpt_oss": lambda c: {
        "attention.sliding_window": c.sliding_window,
        "expert_feed_forward_length": c.intermediate_size,
    },
    "deepseek_v2": of_deepseek,
    "deepseek_v3": of_deepseek,
    "nemotron": lambda c: {
        "attention.layer_norm_epsilon": c.norm_eps,
        "rope.dimension_count": turned(c),
        "rope.scaling.type": "none",
    },
}
Tensors = Iterator[tuple[str, Tensor]]


def unchanged(name: str, tensor: Tensor, config: Any) -> Tensors:
    yield name, tensor


def permuted(name: str, tensor: Tensor, config: Any) -> Tensors:
    """Llama's queries and keys, with the two dimensions of a rotary pair side by side."""
    for new, part in split_experts(name, tensor, config):
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(new.split(".")[-2])
        if heads is not None:
            part = part.reshape(heads, 2, len(part) // heads // 2, *part.shape[1:]).swapaxes(1, 2).reshape(part.shape)
        yield new, part


def added(name: str, tensor: Tensor, config: Any) -> Tensors:
    yield name, tensor + 1 if name.endswith("norm.weight") else tensor


def split_experts(name: str, tensor: Tensor, config: Any) -> Tensors:
    """Experts in three tensors."""
    if name.endswith("experts.gate_up_proj"):
        for part, new in zip(tensor.chunk(2, 1), ("gate_proj", "up_proj"), strict=True):
            yield name.replace("gate_up_proj", f"{new}.weight"), part
    else:
        yield f"{name}.weight" if name.endswith("experts.down_proj") else name, tensor


def alternating(name: str, tensor: Tensor, config: Any) -> Tensors:
    """GPT-OSS: columns of gate and input in turn, and matrices transposed."""
    ending = "bias" if name.endswith("_bias") else "weight"
    tensor = tensor.mT if name.endswith("_proj") else tensor
    stem = name.removesuffix("_bias")
    if stem.endswith("gate_up_proj"):
        yield f"{stem.replace('gate_up', 'gate')}.{ending}", tensor[:, ::2]
        yield f"{stem.replace('gate_up', 'up')}.{ending}", tensor[:, 1::2]
    elif "experts" in stem:
        yield f"{stem}.{ending}", tensor
    else:
        yield f"{name}.weight" if name.endswith("sinks") else name, tensor


def latent(name: str, tensor: Tensor, config: Any) -> Tensors:
    """DeepSeek: keys and values apart, those of keys transposed."""
    if name.endswith("kv_b_proj.weight"):
        heads, plain, value = config.num_attention_heads, config.qk_nope_head_dim, config.v_head_dim
        keys, values = tensor.view(heads, plain + value, -1).split([plain, value], 1)
        yield name.replace("kv_b", "k_b"), keys.mT
        yield name.replace("kv_b", "v_b"), values
    else:
        name = name.replace("e_score_correction_bias", "e_score_correction.bias")
        yield from split_experts(name, tensor, config)


def regrouped(groups: Callable[[Any], int]) -> Callable[[str, Tensor, Any], Tensors]:
    """Q, K and V one below the other, from groups."""

    def change(name: str, tensor: Tensor, config: Any) -> Tensors:
        if "query_key_value" in name:
            kv, heads = groups(config), config.num_attention_heads
            parts = tensor.view(kv, heads // kv + 2, config.hidden_size // heads, *tensor.shape[1:])
            tensor = torch.cat([part.flatten(0, 2) for part in (parts[:, :-2], parts[:, -2:-1], parts[:, -1:])])
        yield name, tensor

    return change


TENSORS: dict[str, Callable[[str, Tensor, Any], Tensors]] = {
    **dict.fromkeys(("mixtral", "granite", "smollm3", "olmo", "arcee"), permuted),
    **dict.fromkeys(("gemma", "gemma2", "nemotron"), added),
    **dict.fromkeys(("qwen2_moe", "qwen3_moe", "olmoe"), split_experts),
    **dict.fromkeys(("deepseek_v2", "deepseek_v3"), latent),
    "gpt_oss": alternating,
    "falcon": regrouped(lambda config: config.num_kv_heads),
    **dict.fromkeys(("bloom", "gpt_neox"), regrouped(lambda config: config.num_attention_heads)),
}
