"""Models in GGUF: their names and facts said in the words of Hugging Face, whose families then build them."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from loadstore.errors import NotThisModel
from loadstore.models.checkpoint import SUFFIXES, Checkpoint
from loadstore.models.families import llama
from loadstore.models.families.huggingface import Facts
from loadstore.models.gguf import GGUF, read_gguf
from loadstore.models.quote import quote, some
from loadstore.models.vocabulary import tokens_of
from loadstore.models.weights import Weights

SUFFIX = ".gguf"
LAYERS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
NAME = re.compile(r"blk\.([0-9]{1,4})\.([a-z_]+)\.(weight|bias)")
TYPES = ("llama", "qwen2", "qwen3")
IGNORED = ("rope_freqs.weight",)


def packed(path: Path) -> Path | None:
    """The GGUF file that a path means: itself, or the only model file of a folder; None where it means another."""
    if path.suffix == SUFFIX:
        return path
    try:
        found = [one for one in path.iterdir() if one.suffix in (SUFFIX, *SUFFIXES) and one.is_file()]
    except OSError:
        return None
    return found[0] if len(found) == 1 and found[0].suffix == SUFFIX else None


def build(path: Path) -> Weights:
    """Open a GGUF file: its weights, its tokenizer where it carries one that is read, its name.

    Raises BadCheckpoint where the file is damaged or hostile, NotThisModel for what is not supported.
    """
    file = read_gguf(path)
    checkpoint = translated(file)
    weights = llama.build(checkpoint, Facts(checkpoint, checkpoint.config or {}))
    return replace(weights, tokens=tokens_of(file, weights.architecture.vocab))


def translated(file: GGUF) -> Checkpoint:
    """Return a checkpoint with the names, the order of rows and the config that Hugging Face uses.

    llama.cpp stores the rows of Q and K of Llama models so that rotary pairs are neighbours; they are put back.
    Raises NotThisModel for another architecture or a tensor without a place.
    """
    kind = str(file.facts.get("general.architecture"))
    if kind not in TYPES:
        raise NotThisModel(
            f"{file.path} holds the architecture '{quote(kind, 40)}'; of GGUF, {some(list(TYPES))} are read"
        )
    config = _config(file, kind)
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    tensors: dict[str, Tensor] = {}
    for name in file.tensors:
        if name in IGNORED:
            continue
        new = _name(name)
        if new is None:
            raise NotThisModel(f"{file.path}: tensor '{quote(name)}' has no place in a {kind} model")
        tensor = file.read(name)
        side = new.split(".")[-2]
        tensors[new] = _unpermuted(tensor, heads[side]) if kind == "llama" and side in heads else tensor
    config["tie_word_embeddings"] = "lm_head.weight" not in tensors
    return Checkpoint(file.path, tensors, {}, config)


def _name(name: str) -> str | None:
    if found := NAME.fullmatch(name):
        return f"model.layers.{found[1]}.{LAYERS[found[2]]}.{found[3]}" if found[2] in LAYERS else None
    stem, _, part = name.rpartition(".")
    return f"{WHOLE[stem]}.{part}" if stem in WHOLE else None


def _unpermuted(weight: Tensor, heads: int) -> Tensor:
    """Rows (pair, first or second) of each head back to (first or second, pair)."""
    return weight.unflatten(0, (heads, -1, 2)).transpose(1, 2).reshape(weight.shape)


def _config(file: GGUF, kind: str) -> dict[str, Any]:
    def fact(name: str, default: Any = None) -> Any:
        return file.facts.get(f"{kind}.{name}", default)

    scaling: dict[str, Any] = {"rope_type": "default", "rope_theta": fact("rope.freq_base", 10_000.0)}
    if fact("rope.scaling.type", "none") not in ("none", None):
        scaling |= {"rope_type": fact("rope.scaling.type"), "factor": fact("rope.scaling.factor")}
    if "rope_freqs.weight" in file.tensors:
        raise NotThisModel(f"{file.path} scales its rotary frequencies by a tensor, which is not supported yet")
    heads = fact("attention.head_count")
    return {
        "model_type": kind,
        "num_hidden_layers": fact("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": fact("attention.head_count_kv", heads),
        "hidden_size": fact("embedding_length"),
        "head_dim": fact("attention.key_length"),
        "intermediate_size": fact("feed_forward_length"),
        "vocab_size": file.tensors["token_embd.weight"].shape[0] if "token_embd.weight" in file.tensors else None,
        "max_position_embeddings": fact("context_length"),
        "rms_norm_eps": fact("attention.layer_norm_rms_epsilon", 1e-6),
        "rope_parameters": scaling,
        "sliding_window": fact("attention.sliding_window"),
    }
