"""The keys below the name of each architecture of GGUF that decide what its model computes, and are read."""

SHAPE = ("block_count", "context_length", "embedding_length", "feed_forward_length", "vocab_size")
HEADS = ("attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length")
ROTARY = ("rope.freq_base", "rope.dimension_count", "rope.scale_linear", "rope.scaling.type", "rope.scaling.factor")
RMS, LAYER, WINDOW = "attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon", "attention.sliding_window"
COUNTS = ("expert_count", "expert_used_count", "expert_feed_forward_length")
STRETCH = ("rope.scaling.original_context_length", "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow")
PLAIN = frozenset((*SHAPE, *HEADS, "attention.scale"))
NORMED, CENTRED = PLAIN | {RMS, *ROTARY}, PLAIN | {LAYER, *ROTARY}
READ = {
    "llama": NORMED | {WINDOW, *COUNTS[:2]},
    **dict.fromkeys(("qwen2", "qwen3", "phi3"), NORMED | {WINDOW}),
    **dict.fromkeys(("gemma", "olmo2", "smollm3", "arcee", "ernie4_5"), NORMED),
    "gemma2": NORMED | {WINDOW, "attn_logit_softcapping", "final_logit_softcapping"},
    "gemma3": NORMED | {WINDOW, "rope.freq_base_swa"},
    "qwen2moe": NORMED | {*COUNTS, "expert_shared_feed_forward_length"},
    "qwen3moe": NORMED | {*COUNTS},
    "olmoe": NORMED | {*COUNTS[:2]},
    **dict.fromkeys(("starcoder2", "stablelm", "nemotron", "falcon", "phi2", "olmo"), CENTRED),
    "gptneox": CENTRED | {"use_parallel_residual"},
    "command-r": CENTRED | {"logit_scale"},
    "granite": NORMED | {"logit_scale", "residual_scale", "embedding_scale"},
    "gpt-oss": NORMED | {WINDOW, *COUNTS, *STRETCH},
    "deepseek2": (NORMED - {"attention.scale"})
    | {*COUNTS, *STRETCH, "rope.scaling.yarn_log_multiplier", "leading_dense_block_count", "expert_shared_count"}
    | {"expert_weights_scale", "expert_weights_norm", "expert_gating_func", "expert_group_count"}
    | {"expert_group_used_count", "attention.q_lora_rank", "attention.kv_lora_rank", "attention.key_length_mla"}
    | {"attention.value_length_mla"},
    "mpt": PLAIN | {LAYER, "attention.max_alibi_bias"},
    **dict.fromkeys(("gpt2", "bloom", "starcoder"), PLAIN | {LAYER}),
}
