"""Files and calls that must be refused, and how a refusal reads."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from shapes import unchecked as unchecked
from tiny import KINDS, Kind, tiny
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor

from loadstore.checkpoints.checkpoint import read_checkpoint
from loadstore.checkpoints.families.own import digest
from loadstore.errors import LoadstoreError
from loadstore.model.weights import Weights
from loadstore.tokenizer.tokens import Tokens
from loadstore.visible import line

PLAIN = Kind("shortformer", "none", biases=True)
LEGACY = [  # HookedTransformer's gates have no bias, and its experts and latents are not read
    kind
    for kind in KINDS
    if not (
        kind.experts
        or kind.latent
        or kind.positions == "alibi"
        or kind.window
        or kind.qk_norm
        or (kind.biases and "gated" in kind.mlp)
    )
]
BASE = 7.0  # of tiny's rotary models
WORDS = ["<s>", "the", "cat", "sat", "on", "mat", "dog", "log"]


def refusal(action: Callable[[], object], kind: type[LoadstoreError], *words: object) -> str:
    """Assert that ``action`` raises ``kind`` with one short line that has every one of ``words``; return the line."""
    with pytest.raises(LoadstoreError) as caught:
        action()
    message = str(caught.value)
    assert isinstance(caught.value, kind), f"{type(caught.value).__name__}: {message}"
    for word in words:
        assert str(word) in message, f"{word!r} is missing from: {message}"
    # The paths of a test are long; what is said about them is not.
    assert message == line(message), f"more than a plain line: {message!r}"
    assert len(message) < 800, message
    return message


def forge(path: Path, **metadata: str | None) -> None:
    """Change the header's facts and sign them anew, as someone hostile would."""
    found = read_checkpoint(path)
    facts = {key: value for key, value in {**found.metadata, **metadata}.items() if value is not None}
    save_file(found.tensors, path, {**facts, "digest": digest(found.tensors, facts)})


def outcome(action: Callable[[], Weights]) -> Weights | LoadstoreError:
    """The model, or why there is none; any other exception fails the test."""
    try:
        return action()
    except LoadstoreError as error:
        return error


def small(kind: Kind = PLAIN) -> Weights:
    """A model of 2 layers × 2 heads (or 4, two a key) in float32, vocabulary 17, context 10; it speaks eight words."""
    model = tiny(kind, n_layers=2, n_heads=4 if kind.kv == 2 else 2).map(lambda tensor: tensor.float())
    return Weights(**{**vars(model), "name": "small", "tokens": Tokens(words(), 0)})


def words(names: list[str] = WORDS) -> Tokenizer:
    """A tokenizer of whole words that knows nothing else."""
    tokenizer = Tokenizer(WordLevel({name: index for index, name in enumerate(names)}, unk_token="<s>"))
    tokenizer.pre_tokenizer = Whitespace()
    return tokenizer


def legacy_state(model: Weights) -> dict[str, Tensor]:
    """The same weights in HookedTransformer naming."""
    state = {"embed.W_E": model.W_E, "unembed.W_U": model.W_U}
    if model.W_pos is not None:
        state["pos_embed.W_pos"] = model.W_pos
    if model.b_U is not None:
        state["unembed.b_U"] = model.b_U
    for index, layer in enumerate(model.layers):
        for name, value in vars(layer).items():
            if isinstance(value, Tensor):
                shared = model.architecture.n_kv_heads is not None and name[-1] in "KV"
                state[f"blocks.{index}.attn.{'_' if shared else ''}{name}"] = value
        mlp = {} if layer.mlp is None else vars(layer.mlp)
        state |= {f"blocks.{index}.mlp.{name}": value for name, value in mlp.items() if isinstance(value, Tensor)}
    norms = {f"blocks.{index}.ln1": layer.norm for index, layer in enumerate(model.layers)}
    norms |= {f"blocks.{index}.ln2": layer.mlp and layer.mlp.norm for index, layer in enumerate(model.layers)}
    for prefix, norm in {**norms, "ln_final": model.final_norm}.items():
        for part, value in (("w", norm and norm.gain), ("b", norm and norm.bias)):
            if value is not None:
                state[f"{prefix}.{part}"] = value
    return state


def legacy_config(model: Weights) -> dict[str, Any]:
    """What HookedTransformer's config says of the model, where tensors cannot; ``none`` is a word of ours."""
    shape = model.architecture
    gains = model.final_norm is not None and model.final_norm.gain is not None
    kinds = {"none": None, "layer": "LN" if gains else "LNPre", "rms": "RMS" if gains else "RMSPre"}
    config: dict[str, Any] = {
        "n_ctx": shape.context,
        "positional_embedding_type": "standard" if shape.positions == "learned" else shape.positions,
        "normalization_type": kinds[shape.norm],
        "final_rms": (shape.norm, shape.last_norm) == ("layer", "rms"),
        "eps": shape.eps,
    }
    if shape.mlp is not None:
        config |= {"act_fn": shape.mlp.activation, "parallel_attn_mlp": shape.mlp.parallel, "attn_only": False}
    if shape.rotary is not None:
        config["rotary_dim"] = shape.rotary.dimensions
        config["rotary_base"] = BASE
        config["rotary_adjacent_pairs"] = shape.rotary.pairs == "adjacent"
    return config


def rotary_tables(model: Weights) -> dict[str, Tensor]:
    """The sines and cosines that HookedTransformer saves with rotary positions."""
    shape, rotary = model.architecture, model.architecture.rotary
    assert rotary is not None
    table = torch.empty(shape.context, rotary.dimensions, dtype=torch.float64)
    for dimensions in rotary.first_and_second():
        table[:, dimensions] = rotary.angles(shape.context)
    parts = {"sin": table.sin().float(), "cos": table.cos().float()}
    return {f"blocks.{i}.attn.rotary_{part}": v for i in range(shape.n_layers) for part, v in parts.items()}


def raw(path: Path, header: dict[str, Any] | bytes, data: bytes = b"", length: int | None = None) -> Path:
    """Write a safetensors file by hand, with whatever header and stated header length."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def parts(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header and the data of a safetensors file."""
    content = path.read_bytes()
    end = 8 + struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:end]), content[end:]


def same(one: Weights, other: Weights) -> bool:
    """Whether two models are the same to the last bit, and speak the same way."""
    first, second = dict(one.named()), dict(other.named())
    return (
        one.architecture == other.architecture
        and one.name == other.name
        and speech(one) == speech(other)
        and centring(one) == centring(other)
        and first.keys() == second.keys()
        and all(torch.equal(first[name], second[name]) for name in first)
    )


def centring(model: Weights) -> list[bool | None]:
    """Which norms there are, and which of them centre; no tensor says so."""
    norms = [*(layer.norm for layer in model.layers), model.final_norm]
    return [None if norm is None else norm.centres for norm in norms]


def speech(model: Weights) -> tuple[str, int | None] | None:
    """Tokenizer and BOS."""
    return None if model.tokens is None else (model.tokens.tokenizer.to_str(), model.tokens.bos)
