"""The keys of every family's config.json, as the config classes of ``transformers`` know them.

``tests/checkpoints/test_config_keys.py`` compares these tables with the classes of the installed ``transformers``,
field by field: names, defaults, and where null is allowed.
"""

from loadstore.checkpoints.families.keys import Keys
from loadstore.checkpoints.families.shared_keys import COMMON, ROPE, SIZES, names

LLAMA = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 32000,
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": None,
            "head_dim": None,
            "hidden_act": "silu",
            "max_position_embeddings": 2048,
            "rms_norm_eps": 1e-6,
            "attention_bias": False,
            "mlp_bias": False,
        },
        silent=names("pretraining_tp"),  # slices of the same product
        solid=SIZES | names("attention_bias mlp_bias rms_norm_eps"),
    )
)
MISTRAL = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 32000,
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": None,
            "hidden_act": "silu",
            "max_position_embeddings": 131072,
            "rms_norm_eps": 1e-6,
            "sliding_window": 4096,
        },
        neutral={"attention_bias": (False,), "mlp_bias": (False,)},
        solid=SIZES | names("attention_dropout num_key_value_heads rms_norm_eps"),
    )
)
QWEN = Keys(
    defaults={
        "vocab_size": 151936,
        "hidden_size": 4096,
        "intermediate_size": 22016,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "hidden_act": "silu",
        "max_position_embeddings": 32768,
        "rms_norm_eps": 1e-6,
        "use_sliding_window": False,
        "sliding_window": 4096,
        "max_window_layers": 28,
        "layer_types": None,
    },
    neutral={"mlp_bias": (False,)},
    solid=SIZES | names("attention_dropout max_window_layers rms_norm_eps use_sliding_window"),
)
QWEN2 = COMMON | ROPE | QWEN | Keys(neutral={"attention_bias": (True,)})
QWEN3 = COMMON | ROPE | QWEN | Keys({"head_dim": 128, "attention_bias": False}, solid=names("attention_bias head_dim"))
GEMMA3 = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 262208,
            "hidden_size": 2304,
            "intermediate_size": 9216,
            "num_hidden_layers": 26,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "head_dim": 256,
            "hidden_activation": "gelu_pytorch_tanh",
            "max_position_embeddings": 131072,
            "rms_norm_eps": 1e-6,
            "tie_word_embeddings": True,
            "attention_bias": False,
            "query_pre_attn_scalar": 256,
            "sliding_window": 4096,
            "layer_types": None,
        },
        read=names("rope_local_base_freq sliding_window_pattern"),
        silent=names("_sliding_window_pattern"),  # what the reference kept, and does not read again
        solid=(SIZES - names("hidden_act"))
        | names("attention_bias head_dim hidden_activation num_key_value_heads query_pre_attn_scalar rms_norm_eps"),
    )
)
GEMMA1 = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 256000,
            "hidden_size": 3072,
            "intermediate_size": 24576,
            "num_hidden_layers": 28,
            "num_attention_heads": 16,
            "num_key_value_heads": 16,
            "head_dim": 256,
            "hidden_act": "gelu_pytorch_tanh",
            "max_position_embeddings": 8192,
            "rms_norm_eps": 1e-6,
            "tie_word_embeddings": True,
            "attention_bias": False,
        },
        solid=SIZES | names("attention_bias attention_dropout head_dim num_key_value_heads rms_norm_eps"),
    )
)
GEMMA2 = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 256000,
            "hidden_size": 2304,
            "intermediate_size": 9216,
            "num_hidden_layers": 26,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "head_dim": 256,
            "hidden_activation": "gelu_pytorch_tanh",
            "max_position_embeddings": 8192,
            "rms_norm_eps": 1e-6,
            "tie_word_embeddings": True,
            "attention_bias": False,
            "query_pre_attn_scalar": 256,
            "sliding_window": 4096,
            "layer_types": None,
            "final_logit_softcapping": 30.0,
            "attn_logit_softcapping": 50.0,
        },
        solid=(SIZES - names("hidden_act"))
        | names("attention_bias head_dim hidden_activation num_key_value_heads query_pre_attn_scalar rms_norm_eps"),
    )
)
PHI = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 51200,
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 24,
            "num_attention_heads": 32,
            "num_key_value_heads": None,
            "hidden_act": "gelu_new",
            "max_position_embeddings": 2048,
            "layer_norm_eps": 1e-5,
        },
        neutral={"qk_layernorm": (False,)},
        solid=SIZES | names("embd_pdrop layer_norm_eps qk_layernorm resid_pdrop"),
    )
)
STARCODER2 = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 49152,
            "hidden_size": 3072,
            "intermediate_size": 12288,
            "num_hidden_layers": 30,
            "num_attention_heads": 24,
            "num_key_value_heads": 2,
            "hidden_act": "gelu_pytorch_tanh",
            "max_position_embeddings": 4096,
            "norm_epsilon": 1e-5,
            "sliding_window": None,
            "use_bias": True,
            "tie_word_embeddings": True,
        },
        silent=names("embedding_dropout residual_dropout"),
        solid=SIZES
        | names("attention_dropout embedding_dropout norm_epsilon num_key_value_heads residual_dropout use_bias"),
    )
)
STABLELM = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 50304,
            "hidden_size": 2560,
            "intermediate_size": 6912,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "hidden_act": "silu",
            "max_position_embeddings": 4096,
            "layer_norm_eps": 1e-5,
            "use_qkv_bias": False,
            "use_parallel_residual": False,
        },
        neutral={"qk_layernorm": (False,)},
        solid=SIZES
        | names("attention_dropout hidden_dropout layer_norm_eps num_key_value_heads qk_layernorm")
        | names("use_parallel_residual use_qkv_bias"),
    )
)
