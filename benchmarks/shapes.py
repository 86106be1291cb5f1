"""Models of a known shape with random weights: GPT-2 small from transformers, and a slice of Llama 7B as files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

D, HEADS, WIDTH, VOCAB = 4096, 32, 11008, 32000  # Llama 7B
LLAMA = {
    **{"model_type": "llama", "hidden_size": D, "num_attention_heads": HEADS, "num_key_value_heads": HEADS},
    **{"intermediate_size": WIDTH, "vocab_size": VOCAB, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5},
    **{"tie_word_embeddings": False, "hidden_act": "silu", "rope_theta": 10000.0},
}


def random_gpt2(layers: int = 12) -> "GPT2LMHeadModel":
    """GPT-2 small's shape with its initial weights, always the same."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(n_layer=layers)).eval()


def random_llama(folder: Path, layers: int) -> Path:
    """Layers of Llama 7B's shape between its embeddings, float16, one shard per layer and one for the embeddings."""
    torch.manual_seed(0)
    ends = {"model.embed_tokens": (VOCAB, D), "lm_head": (VOCAB, D), "model.norm": (D,)}
    places: dict[str, str] = {}
    for index, shapes in enumerate([ends, *(_layer(layer) for layer in range(layers))]):
        file = f"model-{index + 1:05}-of-{layers + 1:05}.safetensors"
        shard = {f"{name}.weight": _random(shape) for name, shape in shapes.items()}
        save_file(shard, folder / file)
        places |= dict.fromkeys(shard, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({**LLAMA, "num_hidden_layers": layers}), encoding="utf-8")
    return folder


def _layer(index: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {f"self_attn.{name}_proj": (D, D) for name in "qkvo"}
    shapes |= {"mlp.gate_proj": (WIDTH, D), "mlp.up_proj": (WIDTH, D), "mlp.down_proj": (D, WIDTH)}
    shapes |= {"input_layernorm": (D,), "post_attention_layernorm": (D,)}
    return {f"model.layers.{index}.{name}": shape for name, shape in shapes.items()}


def _random(shape: tuple[int, ...]) -> torch.Tensor:
    return (torch.randn(shape) * 0.02 + (len(shape) == 1)).half()
