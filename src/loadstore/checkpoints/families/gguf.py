"""Models in GGUF: their names and facts said in the words of Hugging Face, whose families then build them."""

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families import gemma, gpt2, llama
from loadstore.checkpoints.families.gguf_config import FACTORS, config_of, turns_of
from loadstore.checkpoints.families.gguf_keys import own_facts
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.gguf import GGUF, read_gguf
from loadstore.checkpoints.tensorfile import PACKED, SUFFIXES
from loadstore.checkpoints.vocabulary import tokens_of
from loadstore.errors import LoadstoreError, NotThisModel
from loadstore.model.weights import Weights
from loadstore.quote import quote, some

LAYER = re.compile(r"blk\.([0-9]{1,4})\.([a-z_]+)\.(weight|bias)")


class Names(NamedTuple):
    """How one architecture's tensors are called by Hugging Face: in a layer, and outside; and which are turned."""

    layers: str
    of_layer: dict[str, str]
    whole: dict[str, str]
    turned: tuple[str, ...] = ()


LLAMA = Names(
    "model.layers",
    {
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
    },
    {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"},
)
GPT2 = Names(
    "transformer.h",
    {
        "attn_norm": "ln_1",
        "attn_qkv": "attn.c_attn",
        "attn_output": "attn.c_proj",
        "ffn_norm": "ln_2",
        "ffn_up": "mlp.c_fc",
        "ffn_down": "mlp.c_proj",
    },
    {
        "token_embd": "transformer.wte",
        "position_embd": "transformer.wpe",
        "output_norm": "transformer.ln_f",
        "output": "lm_head",
    },
    turned=("attn_qkv", "attn_output", "ffn_up", "ffn_down"),  # stored [out, in], where GPT-2's own are [in, out]
)
GEMMA = Names(
    LLAMA.layers,
    {
        **LLAMA.of_layer,
        "post_attention_norm": "post_attention_layernorm",
        "ffn_norm": "pre_feedforward_layernorm",
        "post_ffw_norm": "post_feedforward_layernorm",
    },
    LLAMA.whole,
)
KINDS: dict[str, Names] = {"llama": LLAMA, "qwen2": LLAMA, "qwen3": LLAMA, "gemma3": GEMMA, "gpt2": GPT2}


def packed(path: Path) -> Path | None:
    """The GGUF file that a path means: itself, or the only model file of a folder; None where it means another."""
    if path.suffix == PACKED:
        return path
    try:
        models = [entry for entry in path.iterdir() if entry.suffix in (PACKED, *SUFFIXES) and entry.is_file()]
    except OSError:
        return None
    return models[0] if len(models) == 1 and models[0].suffix == PACKED else None


def build(path: Path, ignore: Collection[str] = ()) -> Weights:
    """Open a GGUF file: its weights, its tokenizer where it carries one that is read, its name.

    Only the header is read, and what biases there are.

    Args:
        path: The file.
        ignore: Keys of the file, in full, to take as if they were not stated.

    Returns:
        The model.

    Raises:
        BadCheckpoint: The file is damaged or contradicts itself.
        NotThisModel: It holds something that is not supported.
    """
    file = read_gguf(path)
    kind = str(file.facts.get("general.architecture"))
    if kind not in KINDS:
        raise NotThisModel(
            f"{path} holds the architecture '{quote(kind, 40)}'; in GGUF, supported are {some(list(KINDS))}"
        )
    own = own_facts(path, file.facts, kind, ignore)
    try:
        checkpoint = Checkpoint(path, _tensors(file, kind, KINDS[kind]), {}, config_of(file, kind, own))
        facts = Facts(checkpoint, checkpoint.config or {})
        rope = turns_of(file, kind, own)
        if kind == "gemma3":
            weights = gemma.build(checkpoint, facts, rope, added=True)
        else:
            weights = gpt2.build(checkpoint, facts) if kind == "gpt2" else llama.build(checkpoint, facts, rope)
    except LoadstoreError as error:
        if str(path) in str(error):
            raise
        raise type(error)(f"{path}: {error}") from None  # an architecture that is impossible names no file
    tokens = tokens_of(
        replace(file, facts={key: value for key, value in file.facts.items() if key not in ignore}),
        weights.architecture.vocab,
    )
    weights = replace(weights, origin=quote(path.name, 60))
    return replace(weights, untokenised=tokens) if isinstance(tokens, str) else replace(weights, tokens=tokens)


def _tensors(file: GGUF, kind: str, names: Names) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, tensor in file.tensors().items():
        stem, _, part = name.rpartition(".")
        if name == FACTORS and kind == "llama":  # llama.cpp has them for no other of these
            continue
        if match := LAYER.fullmatch(name):
            stem, new = match[2], f"{names.layers}.{match[1]}.{names.of_layer.get(match[2])}"
            mapped = stem in names.of_layer
        else:
            new, mapped = names.whole.get(stem), stem in names.whole
        if not mapped:
            raise NotThisModel(f"{file.path}: tensor '{quote(name)}' has no place in a {kind} model")
        tensors[f"{new}.{part}"] = tensor.mT if stem in names.turned and tensor.ndim == 2 else tensor
    return tensors
