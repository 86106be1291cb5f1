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
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.jsonfile import parsed
from loadstore.model.architecture import Architecture, NormKind
from loadstore.model.weights import Layer, MlpLayer, Norm, Weights
from loadstore.quote import quote, some
from loadstore.tokenizer.tokens import Tokens

FORMAT = "loadstore/weights@1"
# The axes of every tensor: h heads, k of them with keys and values, d_model, e = d_head, w inside an MLP.
ATTENTION = {"W_Q": "hde", "W_K": "kde", "W_V": "kde", "W_O": "hed", "b_Q": "he", "b_K": "ke", "b_V": "ke", "b_O": "d"}
MLP = {"W_in": "dw", "W_out": "wd", "W_gate": "dw", "b_in": "w", "b_gate": "w", "b_out": "d"}
INNER = {  # norms beside those of the architecture
    **{"q_norm": "e", "k_norm": "e", "after_heads": "d"},
    **{"mlp.inner": "w", "mlp.after": "d"},
}


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
        "architecture": json.dumps(weights.architecture.stated, default=asdict),
        "numbers": "float16, rounded" if half else ", ".join(sorted({str(t.dtype)[6:] for t in tensors.values()})),
        "card": card,
    }
    if weights.tied:
        metadata["tied"] = "true"
    if inner := _inner_of(weights):
        metadata["inner_norms"] = json.dumps(inner)
    if weights.tokens is not None:
        metadata["tokenizer"] = weights.tokens.tokenizer.to_str()
        metadata["bos"] = json.dumps(weights.tokens.bos)
    metadata["digest"] = digest(tensors, metadata)
    return save(tensors, metadata)


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
    W_E, inner = checkpoint.take("W_E", v, d), _inner_norms(checkpoint, shape)
    weights = Weights(
        architecture=shape,
        W_E=W_E,
        W_pos=checkpoint.take("W_pos", shape.context, d) if shape.has_pos else None,
        layers=_layers(checkpoint, shape, inner),
        W_U=W_E.mT if checkpoint.metadata.get("tied") == "true" else checkpoint.take("W_U", d, v),
        b_U=_optional(checkpoint, "b_U", v),
        final_norm=_norm(checkpoint, shape.last_norm, d, "final_norm."),
        name=quote(checkpoint.metadata.get("name") or checkpoint.path.stem),
        tokens=None if text is None else Tokens.from_json(text, bos, v, f"the tokenizer in {checkpoint.path}"),
    )
    if unread := sorted(set(checkpoint.tensors) - {name for name, _ in weights.named()}):
        raise BadCheckpoint(f"{checkpoint.path}: its architecture has no place for its tensors {some(unread)}")
    return weights


def _layers(checkpoint: Checkpoint, shape: Architecture, inner: dict[str, NormKind]) -> tuple[Layer, ...]:
    try:
        return tuple(_layer(checkpoint, shape, f"layers.{index}.", inner) for index in range(shape.n_layers))
    except NotThisModel as error:  # norms that a layer cannot have
        raise BadCheckpoint(f"{checkpoint.path}: {error}; fetch it again") from None


def _layer(checkpoint: Checkpoint, shape: Architecture, prefix: str, inner: dict[str, NormKind]) -> Layer:
    sizes = {"h": shape.n_heads, "k": shape.kv_heads, "d": shape.d_model, "e": shape.d_head}
    sizes["w"] = 1 if shape.mlp is None else shape.mlp.width

    def part(name: str, axes: str, *, needed: bool) -> Tensor | None:
        full = prefix + name
        return checkpoint.take(full, *(sizes[axis] for axis in axes)) if needed or full in checkpoint.tensors else None

    def norm(name: str) -> Norm | None:
        return _norm(checkpoint, inner.get(name, "none"), sizes[INNER[name]], f"{prefix}{name}.")

    attention: dict[str, Any] = {name: part(name, axes, needed=name[0] == "W") for name, axes in ATTENTION.items()}
    mlp = None
    if shape.mlp is not None:
        needed = {"W_in", "W_out", "W_gate"} if shape.mlp.gated else {"W_in", "W_out"}
        parts: dict[str, Any] = {name: part(f"mlp.{name}", axes, needed=name in needed) for name, axes in MLP.items()}
        outer = _norm(checkpoint, shape.norm, shape.d_model, f"{prefix}mlp.norm.")
        mlp = MlpLayer(**parts, norm=outer, inner=norm("mlp.inner"), after=norm("mlp.after"))
    outer = _norm(checkpoint, shape.norm, shape.d_model, f"{prefix}norm.")
    others: dict[str, Any] = {name: norm(name) for name in ("q_norm", "k_norm", "after_heads")}
    return Layer(**attention, norm=outer, **others, mlp=mlp)


def _inner_of(weights: Weights) -> dict[str, NormKind]:
    """Which norms there are inside heads and MLPs, the same in every layer. Raises BadRequest where they differ."""

    def kinds(layer: Layer) -> dict[str, NormKind]:
        norms = {name: getattr(layer, name) for name in ("q_norm", "k_norm", "after_heads")}
        if layer.mlp is not None:
            norms |= {"mlp.inner": layer.mlp.inner, "mlp.after": layer.mlp.after}
        return {name: "layer" if norm.centres else "rms" for name, norm in norms.items() if norm is not None}

    inner = kinds(weights.layers[0])
    if any(kinds(layer) != inner for layer in weights.layers):
        raise BadRequest(f"{weights.name} cannot be written: its layers have different norms inside heads and MLPs")
    return inner


def _inner_norms(checkpoint: Checkpoint, shape: Architecture) -> dict[str, NormKind]:
    """The same as a header states it. Raises BadCheckpoint where it states what cannot be."""
    text = checkpoint.metadata.get("inner_norms")
    if text is None:
        return {}
    stated = parsed(text, f"the inner norms of {checkpoint.path}", "fetch it again")
    for name, kind in stated.items():
        if name not in INNER or kind not in ("layer", "rms") or (name.startswith("mlp.") and shape.mlp is None):
            raise BadCheckpoint(
                f"{checkpoint.path}: its header names a norm '{quote(name, 40)}' of kind '{quote(kind, 40)}', "
                f"expected 'layer' or 'rms' for {', '.join(INNER)}; fetch it again"
            )
    return stated


def _norm(checkpoint: Checkpoint, kind: NormKind, width: int, prefix: str) -> Norm | None:
    if kind == "none":
        return None
    return Norm(
        gain=_optional(checkpoint, f"{prefix}gain", width),
        bias=_optional(checkpoint, f"{prefix}bias", width),
        centres=kind == "layer",
    )


def _optional(checkpoint: Checkpoint, name: str, *shape: int) -> Tensor | None:
    return checkpoint.take(name, *shape) if name in checkpoint.tensors else None
