"""The keys of configs of BLOOM, MPT and Falcon, as the config classes of ``transformers`` know them.

Tested as those of ``key_tables``.
"""

from loadstore.checkpoints.families.keys import Keys
from loadstore.checkpoints.families.shared_keys import COMMON, ROPE, names

BLOOM = COMMON | Keys(
    defaults={
        "vocab_size": 250880,
        "hidden_size": 64,
        "n_layer": 2,
        "n_head": 8,
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
    },
    read=names("n_embed seq_length"),
    aliases={"num_attention_heads": "n_head", "num_hidden_layers": "n_layer"},
    neutral={
        "alibi": (True,),  # the class has no such key and always adds it
        "apply_residual_connection_post_layernorm": (False,),
        "n_inner": (None,),
        "slow_but_exact": (False,),  # which leaves out biases, where the product is in slices
    },
    silent=names("""
        attention_softmax_in_fp32 bias_dropout_fusion masked_softmax_fusion offset_alibi pretraining_tp skip_bias_add
        skip_bias_add_qkv
    """),
    solid=names("""
        apply_residual_connection_post_layernorm attention_dropout hidden_dropout hidden_size layer_norm_epsilon n_head
        n_layer pretraining_tp slow_but_exact
    """),
)
MPT_ATTENTION = COMMON | Keys(
    defaults={"softmax_scale": None},
    neutral={
        "alibi": (True,),  # the class adds it whatever this says
        "alibi_bias_max": (8,),  # nor does it read this
        "attn_type": ("multihead_attention",),
        "attn_uses_sequence_id": (False,),
        "clip_qkv": (None,),
        "prefix_lm": (False,),
        "qk_ln": (False,),
    },
    silent=names("attn_impl"),
    solid=names("attn_impl attn_pdrop"),
)
MPT = COMMON | Keys(
    defaults={
        "vocab_size": 50368,
        "d_model": 2048,
        "n_heads": 16,
        "n_layers": 24,
        "max_seq_len": 2048,
        "layer_norm_epsilon": 1e-5,
        "attn_config": None,
        "tie_word_embeddings": True,
    },
    aliases={"num_attention_heads": "n_heads", "hidden_size": "d_model", "num_hidden_layers": "n_layers"},
    neutral={
        "expansion_ratio": (4,),  # the class has four times d_model whatever this says
        "logit_scale": (None,),  # which the class does not read
        "no_bias": (True,),
    },
    silent=names("""
        emb_pdrop embedding_fraction init_config init_device learned_pos_emb norm_type tokenizer_name verbose
    """),  # learned positions: of models without ALiBi
    solid=names("""
        d_model emb_pdrop embedding_fraction expansion_ratio init_device layer_norm_epsilon learned_pos_emb max_seq_len
        n_heads n_layers no_bias norm_type resid_pdrop
    """),
    objects={"attn_config": MPT_ATTENTION},
)
FALCON = (
    COMMON
    | ROPE
    | Keys(
        defaults={
            "vocab_size": 65024,
            "hidden_size": 4544,
            "num_hidden_layers": 32,
            "num_attention_heads": 71,
            "num_ln_in_parallel_attn": None,
            "layer_norm_epsilon": 1e-5,
            "num_kv_heads": None,
            "alibi": False,
            "new_decoder_architecture": False,
            "multi_query": True,
            "parallel_attn": True,
            "bias": False,
            "max_position_embeddings": 2048,
            "ffn_hidden_size": None,
            "activation": "gelu",
            "tie_word_embeddings": True,
        },
        read=names("n_embed"),
        neutral={"apply_residual_connection_post_layernorm": (False,)},
        solid=names("hidden_size max_position_embeddings num_attention_heads num_hidden_layers"),
    )
)
