"""The keys of every config.json of the GPTs and of OPT, as the config classes of ``transformers`` know them.

Tested as those of ``key_tables``.
"""

from loadstore.checkpoints.families.keys import Keys
from loadstore.checkpoints.families.shared_keys import COMMON, ROPE, SIZES, names

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
BIGCODE = COMMON | Keys(
    defaults={
        "vocab_size": 50257,
        "n_positions": 1024,
        "n_embd": 768,
        "n_layer": 12,
        "n_head": 12,
        "n_inner": None,
        "activation_function": "gelu_pytorch_tanh",
        "layer_norm_epsilon": 1e-5,
        "scale_attn_weights": True,
        "multi_query": True,
        "tie_word_embeddings": True,
    },
    aliases=GPT2.aliases,
    silent=names("""
        attention_softmax_in_fp32 num_key_value_heads scale_attention_softmax_in_fp32
    """),  # the second: the reference sets it anew from multi_query
    solid=names("""
        activation_function add_cross_attention attention_softmax_in_fp32 attn_pdrop embd_pdrop layer_norm_epsilon
        multi_query n_embd n_head n_layer n_positions resid_pdrop scale_attention_softmax_in_fp32 scale_attn_weights
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
