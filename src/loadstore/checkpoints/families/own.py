"""loadstore's own layout: one safetensors file with architecture, tokenizer and a digest in its metadata."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save
from torch import Tensor

from loadstore.atomic import replacing
from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.own_experts import read_experts
from loadstore.checkpoints.families.own_latents import read_latents, stated_latents
from loadstore.checkpoints.families.own_norms import inner_norm, norm_of, optional, read_norms, stated_norms
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.model.architecture import Architecture
from loadstore.model.layers import Layer, MlpLayer, Norm
from loadstore.model.mixture import Mixture
from loadstore.model.mlp_facts import Mlp
from loadstore.model.weights import Weights
from loadstore.quote import quote, some
from loadstore.tokenizer.tokens import Tokens

FORMAT = "loadstore/weights@1"
# The axes of every tensor: h heads, k of them with keys and values, d_model, e = d_head, v = d_value, w inside an MLP.
ATTENTION = {
    **{"W_Q": "hde", "W_K": "kde", "W_V": "kdv", "W_O": "hvd"},
    **{"b_Q": "he", "b_K": "ke", "b_V": "kv", "b_O": "d", "sinks": "h"},
}
MLP = {"W_in": "dw", "W_out": "wd", "W_gate": "dw", "b_in": "w", "b_gate": "w", "b_out": "d"}


def recognise(checkpoint: Checkpoint) -> bool:
    """Whether a file says that it is in this layout."""
    return checkpoint.metadata.get("format") == FORMAT


def save_weights(weights: Weights, path: Path, *, half: bool = False, card: str = "") -> None:
    """Write a model as one file, atomically; ``half`` stores float16, which loses precision, and says so in it.

    Raises BadRequest when the file cannot be written, or when a weight is beyond what float16 holds.
    """
    data = packed(weights, half=half, card=card)
    with replacing(path, even_read=True) as part:  # read models are copies, and this path names a model on purpose
        part.write_bytes(data)


def packed(weights: Weights, *, half: bool = False, card: str = "") -> bytes:
    """Return the file of a model. Raises BadRequest when a weight is not finite in its format."""
    stored = {name: tensor for name, tensor in weights.named() if not (name == "W_U" and weights.tied)}
    tensors = {name: (t.half() if half else t).detach().contiguous().clone() for name, t in stored.items()}
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise BadRequest(f"{weights.name} cannot be written as {tensor.dtype}: {name} is not finite in it")
    metadata = {
        "format": FORMAT,
        "name": weights.name,
        "architecture": json.dumps(weights.architecture.stated, default=_facts),
        "numbers": "float16, rounded" if half else ", ".join(sorted({str(t.dtype)[6:] for t in tensors.values()})),
        "card": card,
    }
    if weights.tied:
        metadata["tied"] = "true"
    if inner := stated_norms(weights):
        metadata["inner_norms"] = json.dumps(inner)
    if latents := stated_latents(weights):
        metadata["latents"] = json.dumps(latents)
    if weights.tokens is not None:
        metadata["tokenizer"] = weights.tokens.tokenizer.to_str()
        metadata["bos"] = json.dumps(weights.tokens.bos)
    metadata["digest"] = digest(tensors, metadata)
    return save(tensors, metadata)


def _facts(part: Any) -> dict[str, Any]:
    return part.stated if isinstance(part, Mlp | Mixture) else asdict(part)


def digest(tensors: dict[str, Tensor], metadata: dict[str, str]) -> str:
    """SHA-256 over the header's facts, then names, shapes and bytes by name: a flipped bit anywhere changes it."""
    facts = {key: value for key, value in metadata.items() if key != "digest"}
    total = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {list(tensor.shape)} {tensor.dtype}\n".encode())
        total.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def build(checkpoint: Checkpoint) -> Weights:
    """Read the layout. Raises BadCheckpoint naming the tensor or the fact that is wrong."""
    if checkpoint.metadata.get("digest") != digest(checkpoint.tensors, checkpoint.metadata):
        raise BadCheckpoint(
            f"{checkpoint.path} is damaged: its content does not match the digest in its header; download it again"
        )
    try:
        facts: object = json.loads(checkpoint.metadata["architecture"])
        bos: object = json.loads(checkpoint.metadata.get("bos", "null"))
    except (KeyError, ValueError, RecursionError) as error:
        raise BadCheckpoint(
            f"{checkpoint.path}: the header does not describe a model ({quote(repr(error))}); download it again"
        ) from None
    if not isinstance(facts, dict):
        raise BadCheckpoint(f"{checkpoint.path}: the header does not describe a model; download it again")
    shape = checkpoint.architecture(cast("dict[str, Any]", facts))
    if not (bos is None or (type(bos) is int and 0 <= bos < shape.vocab)):
        raise BadCheckpoint(f"{checkpoint.path}: bos {quote(bos, 40)} is not a token id below {shape.vocab}")
    text = checkpoint.metadata.get("tokenizer")
    d, v = shape.d_model, shape.vocab
    W_E, inner = checkpoint.take("W_E", v, d), read_norms(checkpoint, shape)
    weights = Weights(
        architecture=shape,
        W_E=W_E,
        W_pos=checkpoint.take("W_pos", shape.context, d) if shape.has_pos else None,
        layers=_layers(checkpoint, shape, inner),
        W_U=W_E.mT if checkpoint.metadata.get("tied") == "true" else checkpoint.take("W_U", d, v),
        b_U=optional(checkpoint, "b_U", v),
        final_norm=norm_of(checkpoint, shape.last_norm, "final_norm.", d),
        name=quote(checkpoint.metadata.get("name") or checkpoint.path.stem),
        tokens=None if text is None else Tokens.from_json(text, bos, v, f"the tokenizer in {checkpoint.path}"),
    )
    if unread := sorted(set(checkpoint.tensors) - {name for name, _ in weights.named()}):
        raise BadCheckpoint(f"{checkpoint.path}: its architecture does not use its tensors {some(unread)}")
    return weights


