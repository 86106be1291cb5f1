"""The keys of the configs of OLMo, as the config classes of ``transformers`` know them. Tested as ``key_tables``."""

from loadstore.checkpoints.families.keys import Keys
from loadstore.checkpoints.families.shared_keys import COMMON, ROPE, SIZES, names

OLMO = (
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
        solid=SIZES | names("attention_bias attention_dropout"),
    )
)
OLMO2 = OLMO | Keys(defaults={"rms_norm_eps": 1e-5}, solid=names("rms_norm_eps"))
