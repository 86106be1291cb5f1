"""Models of the zoo and of published families as files: loadstore's own, HookedTransformer's, Hugging Face's, GGUF."""

import json
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from gguf_files import gpt2 as gguf_gpt2
from gguf_files import llama as gguf_llama
from hostile import legacy_config, legacy_state
from reference_models import Shape, library, reference, save
from safetensors.torch import save_file
from tiny import Kind, tiny
from tokenizer_files import byte_level

import loadstore as ls
from attack.tokens import NAMES
from attack.zoo import zoo
from loadstore.checkpoints.families.own import save_weights
from loadstore.errors import LoadstoreError

FAMILIES = (
    *("gpt2", "gpt_neox", "gptj", "gpt_neo", "opt", "llama", "mistral", "qwen2", "qwen3", "phi", "gemma"),
    *("gemma3_text", "stablelm", "starcoder2"),
)
LEGACY = [Kind("shortformer", "none", True), Kind("rotary", "layer", True, "parallel"), Kind("learned", "layer", True)]


def shape_of(family: str, dice: random.Random) -> Shape:
    """A config that is odd but legal: one key head, heads wider than the stream, one layer, a small vocabulary."""
    layers, kv = dice.choice([1, 2, 3]), dice.choice([1, 2])
    heads, e, vocab = kv * dice.choice([1, 2, 3]), dice.choice([2, 4, 8, 12]), dice.choice([2, 3, 61, 300])
    context, width, tied = dice.choice([9, 16, 33]), dice.choice([1, 7, 24]), dice.random() < 0.5
    d = heads * e
    gpt = {"n_layer": layers, "n_head": heads, "n_embd": d, "n_positions": context, "n_inner": width}
    usual: dict[str, Any] = {
        **{"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": d, "intermediate_size": width},
        "max_position_embeddings": context,
    }
    grouped = {**usual, "num_key_value_heads": kv}
    window = {"sliding_window": dice.choice([1, 2, context])}
    kinds: dict[str, dict[str, Any]] = {
        "gpt2": gpt,
        "gptj": {**gpt, "rotary_dim": 2},
        "gpt_neox": {**usual, "rotary_pct": 1.0, "use_parallel_residual": dice.random() < 0.5},
        "gpt_neo": {
            **{"num_layers": layers, "num_heads": heads, "hidden_size": d, "max_position_embeddings": context},
            **{"attention_types": [[[dice.choice(["global", "local"])], layers]], "window_size": 2},
        },
        "opt": {
            **{"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": d, "ffn_dim": width},
            **{"max_position_embeddings": context, "word_embed_proj_dim": d},
        },
        "llama": {**grouped, "head_dim": 2 * e},
        "mistral": {**grouped, "head_dim": e, **window},
        "qwen2": {**grouped, **window, "use_sliding_window": dice.random() < 0.5, "max_window_layers": 1},
        "qwen3": {**grouped, "head_dim": 3 * e if e % 4 else e},
        "phi": {**grouped, "partial_rotary_factor": 1.0},
        "gemma": {**grouped, "head_dim": e},
        "gemma3_text": {**grouped, "head_dim": e, **window, "query_pre_attn_scalar": 3, "pad_token_id": None},
        "stablelm": {**grouped, "partial_rotary_factor": 1.0},
        "starcoder2": {**grouped, **window},
    }
    common = {"vocab_size": vocab, "tie_word_embeddings": tied, "bos_token_id": 0, "eos_token_id": 0}
    if family in ("opt", "gemma"):
        common["pad_token_id"] = 0
    return Shape(f"{family}-odd", family, {**kinds[family], **common})


def family(name: str, folder: Path, seed: int) -> tuple[Path, Any]:
    """A folder of a family as ``transformers`` saves it, with a tokenizer where the vocabulary holds one; the model."""
    dice = random.Random(f"{name} {seed}")
    shape = shape_of(name, dice)
    model = reference(shape, seed)
    save(model, folder)
    if shape.facts["vocab_size"] >= 300:
        byte_level().save(str(folder / "tokenizer.json"))
    return folder, model


def outputs(model: Any, ids: list[int]) -> torch.Tensor:
    """Logits of the library's model."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library()
        return model(torch.tensor([ids]), use_cache=False).logits[0]


def files(folder: Path, seed: int, *, few: bool = False) -> Iterator[tuple[str, Path]]:
    """Models as files, by what they are."""
    for number, animal in enumerate(zoo(seed)[:: 13 if few else 3]):
        path = folder / f"own-{number}.safetensors"
        try:
            save_weights(animal.born(seed), path)
        except LoadstoreError:
            continue  # NaN cannot be saved
        yield f"own file: {animal.name}", path
    for number, kind in enumerate(LEGACY[: 1 if few else None]):
        model = tiny(kind, seed)
        place = folder / f"legacy-{number}"
        place.mkdir()
        (place / "config.json").write_text(json.dumps(legacy_config(model)))
        yield f"state dict: {kind}", state_dict(model, place / "model.pth")
    if few:
        return
    for name in FAMILIES:
        yield f"folder: {name}", family(name, folder / f"{name}\x1b[2J\u202e", seed)[0]
    for name, made in {
        "gguf llama": gguf_llama(),
        "gguf gpt2": gguf_gpt2(),
        "gguf gemma3": gguf_llama(kind="gemma3"),
    }.items():
        path = folder / f"{name.replace(' ', '-')}.gguf"
        path.write_bytes(made.written())
        yield name, path


def state_dict(model: ls.Weights, path: Path) -> Path:
    """The model in HookedTransformer's names, pickled or not by the ending of the path."""
    state = {name: tensor.contiguous().clone() for name, tensor in legacy_state(model).items()}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def hostile(dice: random.Random, longest: int = 8) -> str:
    """A prompt of names that steer terminals, pages and tables."""
    return " ".join(dice.choices([*NAMES, "w1", "w2", "the"], k=dice.randrange(1, longest)))
