"""The meaning of each key of a GGUF file: read, without effect on a prediction, or refused unless it is neutral.

The names below an architecture's are llama.cpp's (``gguf.constants.Keys``; ``tests/checkpoints/test_gguf_keys.py``
holds the lists complete). A key that no list has is refused by its name.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

from loadstore.checkpoints.families.gguf_read import LAYER, READ, RMS, ROTARY
from loadstore.checkpoints.vocabulary import PREFIX
from loadstore.checkpoints.vocabulary import READ as SPOKEN
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.quote import quote, some

IDLE = frozenset(  # of no effect on the logits of these architectures in llama.cpp
    (
        *(RMS, LAYER, "attention.group_norm_epsilon", "attention.group_norm_groups"),  # of the other kinds of norm
        *("tensor_data_layout", "pooling_type", "classifier.output_labels"),
        *("rope.scaling.original_context_length", "rope.scaling.finetuned"),  # of other kinds of scaling
        *("rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow"),
    )
)
ZERO: tuple[object, ...] = (0, False)
ONE: tuple[object, ...] = (1,)
NEUTRAL: dict[str, tuple[object, ...]] = {
    **dict.fromkeys(
        (
            *("features_length", "decoder_start_token_id", "decoder_block_count", "use_parallel_residual", "swin_norm"),
            *("expert_count", "expert_used_count", "expert_feed_forward_length", "expert_shared_feed_forward_length"),
            *("expert_chunk_feed_forward_length", "expert_shared_count", "expert_group_count", "moe_latent_size"),
            *("expert_group_used_count", "nextn_predict_layers", "n_deepstack_layers", "full_attention_interval"),
            *("attn_logit_softcapping", "router_logit_softcapping", "final_logit_softcapping", "token_shift_count"),
            *("rescale_every_n_layers", "time_mix_extra_dim", "time_decay_extra_dim", "activation_sparsity_scale"),
            *("altup.active_idx", "altup.num_inputs", "embedding_length_per_layer_input", "swiglu_clamp_exp"),
            *("swiglu_clamp_shexp", "dense_2_feat_in", "dense_2_feat_out", "dense_3_feat_in", "dense_3_feat_out"),
            *("attention.max_alibi_bias", "attention.clamp_kqv", "attention.q_lora_rank", "attention.kv_lora_rank"),
            *("attention.decay_lora_rank", "attention.iclr_lora_rank", "attention.value_residual_mix_lora_rank"),
            *("attention.gate_lora_rank", "attention.relative_buckets_count", "attention.temperature_length"),
            *("attention.temperature_scale", "attention.key_length_mla", "attention.value_length_mla"),
            *("attention.shared_kv_layers", "attention.sliding_window", "attention.sliding_window_pattern"),
            *("attention.indexer.head_count", "attention.indexer.key_length", "attention.indexer.top_k"),
            *("rope.dimension_sections", "rope.scaling.alpha", "rope.scaling.yarn_log_multiplier", "ssm.conv_kernel"),
            *(
                "ssm.inner_size",
                "ssm.state_size",
                "ssm.time_step_rank",
                "ssm.group_count",
                "ssm.dt_b_c_rms",
                "kda.head_dim",
            ),
            *("wkv.head_size", "posnet.embedding_length", "posnet.block_count", "convnext.embedding_length"),
            *("convnext.block_count", "shortconv.l_cache"),
        ),
        ZERO,
    ),
    **dict.fromkeys(("logit_scale", "residual_scale", "embedding_scale", "attention.output_scale"), (*ZERO, *ONE)),
    **dict.fromkeys(("rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor"), ONE),
    "rope.scaling.yarn_ext_factor": (*ZERO, -1),
    "attention.causal": (True,),
}
ROUTING: dict[str, tuple[object, ...]] = {  # without effect where there are no experts
    **dict.fromkeys(("expert_weights_scale", "moe_every_n_layers", "interleave_moe_layer_step"), (*ZERO, *ONE)),
    **dict.fromkeys(("expert_group_scale", "experts_per_group", "leading_dense_block_count"), ZERO),
    "expert_gating_func": (0, 1),
    "expert_weights_norm": (True,),
}
BY_KIND: dict[str, dict[str, tuple[object, ...]]] = {
    **dict.fromkeys(("llama", "qwen3moe"), ROUTING),
    **dict.fromkeys(("qwen2moe", "olmoe"), ROUTING | {"expert_weights_norm": (False,)}),
    "gpt-oss": ROUTING | {"expert_gating_func": (0, 1, 3), "rope.scaling.yarn_ext_factor": (-1, 1)},
    "deepseek2": ROUTING | {"rope.scaling.yarn_ext_factor": (-1, 1), "attention.scale": ZERO},
}
IDLE_OF = {"stablelm": {"use_parallel_residual"}}  # llama.cpp looks for a norm before the MLP instead
SAME = {  # neutral where they say again what another key says
    "embedding_length_out": "embedding_length",
    "attention.key_length_swa": "attention.key_length",
    "attention.value_length_swa": "attention.value_length",
    "rope.dimension_count_swa": "rope.dimension_count",
    "rope.freq_base_swa": "rope.freq_base",
}
WHOLE: dict[str, tuple[object, ...]] = {  # keys that belong to no architecture
    "general.type": ("model",),
    "general.quantization_version": (2,),
    "split.no": ZERO,
    "split.count": (*ZERO, *ONE),
    "diffusion.shift_logits": ZERO,
}
FOREIGN = ("adapter.", "clip.", "imatrix.", "xielu.")  # other kinds of file, and a kind of MLP


def own_facts(path: Path, facts: dict[str, Any], kind: str, ignore: Collection[str] = ()) -> dict[str, Any]:
    """The facts below an architecture's name that are read, by what follows it.

    Args:
        path: The file, for messages.
        facts: All of its facts.
        kind: The architecture, one of READ.
        ignore: Keys, in full, to take as if they were not stated.

    Returns:
        The facts that are read.

    Raises:
        NotThisModel: A key is unknown, or says something that is not computed.
        BadRequest: A key to ignore that the file does not state, or that is read.
    """
    _check_ignored(path, facts, kind, ignore)
    stated = {key: value for key, value in facts.items() if key not in ignore}
    own = {key.removeprefix(f"{kind}."): value for key, value in stated.items() if key.startswith(f"{kind}.")}
    if unknown := [f"{kind}.{name}" for name in own if not _known(name, kind)]:
        raise NotThisModel(
            f"{path} states {some(unknown)}, which loadstore does not know for a {kind} model and which may change its "
            f"numbers; {_way(unknown)}"
        )
    wrong = {f"{kind}.{name}": value for name, value in own.items() if not _neutral(name, value, own, kind)}
    wrong |= {key: value for key, value in stated.items() if key in WHOLE and not _among(value, WHOLE[key])}
    wrong |= {key: value for key, value in stated.items() if key.startswith(FOREIGN)}
    if wrong:
        said = [f"{key} = {quote(value, 40)}" for key, value in wrong.items()]
        raise NotThisModel(f"{path} states {some(said)} for its {kind} model, which is not supported; {_way([*wrong])}")
    return {name: value for name, value in own.items() if name in READ[kind]}


def idle_of(kind: str) -> frozenset[str]:
    """The keys without effect on the logits of an architecture."""
    return frozenset(((IDLE | ROUTING.keys()) - BY_KIND.get(kind, {}).keys() - READ[kind]) | IDLE_OF.get(kind, set()))


def neutral_of(kind: str) -> dict[str, tuple[object, ...]]:
    """The keys that an architecture refuses unless they have one of these values."""
    passed = READ[kind] | IDLE_OF.get(kind, set())
    return {name: values for name, values in {**NEUTRAL, **BY_KIND.get(kind, {})}.items() if name not in passed}


def one_fact(path: Path, **stated: object) -> Any:
    """The value of a fact that several keys may state, None where none does. Raises BadCheckpoint where they differ."""
    said = {name: value for name, value in stated.items() if value is not None}
    if len({repr(value) for value in said.values()}) > 1:
        both = ", ".join(f"{name} = {quote(value, 40)}" for name, value in said.items())
        raise BadCheckpoint(f"{path} contradicts itself: {both}; download it again")
    return next(iter(said.values()), None)


def _check_ignored(path: Path, facts: dict[str, Any], kind: str, ignore: Collection[str]) -> None:
    read = {f"{kind}.{name}" for name in READ[kind] - {"attention.scale"}} | {"general.architecture"}
    for key in ignore:
        if key not in facts:
            raise BadRequest(f"ignore={quote(repr(key), 60)}: {path} has no such key; leave it out of ignore")
        if key in read or key.removeprefix(PREFIX) in SPOKEN:
            raise BadRequest(
                f"ignore={quote(repr(key), 60)}: this key of {path} decides what the model computes and is read; "
                "leave it out of ignore"
            )


def _known(name: str, kind: str) -> bool:
    """Keys about rotary positions are without effect where there are none."""
    return any(name in names for names in (READ[kind], idle_of(kind), neutral_of(kind), SAME, ROTARY))


def _neutral(name: str, value: object, own: dict[str, Any], kind: str) -> bool:
    if name in READ[kind]:
        return True
    if name in SAME:
        return value == own.get(SAME[name])
    values = neutral_of(kind)
    return name not in values or _among(value, values[name])


def _among(value: object, allowed: tuple[object, ...]) -> bool:
    """Whether a value is allowed, or every one of a list; true is not 1."""
    if isinstance(value, list):
        return all(_among(choice, allowed) for choice in cast("list[Any]", value))
    return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in allowed)


def _way(keys: list[str]) -> str:
    named = ", ".join(f"'{quote(key, 60)}'" for key in keys[:5])
    return f"if that makes no difference, load(…, ignore=[{named}])"
