"""The keys of configs of GPT-OSS and DeepSeek, as the config classes of ``transformers`` know them.

Tested as those of ``key_tables``.
"""

from loadstore.checkpoints.families.expert_key_tables import LOSSES
from loadstore.checkpoints.families.keys import Keys
from loadstore.checkpoints.families.shared_keys import COMMON, ROPE, SIZES, names

GPT_OSS = (
    COMMON
    | ROPE
    | LOSSES
    | Keys(
        defaults={
            "num_hidden_layers": 36,
            "num_local_experts": 128,
            "vocab_size": 201088,
            "hidden_size": 2880,
            "intermediate_size": 2880,
            "head_dim": 64,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "sliding_window": 128,
            "max_position_embeddings": 131072,
            "rms_norm_eps": 1e-5,
            "num_experts_per_tok": 4,
            "swiglu_alpha": 1.702,
            "swiglu_limit": 7.0,
            "layer_types": None,
            "attention_bias": True,
        },
        aliases={"num_experts": "num_local_experts"},
        silent=names("hidden_act experts_per_token initial_context_length"),  # of other programs, or not read
        solid=SIZES
        | names("attention_bias attention_dropout head_dim num_key_value_heads num_local_experts rms_norm_eps")
        | names("swiglu_alpha swiglu_limit"),
    )
)
DEEPSEEK = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "hidden_act": "silu",
            "rms_norm_eps": 1e-6,
            "attention_bias": False,
            "kv_lora_rank": 512,
            "q_lora_rank": 1536,
            "qk_nope_head_dim": 128,
            "qk_rope_head_dim": 64,
            "v_head_dim": 128,
        },
        read=names("qk_head_dim"),
        neutral={"moe_layer_freq": (1,)},
        silent=names("auto_map aux_loss_alpha ep_size output_router_logits pretraining_tp seq_aux"),
        solid=SIZES
        | names("attention_bias kv_lora_rank moe_intermediate_size n_routed_experts n_shared_experts qk_nope_head_dim")
        | names("qk_rope_head_dim rms_norm_eps routed_scaling_factor output_router_logits"),
    )
)
DEEPSEEK_V2 = DEEPSEEK | Keys(
    defaults={
        "vocab_size": 102400,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": None,
        "max_position_embeddings": 2048,
        "head_dim": None,
        "first_k_dense_replace": 0,
        "n_group": None,
        "n_routed_experts": 64,
        "n_shared_experts": 2,
        "routed_scaling_factor": 1.0,
        "topk_group": None,
        "topk_method": "greedy",
        "num_experts_per_tok": None,
        "moe_intermediate_size": 1407,
    },
    aliases={"num_experts": "n_routed_experts"},
    neutral={"mlp_bias": (False,), "norm_topk_prob": (False, None), "scoring_func": ("softmax",)},
    solid=names("first_k_dense_replace mlp_bias v_head_dim"),
)
DEEPSEEK_V3 = DEEPSEEK | Keys(
    defaults={
        "vocab_size": 129280,
        "hidden_size": 7168,
        "intermediate_size": 18432,
        "moe_intermediate_size": 2048,
        "num_hidden_layers": 61,
        "num_attention_heads": 128,
        "num_key_value_heads": 128,
        "n_shared_experts": 1,
        "n_routed_experts": 256,
        "routed_scaling_factor": 2.5,
        "n_group": 8,
        "topk_group": 4,
        "num_experts_per_tok": 8,
        "first_k_dense_replace": 3,
        "norm_topk_prob": True,
        "max_position_embeddings": 4096,
        "rope_interleave": True,
    },
    read=names("num_nextn_predict_layers"),
    aliases={"num_local_experts": "n_routed_experts", "num_mtp_layers": "num_nextn_predict_layers"},
    neutral={"mlp_bias": (False,), "scoring_func": ("sigmoid",), "topk_method": ("noaux_tc",)},
    solid=names("num_mtp_layers"),
)
