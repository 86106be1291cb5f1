"""The keys of configs of families that are much like Llama, as the config classes of ``transformers`` know them.

Tested as those of ``key_tables``.
"""

from dataclasses import replace

from loadstore.checkpoints.families.keys import Keys
from loadstore.checkpoints.families.shared_keys import COMMON, ROPE, SIZES, names

KIN = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 50304,
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": None,
            "hidden_act": "silu",
            "max_position_embeddings": 2048,
            "attention_bias": False,
        },
        solid=SIZES | names("attention_bias"),
    )
)
OLMO = KIN | Keys(solid=names("attention_dropout"))
OLMO2 = OLMO | Keys(defaults={"rms_norm_eps": 1e-5}, solid=names("rms_norm_eps"))
GRANITE = OLMO | Keys(
    defaults={
        "vocab_size": 32000,
        "rms_norm_eps": 1e-6,
        "mlp_bias": False,
        "embedding_multiplier": 1.0,
        "logits_scaling": 1.0,
        "residual_multiplier": 1.0,
        "attention_multiplier": 1.0,
    },
    solid=names("attention_multiplier embedding_multiplier logits_scaling mlp_bias residual_multiplier rms_norm_eps"),
)
SMOLLM3 = OLMO | Keys(
    defaults={
        "vocab_size": 128256,
        "hidden_size": 2048,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 4,
        "max_position_embeddings": 32768,
        "rms_norm_eps": 1e-6,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "use_sliding_window": False,
        "sliding_window": None,
        "no_rope_layers": None,
        "no_rope_layer_interval": 4,
        "layer_types": None,
    },
    solid=names("mlp_bias no_rope_layer_interval rms_norm_eps use_sliding_window"),
)
PHI3 = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 32064,
            "hidden_size": 3072,
            "intermediate_size": 8192,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": None,
            "hidden_act": "silu",
            "max_position_embeddings": 4096,
            "original_max_position_embeddings": 4096,
            "rms_norm_eps": 1e-5,
            "sliding_window": None,
        },
        solid=SIZES | names("attention_dropout embd_pdrop original_max_position_embeddings resid_pdrop rms_norm_eps"),
    )
)
COHERE = KIN | Keys(
    defaults={
        "vocab_size": 256000,
        "hidden_size": 8192,
        "intermediate_size": 22528,
        "logit_scale": 0.0625,
        "num_hidden_layers": 40,
        "num_attention_heads": 64,
        "max_position_embeddings": 8192,
        "layer_norm_eps": 1e-5,
        "tie_word_embeddings": True,
        "use_qk_norm": False,
    },
)
ARCEE = OLMO | Keys(
    defaults={
        "vocab_size": 32000,
        "hidden_size": 2560,
        "intermediate_size": 18432,
        "head_dim": None,
        "hidden_act": "relu2",
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5,
        "mlp_bias": False,
    },
    solid=names("mlp_bias rms_norm_eps"),
)
ERNIE = (
    replace(COMMON, solid=COMMON.solid - names("use_cache"))
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 103424,
            "hidden_size": 1024,
            "intermediate_size": 3072,
            "num_hidden_layers": 18,
            "num_attention_heads": 16,
            "num_key_value_heads": 2,
            "head_dim": 128,
            "hidden_act": "silu",
            "max_position_embeddings": 131072,
            "rms_norm_eps": 1e-5,
            "use_bias": False,
            "tie_word_embeddings": True,
        },
        neutral={"attention_bias": (False,), "mlp_bias": (False,)},
        solid=SIZES | names("rms_norm_eps"),
    )
)
NEMOTRON = OLMO | Keys(
    defaults={
        "vocab_size": 256000,
        "hidden_size": 6144,
        "intermediate_size": 24576,
        "num_attention_heads": 48,
        "head_dim": None,
        "hidden_act": "relu2",
        "max_position_embeddings": 4096,
        "norm_eps": 1e-5,
        "mlp_bias": False,
    },
    solid=names("mlp_bias norm_eps"),
)
