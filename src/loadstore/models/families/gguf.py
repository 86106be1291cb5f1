"""Models in GGUF: their names and facts said in the words of Hugging Face, whose families then build them."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from loadstore.errors import BadCheckpoint, LoadstoreError, NotThisModel
from loadstore.models.checkpoint import Checkpoint
from loadstore.models.families import gpt2, llama
from loadstore.models.families.huggingface import Facts
from loadstore.models.families.rope import RopeFacts
from loadstore.models.gguf import GGUF, read_gguf
from loadstore.models.quote import quote, some
from loadstore.models.tensorfile import PACKED, SUFFIXES
from loadstore.models.vocabulary import tokens_of
from loadstore.models.weights import Weights

FACTORS = "rope_freqs.weight"
MOST_FACTORS = 1 << 12
UNREAD = (  # they change numbers
    "attention.scale",
    "attention.clamp_kqv",
    "attention.max_alibi_bias",
    "attention.temperature_scale",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "logit_scale",
    "residual_scale",
    "embedding_scale",
    "expert_count",
    "attention.sliding_window_pattern",
)
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
KINDS: dict[str, Names] = {"llama": LLAMA, "qwen2": LLAMA, "qwen3": LLAMA, "gpt2": GPT2}


def packed(path: Path) -> Path | None:
    """The GGUF file that a path means: itself, or the only model file of a folder; None where it means another."""
    if path.suffix == PACKED:
        return path
    try:
        found = [one for one in path.iterdir() if one.suffix in (PACKED, *SUFFIXES) and one.is_file()]
    except OSError:
        return None
    return found[0] if len(found) == 1 and found[0].suffix == PACKED else None


def build(path: Path) -> Weights:
    """Open a GGUF file: its weights, its tokenizer where it carries one that is read, its name.

    Only the header is read, and what biases there are. Raises BadCheckpoint where the file is damaged or hostile,
    NotThisModel for what is not supported.
    """
    file = read_gguf(path)
    kind = str(file.facts.get("general.architecture"))
    if kind not in KINDS:
        raise NotThisModel(f"{path} holds the architecture '{quote(kind, 40)}'; of GGUF, {some(list(KINDS))} are read")
    names = KINDS[kind]
    try:
        checkpoint = Checkpoint(path, _tensors(file, kind, names), {}, _config(file, kind))
        facts = Facts(checkpoint, checkpoint.config or {})
        weights = (
            gpt2.build(checkpoint, facts) if kind == "gpt2" else llama.build(checkpoint, facts, _turns(file, kind))
        )
    except LoadstoreError as error:
        if str(path) in str(error):
            raise
        raise type(error)(f"{path}: {error}") from None  # an architecture that is impossible names no file
    tokens = tokens_of(file, weights.architecture.vocab)
    weights = replace(weights, origin=quote(path.name, 60))
    return replace(weights, untokenised=tokens) if isinstance(tokens, str) else replace(weights, tokens=tokens)


def _tensors(file: GGUF, kind: str, names: Names) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, tensor in file.tensors().items():
        stem, _, part = name.rpartition(".")
        if name == FACTORS:
            continue
        if found := LAYER.fullmatch(name):
            stem, new = found[2], f"{names.layers}.{found[1]}.{names.of_layer.get(found[2])}"
            known = stem in names.of_layer
        else:
            new, known = names.whole.get(stem), stem in names.whole
        if not known:
            raise NotThisModel(f"{file.path}: tensor '{quote(name)}' has no place in a {kind} model")
        tensors[f"{new}.{part}"] = tensor.mT if stem in names.turned and tensor.ndim == 2 else tensor
    return tensors


def _config(file: GGUF, kind: str) -> dict[str, Any]:
    """Say the facts in the words of a config.json; what is missing or wrong there is told by who reads it."""
    own = {name.removeprefix(f"{kind}."): value for name, value in file.facts.items() if name.startswith(f"{kind}.")}
    vocab = file.stored["token_embd.weight"].shape[0] if "token_embd.weight" in file.stored else None
    tied = {"vocab_size": vocab, "tie_word_embeddings": "output.weight" not in file.stored}
    heads, d = own.get("attention.head_count"), own.get("embedding_length")
    if kind == "gpt2":
        return tied | {
            "n_layer": own.get("block_count"),
            "n_head": heads,
            "n_embd": d,
            "n_inner": own.get("feed_forward_length"),
            "n_positions": own.get("context_length"),
            "layer_norm_epsilon": own.get("attention.layer_norm_epsilon"),
        }
    d_head = own.get("attention.key_length")
    if own.get("attention.value_length", d_head) != d_head:
        raise NotThisModel(f"{file.path}: its values are wider or narrower than its keys, which is not supported")
    if stated := [name for name in UNREAD if own.get(name)]:
        raise NotThisModel(f"{file.path} states {some(stated)} of its {kind} model, which is not computed")
    return tied | {
        # Every layer slides where a window is stated, as Mistral's do.
        "model_type": "mistral" if own.get("attention.sliding_window") else kind,
        "num_hidden_layers": own.get("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": own.get("attention.head_count_kv", heads),
        "hidden_size": d,
        "head_dim": d_head,
        "intermediate_size": own.get("feed_forward_length"),
        "max_position_embeddings": own.get("context_length"),
        "rms_norm_eps": own.get("attention.layer_norm_rms_epsilon", 1e-6),
        "sliding_window": own.get("attention.sliding_window") or None,
        "rope_parameters": _rotary(own),
    }


def _rotary(own: dict[str, Any]) -> dict[str, Any]:
    """Base and scaling of rotary positions, in the words of a config.json."""
    rotary = {"rope_type": "default", "rope_theta": own.get("rope.freq_base", 10_000.0)}
    if (scaling := own.get("rope.scaling.type", "none")) != "none":
        rotary |= {"rope_type": scaling, "factor": own.get("rope.scaling.factor")}
    return rotary


def _turns(file: GGUF, kind: str) -> RopeFacts:
    """Rotary facts that no config.json states; llama.cpp orders Q and K of a Llama so that pairs are neighbours."""
    factors: tuple[float, ...] | None = None
    if FACTORS in file.stored:
        tensor = file.tensors()[FACTORS]
        if tensor.numel() > MOST_FACTORS:
            raise BadCheckpoint(f"{file.path}: {FACTORS} has {tensor.numel()} entries; it is damaged, fetch it again")
        factors = tuple(tensor.flatten().tolist())
    turned: object = file.facts.get(f"{kind}.rope.dimension_count")
    if turned is not None and type(turned) is not int:
        raise BadCheckpoint(
            f"{file.path}: {kind}.rope.dimension_count = {quote(turned, 40)}, expected a whole number; fetch it again"
        )
    return RopeFacts("adjacent" if kind == "llama" else "halves", factors, turned)
