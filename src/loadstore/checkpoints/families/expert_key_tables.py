"""The keys of configs of families with experts, as the config classes of ``transformers`` know them.

Tested as those of ``key_tables``.
"""

from loadstore.checkpoints.families.key_tables import MISTRAL
from loadstore.checkpoints.families.keys import Keys
from loadstore.checkpoints.families.kin_key_tables import OLMO
from loadstore.checkpoints.families.shared_keys import COMMON, ROPE, SIZES, names

LOSSES = Keys(
    neutral={"mlp_bias": (False,)},
    silent=names("output_router_logits router_aux_loss_coef"),
    solid=names("num_experts_per_tok output_router_logits router_aux_loss_coef"),
)
MIXTRAL = (
    MISTRAL
    | LOSSES
    | Keys(
        defaults={"rms_norm_eps": 1e-5, "sliding_window": None, "num_experts_per_tok": 2, "num_local_experts": 8},
        aliases={"num_experts": "num_local_experts"},
        silent=names("router_jitter_noise"),  # of training
        solid=names("num_local_experts router_jitter_noise"),
    )
)
QWEN_MOE = (
    COMMON
    | ROPE
    | LOSSES
    | Keys(
        defaults={
            "vocab_size": 151936,
            "hidden_size": 2048,
            "num_hidden_layers": 24,
            "hidden_act": "silu",
            "max_position_embeddings": 32768,
            "rms_norm_eps": 1e-6,
            "use_sliding_window": False,
            "sliding_window": 4096,
            "norm_topk_prob": False,
            "decoder_sparse_step": 1,
            "mlp_only_layers": None,
        },
        solid=SIZES
        | names("attention_dropout decoder_sparse_step moe_intermediate_size norm_topk_prob rms_norm_eps")
        | names("use_sliding_window"),
    )
)
QWEN2_MOE = QWEN_MOE | Keys(
    defaults={
        "num_attention_heads": 16,
        "num_key_value_heads": 16,
        "max_window_layers": 28,
        "intermediate_size": 5632,
        "moe_intermediate_size": 1408,
        "shared_expert_intermediate_size": 5632,
        "num_experts_per_tok": 4,
        "num_experts": 60,
        "qkv_bias": True,
        "layer_types": None,
    },
    solid=names("max_window_layers num_experts qkv_bias shared_expert_intermediate_size"),
)
QWEN3_MOE = QWEN_MOE | Keys(
    defaults={
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
        "intermediate_size": 6144,
        "moe_intermediate_size": 768,
        "num_experts_per_tok": 8,
        "attention_bias": False,
    },
    read=names("num_local_experts"),
    aliases={"num_experts": "num_local_experts"},
    solid=names("attention_bias num_experts num_key_value_heads"),
)
OLMOE = (
    OLMO
    | LOSSES
    | Keys(
        defaults={
            "hidden_size": 2048,
            "intermediate_size": 2048,
            "num_hidden_layers": 16,
            "num_attention_heads": 16,
            "max_position_embeddings": 4096,
            "rms_norm_eps": 1e-5,
            "num_experts_per_tok": 8,
            "num_experts": 64,
            "norm_topk_prob": False,
        },
        aliases={"num_local_experts": "num_experts"},
        solid=names("norm_topk_prob num_experts rms_norm_eps"),
    )
)