def _layers(checkpoint: Checkpoint, shape: Architecture, inner: dict[str, str]) -> tuple[Layer, ...]:
    try:
        return tuple(_layer(checkpoint, shape, index, inner) for index in range(shape.n_layers))
    except NotThisModel as error:  # norms that a layer cannot have
        raise BadCheckpoint(f"{checkpoint.path}: {error}; download it again") from None


def _layer(checkpoint: Checkpoint, shape: Architecture, index: int, inner: dict[str, str]) -> Layer:
    prefix, width = f"layers.{index}.", shape.plain_width(index)
    sizes = {"h": shape.n_heads, "k": shape.kv_heads, "d": shape.d_model, "e": shape.d_head, "w": width}
    sizes["v"] = shape.value_width

    def part(name: str, axes: str, *, needed: bool) -> Tensor | None:
        full = prefix + name
        return checkpoint.take(full, *(sizes[axis] for axis in axes)) if needed or full in checkpoint.tensors else None

    def norm(name: str) -> Norm | None:
        return inner_norm(checkpoint, inner.get(name, "none"), prefix, name, sizes)

    attention: dict[str, Any] = {name: part(name, axes, needed=name[0] == "W") for name, axes in ATTENTION.items()}
    mlp = None
    if shape.mlp is not None:
        needed = {"W_in", "W_out", "W_gate"} if shape.mlp.gated else {"W_in", "W_out"}
        parts: dict[str, Any] = {name: part(f"mlp.{name}", axes, needed=name in needed) for name, axes in MLP.items()}
        outer = norm_of(checkpoint, shape.norm, f"{prefix}mlp.norm.", shape.d_model)
        parts |= {"inner": norm("mlp.inner"), "after": norm("mlp.after")}
        mlp = MlpLayer(**parts, norm=outer, experts=read_experts(checkpoint, shape, index))
    outer = norm_of(checkpoint, shape.norm, f"{prefix}norm.", shape.d_model)
    others: dict[str, Any] = {name: norm(name) for name in ("q_norm", "k_norm", "after_heads")}
    others |= read_latents(checkpoint, shape, prefix)
    return Layer(**attention, norm=outer, **others, mlp=mlp)
