"""The keys that configs of widely used checkpoints have are none of them refused."""

from pathlib import Path
from typing import Any

from each import each

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.gpt_key_tables import GPT2, NEOX
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.key_tables import LLAMA, MISTRAL, PHI, QWEN2, QWEN3
from loadstore.checkpoints.families.keys import settled
from loadstore.checkpoints.families.rope import HALF, QUARTER, WHOLE, rotary_of

KEYS = {"gpt2": GPT2, "gpt_neox": NEOX, "llama": LLAMA, "mistral": MISTRAL, "qwen2": QWEN2, "qwen3": QWEN3, "phi": PHI}
OF_ALL = {"architectures": ["X"], "bos_token_id": 0, "eos_token_id": [0, 1], "initializer_range": 0.02}
OF_ALL |= {"torch_dtype": "bfloat16", "transformers_version": "4.40.1", "use_cache": True, "vocab_size": 50257}
LATER = OF_ALL | {"attention_dropout": 0.0, "hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32}
LATER |= {"num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05, "hidden_act": "silu"}
LATER |= {"rope_theta": 500000.0, "tie_word_embeddings": False, "max_position_embeddings": 32768}
SUMMARY = {"summary_activation": None, "summary_first_dropout": 0.1, "summary_proj_to_labels": True}
SUMMARY |= {"summary_type": "cls_index", "summary_use_proj": True}
PUBLISHED: dict[str, tuple[str, dict[str, Any]]] = {  # the keys of widely used checkpoints
    "gpt2": (
        "gpt2",
        OF_ALL
        | SUMMARY
        | {"activation_function": "gelu_new", "attn_pdrop": 0.1, "embd_pdrop": 0.1, "resid_pdrop": 0.1, "n_ctx": 1024}
        | {"layer_norm_epsilon": 1e-05, "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024}
        | {"task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}}, "_num_labels": 1}
        | {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}, "pad_token_id": None},
    ),
    "pythia and gpt-neox-20b": (
        "gpt_neox",
        OF_ALL
        | {"hidden_act": "gelu", "hidden_size": 512, "intermediate_size": 2048, "layer_norm_eps": 1e-05}
        | {"max_position_embeddings": 2048, "num_attention_heads": 8, "num_hidden_layers": 6, "rotary_pct": 0.25}
        | {"rotary_emb_base": 10000, "tie_word_embeddings": False, "use_parallel_residual": True}
        | {"attention_probs_dropout_prob": 0, "hidden_dropout_prob": 0, "classifier_dropout": 0.1}
        | {"attention_bias": True, "attention_dropout": 0.0, "hidden_dropout": 0.0, "rope_scaling": None},
    ),
    "llama 2": (
        "llama",
        LATER | {"_name_or_path": "meta-llama/Llama-2-7b-hf", "pretraining_tp": 1, "rope_scaling": None},
    ),
    "llama 3": (
        "llama",
        LATER
        | {"attention_bias": False, "mlp_bias": False, "pretraining_tp": 1, "head_dim": 64, "hidden_size": 2048}
        | {"rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "rope_type": "llama3"}}
        | {"max_position_embeddings": 131072, "tie_word_embeddings": True},
    ),
    "smollm2": (
        "llama",
        LATER
        | {"is_llama_config": True, "rope_interleaved": False, "rope_scaling": None, "pretraining_tp": 1}
        | {"transformers.js_config": {"kv_cache_dtype": {"fp16": "float16"}}, "pad_token_id": 2},
    ),
    "mistral 0.1": ("mistral", LATER | {"sliding_window": 4096}),
    "mistral 0.3": ("mistral", LATER | {"sliding_window": None, "head_dim": 128}),
    "qwen 2.5": (
        "qwen2",
        LATER | {"max_window_layers": 24, "sliding_window": 32768, "use_mrope": False, "use_sliding_window": False},
    ),
    "qwen 3": (
        "qwen3",
        LATER
        | {"attention_bias": False, "head_dim": 128, "max_window_layers": 28, "rope_scaling": None}
        | {"sliding_window": None, "use_sliding_window": False},
    ),
    "phi 2": (
        "phi",
        {name: one for name, one in LATER.items() if name != "rms_norm_eps"}
        | {"embd_pdrop": 0.0, "hidden_act": "gelu_new", "layer_norm_eps": 1e-05, "hidden_size": 2560}
        | {"partial_rotary_factor": 0.4, "qk_layernorm": False, "resid_pdrop": 0.1, "rope_scaling": None},
    ),
}


@each("name", PUBLISHED)
def test_the_keys_of_published_checkpoints_are_not_refused(name: str) -> None:
    kind, config = PUBLISHED[name]
    given = Facts(Checkpoint(Path("config.json"), {}, {}, config), {"model_type": kind, **config})
    found = settled(given, KEYS[kind])
    assert found.config.items() >= config.items()
    if kind != "gpt2":
        width = config["hidden_size"] // config["num_attention_heads"]
        names = {"gpt_neox": QUARTER, "phi": HALF}.get(kind, WHOLE)
        assert rotary_of(found, found.config.get("head_dim") or width, names).dimensions >= 16
