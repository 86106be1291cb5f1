"""loadstore's own layout: one safetensors file with architecture, tokenizer and a digest in its metadata."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.models.architecture import Architecture
from loadstore.models.checkpoint import Checkpoint
from loadstore.models.tokens import Tokens
from loadstore.models.weights import Layer, Norm, Weights

FORMAT = "loadstore/weights@1"


def recognise(checkpoint: Checkpoint) -> bool:
    """Whether a file says that it is in this layout."""
    return checkpoint.metadata.get("format") == FORMAT


def save_weights(weights: Weights, path: Path, *, half: bool = False, card: str = "") -> None:
    """Write a model as one file, atomically; ``half`` stores float16, which loses precision, and says so in it.

    Raises BadRequest when the file cannot be written.
    """
    tensors = {name: (t.half() if half else t).contiguous().clone() for name, t in weights.named()}
    metadata = {
        "format": FORMAT,
        "name": weights.name,
        "architecture": json.dumps(asdict(weights.architecture)),
        "digest": digest(tensors.items()),
        "card": card,
    }
    if weights.tokens is not None:
        metadata["tokenizer"] = weights.tokens.tokenizer.to_str()
        metadata["bos"] = json.dumps(weights.tokens.bos)
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            file.write(save(tensors, metadata))
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error}") from None


def digest(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """SHA-256 over names, shapes and bytes, in name order: a flipped bit anywhere changes it."""
    total = hashlib.sha256()
    for name, tensor in sorted(tensors):
        total.update(f"{name} {list(tensor.shape)} {tensor.dtype}\n".encode())
        total.update(tensor.contiguous().view(torch.uint8).numpy().data)
    return total.hexdigest()


def build(checkpoint: Checkpoint) -> Weights:
    """Read the layout. Raises BadCheckpoint naming the tensor or the fact that is wrong."""
    if checkpoint.metadata.get("digest") != digest(checkpoint.tensors.items()):
        raise BadCheckpoint(
            f"{checkpoint.path} is damaged: its tensors do not match the digest in its header; fetch it again"
        )
    try:
        shape = Architecture(**json.loads(checkpoint.metadata["architecture"]))
        bos: object = json.loads(checkpoint.metadata.get("bos", "null"))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{checkpoint.path}: the header does not describe a model ({error!r})") from None
    if not (bos is None or (type(bos) is int and 0 <= bos < shape.vocab)):
        raise BadCheckpoint(f"{checkpoint.path}: bos {bos!r} is not a token id below {shape.vocab}")
    text = checkpoint.metadata.get("tokenizer")
    d, v = shape.d_model, shape.vocab
    return Weights(
        architecture=shape,
        W_E=checkpoint.take("W_E", v, d),
        W_pos=checkpoint.take("W_pos", shape.context, d),
        layers=tuple(_layer(checkpoint, shape, f"layers.{index}.") for index in range(shape.n_layers)),
        W_U=checkpoint.take("W_U", d, v),
        b_U=_optional(checkpoint, "b_U", v),
        final_norm=_norm(checkpoint, shape, "final_norm."),
        name=checkpoint.metadata.get("name") or checkpoint.path.stem,
        tokens=None if text is None else Tokens.from_json(text, bos),
    )


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
        norm=_norm(checkpoint, shape, f"{prefix}norm."),
    )


def _norm(checkpoint: Checkpoint, shape: Architecture, prefix: str) -> Norm | None:
    if shape.norm == "none":
        return None
    return Norm(
        gain=_optional(checkpoint, f"{prefix}gain", shape.d_model),
        bias=_optional(checkpoint, f"{prefix}bias", shape.d_model),
    )


def _optional(checkpoint: Checkpoint, name: str, *shape: int) -> Tensor | None:
    return checkpoint.take(name, *shape) if name in checkpoint.tensors else None
