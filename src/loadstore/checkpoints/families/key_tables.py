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
NEOX = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 50432,
            "hidden_size": 6144,
            "intermediate_size": 24576,
            "num_hidden_layers": 44,
            "num_attention_heads": 64,
            "hidden_act": "gelu",
            "max_position_embeddings": 2048,
            "layer_norm_eps": 1e-5,
            "use_parallel_residual": True,
            "attention_bias": True,
        },
        read=names("rotary_emb_base rotary_pct"),
        solid=SIZES
        | names("attention_bias attention_dropout classifier_dropout hidden_dropout is_decoder")
        | names("layer_norm_eps use_parallel_residual"),
    )
)
GPT2 = COMMON | Keys(
    defaults={
        "vocab_size": 50257,
        "n_positions": 1024,
        "n_embd": 768,
        "n_layer": 12,
        "n_head": 12,
        "n_inner": None,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
    },
    read=names("n_ctx"),
    aliases={
        "hidden_size": "n_embd",
        "max_position_embeddings": "n_positions",
        "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
    },
    neutral={"scale_attn_weights": (True,), "scale_attn_by_inverse_layer_idx": (False,)},
    silent=names("""
        reorder_and_upcast_attn summary_activation summary_first_dropout summary_proj_to_labels summary_type
        summary_use_proj
    """),  # the first: the same scores in another order and in float32
    solid=names("""
        activation_function add_cross_attention attn_pdrop embd_pdrop layer_norm_epsilon n_embd n_head n_layer
        n_positions reorder_and_upcast_attn resid_pdrop scale_attn_by_inverse_layer_idx scale_attn_weights
        summary_first_dropout summary_proj_to_labels summary_type summary_use_proj
    """),
)
GPTJ = COMMON | Keys(
    defaults={
        "vocab_size": 50400,
        "n_positions": 2048,
        "n_embd": 4096,
        "n_layer": 28,
        "n_head": 16,
        "rotary_dim": 64,
        "n_inner": None,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
    },
    aliases=GPT2.aliases,
    solid=names("""
        activation_function attn_pdrop embd_pdrop layer_norm_epsilon n_embd n_head n_layer n_positions resid_pdrop
        rotary_dim
    """),
)
GPTNEO = COMMON | Keys(
    defaults={
        "vocab_size": 50257,
        "max_position_embeddings": 2048,
        "hidden_size": 2048,
        "num_layers": 24,
        "attention_types": None,
        "num_heads": 16,
        "intermediate_size": None,
        "window_size": 256,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
    },
    read=names("attention_layers"),
    aliases={"num_attention_heads": "num_heads", "num_hidden_layers": "num_layers"},
    silent=names("embed_dropout resid_dropout"),
    solid=names("""
        activation_function attention_dropout classifier_dropout embed_dropout hidden_size layer_norm_epsilon
        max_position_embeddings num_heads num_layers resid_dropout window_size
    """),
)
OPT = COMMON | Keys(
    defaults={
        "vocab_size": 50272,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "ffn_dim": 3072,
        "max_position_embeddings": 2048,
        "word_embed_proj_dim": None,
        "num_attention_heads": 12,
        "activation_function": "relu",
        "enable_bias": True,
        "tie_word_embeddings": True,
    },
    neutral={
        "do_layer_norm_before": (True,),
        "_remove_final_layer_norm": (False,),
        "layer_norm_elementwise_affine": (True,),
    },
    silent=names("dropout init_std layerdrop"),
    solid=names("""
        _remove_final_layer_norm activation_function attention_dropout do_layer_norm_before dropout enable_bias ffn_dim
        hidden_size init_std layer_norm_elementwise_affine layerdrop max_position_embeddings num_attention_heads
        num_hidden_layers
    """),
)
