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
from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.models.architecture import Architecture, NormKind
from loadstore.models.checkpoint import Checkpoint
from loadstore.models.quote import quote, some
from loadstore.models.tokens import Tokens
from loadstore.models.weights import Layer, Norm, Weights

FORMAT = "loadstore/weights@1"


def recognise(checkpoint: Checkpoint) -> bool:
    """Whether a file says that it is in this layout."""
    return checkpoint.metadata.get("format") == FORMAT


def save_weights(weights: Weights, path: Path, *, half: bool = False, card: str = "") -> None:
    """Write a model as one file, atomically; ``half`` stores float16, which loses precision, and says so in it.

    Raises BadRequest when the file cannot be written, or when a weight is beyond what float16 holds.
    """
    tensors = {name: (t.half() if half else t).detach().contiguous().clone() for name, t in weights.named()}
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise BadRequest(f"{weights.name} cannot be written as {tensor.dtype}: {name} is not finite in it")
    metadata = {
        "format": FORMAT,
        "name": weights.name,
        "architecture": json.dumps(asdict(weights.architecture)),
        "numbers": "float16, rounded" if half else str(weights.dtype).removeprefix("torch."),
        "card": card,
    }
    if weights.tokens is not None:
        metadata["tokenizer"] = weights.tokens.tokenizer.to_str()
        metadata["bos"] = json.dumps(weights.tokens.bos)
    metadata["digest"] = digest(tensors, metadata)
    with replacing(path) as partial:
        partial.write_bytes(save(tensors, metadata))


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
            f"{checkpoint.path} is damaged: its content does not match the digest in its header; fetch it again"
        )
    try:
        facts: object = json.loads(checkpoint.metadata["architecture"])
        bos: object = json.loads(checkpoint.metadata.get("bos", "null"))
    except (KeyError, ValueError, RecursionError) as error:
        raise BadCheckpoint(
            f"{checkpoint.path}: the header does not describe a model ({quote(repr(error))}); fetch it again"
        ) from None
    if not isinstance(facts, dict):
        raise BadCheckpoint(f"{checkpoint.path}: the header does not describe a model; fetch it again")
    shape = checkpoint.architecture(cast("dict[str, Any]", facts))
    if not (bos is None or (type(bos) is int and 0 <= bos < shape.vocab)):
        raise BadCheckpoint(f"{checkpoint.path}: bos {quote(bos, 40)} is not a token id below {shape.vocab}")
    text = checkpoint.metadata.get("tokenizer")
    d, v = shape.d_model, shape.vocab
    weights = Weights(
        architecture=shape,
        W_E=checkpoint.take("W_E", v, d),
        W_pos=checkpoint.take("W_pos", shape.context, d) if shape.has_pos else None,
        layers=tuple(_layer(checkpoint, shape, f"layers.{index}.") for index in range(shape.n_layers)),
        W_U=checkpoint.take("W_U", d, v),
        b_U=_optional(checkpoint, "b_U", v),
        final_norm=_norm(checkpoint, shape.last_norm, d, "final_norm."),
        name=quote(checkpoint.metadata.get("name") or checkpoint.path.stem),
        tokens=None if text is None else Tokens.from_json(text, bos, v, f"the tokenizer in {checkpoint.path}"),
    )
    if unread := sorted(set(checkpoint.tensors) - {name for name, _ in weights.named()}):
        raise BadCheckpoint(f"{checkpoint.path}: its architecture has no place for its tensors {some(unread)}")
    return weights


def _layer(checkpoint: Checkpoint, shape: Architecture, prefix: str) -> Layer:
    h, d, e = shape.n_heads, shape.d_model, shape.d_head
    return Layer(
        W_Q=checkpoint.take(f"{prefix}W_Q", h, d, e),
        W_K=checkpoint.take(f"{prefix}W_K", h, d, e),
        W_V=checkpoint.take(f"{prefix}W_V", h, d, e),
        W_O=checkpoint.take(f"{prefix}W_O", h, e, d),
        b_Q=_optional(checkpoint, f"{prefix}b_Q", h, e),
        b_K=_optional(checkpoint, f"{prefix}b_K", h, e),
        b_V=_optional(checkpoint, f"{prefix}b_V", h, e),
        b_O=_optional(checkpoint, f"{prefix}b_O", d),
        norm=_norm(checkpoint, shape.norm, d, f"{prefix}norm."),
    )


def _norm(checkpoint: Checkpoint, kind: NormKind, d_model: int, prefix: str) -> Norm | None:
    if kind == "none":
        return None
    return Norm(
        gain=_optional(checkpoint, f"{prefix}gain", d_model),
        bias=_optional(checkpoint, f"{prefix}bias", d_model),
        centres=kind == "layer",
    )


def _optional(checkpoint: Checkpoint, name: str, *shape: int) -> Tensor | None:
    return checkpoint.take(name, *shape) if name in checkpoint.tensors else None
