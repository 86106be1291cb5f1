"""The tensors of each architecture of GGUF, and what Hugging Face calls them."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Names:
    """How one architecture's tensors are called by Hugging Face.

    ``layers`` stands before the number of a layer, ``of_layer`` and ``whole`` have the names in a layer and outside. A
    name with its ending, as in ``sinks.weight``, is that of the whole tensor. ``turned`` are stored [out, in], where
    the folder's are [in, out]; ``raised`` may have lost their first axis, which has one entry.
    """

    layers: str
    of_layer: dict[str, str]
    whole: dict[str, str]
    turned: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()


def _with(names: Names, **of_layer: str) -> Names:
    return replace(names, of_layer={**names.of_layer, **of_layer})


LLAMA = Names(
    "model.layers",
    {
        "attn_norm": "input_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "attn_q_norm": "self_attn.q_norm",
        "attn_k_norm": "self_attn.k_norm",
        "ffn_norm": "post_attention_layernorm",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    },
    {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"},
)
AFTER = {"post_attention_norm": "post_attention_layernorm", "post_ffw_norm": "post_feedforward_layernorm"}
GEMMA = _with(LLAMA, ffn_norm="pre_feedforward_layernorm", **AFTER)
OLMO2 = _with(LLAMA, **AFTER)
PHI3 = _with(LLAMA, attn_qkv="self_attn.qkv_proj", ffn_up="mlp.gate_up_proj")
STARCODER2 = _with(LLAMA, ffn_up="mlp.c_fc", ffn_down="mlp.c_proj")
PHI2 = replace(
    _with(LLAMA, attn_output="self_attn.dense", ffn_up="mlp.fc1", ffn_down="mlp.fc2"),
    whole=LLAMA.whole | {"output_norm": "model.final_layernorm"},
)
EXPERTS = {
    "ffn_gate_inp": "mlp.gate",
    "ffn_gate_exps": "mlp.experts.gate_proj",
    "ffn_up_exps": "mlp.experts.up_proj",
    "ffn_down_exps": "mlp.experts.down_proj",
}
MIXTRAL = _with(LLAMA, **EXPERTS)
QWEN_MOE = replace(
    _with(
        MIXTRAL,
        ffn_gate_inp_shexp="mlp.shared_expert_gate",
        ffn_gate_shexp="mlp.shared_expert.gate_proj",
        ffn_up_shexp="mlp.shared_expert.up_proj",
        ffn_down_shexp="mlp.shared_expert.down_proj",
    ),
    raised=("ffn_gate_inp_shexp",),
)
GPT_OSS = _with(
    MIXTRAL,
    **{"ffn_gate_inp": "mlp.router", "attn_sinks.weight": "self_attn.sinks"},
    post_attention_norm="post_attention_layernorm",
)
DEEPSEEK = _with(
    MIXTRAL,
    **{"exp_probs_b.bias": "mlp.gate.e_score_correction_bias"},
    attn_q_a="self_attn.q_a_proj",
    attn_q_a_norm="self_attn.q_a_layernorm",
    attn_q_b="self_attn.q_b_proj",
    attn_kv_a_mqa="self_attn.kv_a_proj_with_mqa",
    attn_kv_a_norm="self_attn.kv_a_layernorm",
    attn_kv_b="self_attn.kv_b_proj",
    attn_k_b="self_attn.k_b_proj",
    attn_v_b="self_attn.v_b_proj",
    ffn_gate_shexp="mlp.shared_experts.gate_proj",
    ffn_up_shexp="mlp.shared_experts.up_proj",
    ffn_down_shexp="mlp.shared_experts.down_proj",
)
AROUND = {"token_embd": "transformer.word_embeddings", "output_norm": "transformer.ln_f", "output": "lm_head"}
FALCON = Names(
    "transformer.h",
    {
        "attn_norm": "input_layernorm",
        "attn_qkv": "self_attention.query_key_value",
        "attn_output": "self_attention.dense",
        "ffn_up": "mlp.dense_h_to_4h",
        "ffn_down": "mlp.dense_4h_to_h",
    },
    AROUND,
)
FALCON_OF_TWO_NORMS = _with(FALCON, attn_norm="ln_mlp", attn_norm_2="ln_attn")
BLOOM = replace(
    _with(FALCON, ffn_norm="post_attention_layernorm"),
    whole=AROUND | {"token_embd_norm": "transformer.word_embeddings_layernorm"},
)
NEOX = Names(
    "gpt_neox.layers",
    {
        "attn_norm": "input_layernorm",
        "attn_qkv": "attention.query_key_value",
        "attn_output": "attention.dense",
        "ffn_norm": "post_attention_layernorm",
        "ffn_up": "mlp.dense_h_to_4h",
        "ffn_down": "mlp.dense_4h_to_h",
    },
    {"token_embd": "gpt_neox.embed_in", "output_norm": "gpt_neox.final_layer_norm", "output": "embed_out"},
)
MPT = Names(
    "transformer.blocks",
    {
        "attn_norm": "norm_1",
        "attn_qkv": "attn.Wqkv",
        "attn_output": "attn.out_proj",
        "ffn_norm": "norm_2",
        "ffn_up": "ffn.up_proj",
        "ffn_down": "ffn.down_proj",
    },
    {"token_embd": "transformer.wte", "output_norm": "transformer.norm_f", "output": "lm_head"},
)
GPT2 = Names(
    "transformer.h",
    {
        "attn_norm": "ln_1",
        "attn_qkv": "attn.c_attn",
        "attn_output": "attn.c_proj",
        "ffn_norm": "ln_2",
        "ffn_up": "mlp.c_fc",
        "ffn_down": "mlp.c_proj",
    },
    {
        "token_embd": "transformer.wte",
        "position_embd": "transformer.wpe",
        "output_norm": "transformer.ln_f",
        "output": "lm_head",
    },
    turned=("attn_qkv", "attn_output", "ffn_up", "ffn_down"),
)
STARCODER = replace(GPT2, turned=())
