"""Norms in loadstore's own layout: the architecture's, and those inside heads and MLPs, which a header states."""

from collections.abc import Mapping

from torch import Tensor

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.jsonfile import parsed
from loadstore.model.architecture import Architecture, NormKind
from loadstore.model.layers import Layer, Norm
from loadstore.model.weights import Weights
from loadstore.quote import quote

HEADS = {"q_norm": "he", "k_norm": "ke"}  # the axes of a gain, for each head its own, or one for all heads
INNER = {**HEADS, "after_heads": "d", "mlp.inner": "w", "mlp.after": "d"}
OWN, ACROSS = ", a gain for each head", ", a scale across heads"


def stated_norms(weights: Weights) -> dict[str, str]:
    """Which norms there are inside heads and MLPs, the same in every layer. Raises BadRequest where they differ."""

    def kinds(layer: Layer) -> dict[str, str]:
        norms = {name: getattr(layer, name) for name in (*HEADS, "after_heads")}
        if layer.mlp is not None:
            norms |= {"mlp.inner": layer.mlp.inner, "mlp.after": layer.mlp.after}
        return {name: _kind(norm) for name, norm in norms.items() if norm is not None}

    inner = kinds(weights.layers[0])
    if any(kinds(layer) != inner for layer in weights.layers):
        raise BadRequest(f"{weights.name} cannot be written: its layers have different norms inside heads and MLPs")
    return inner


def _kind(norm: Norm) -> str:
    own = OWN if norm.gain is not None and norm.gain.dim() > 1 else ""
    return ("layer" if norm.centres else "rms") + own + (ACROSS if norm.across_heads else "")


def read_norms(checkpoint: Checkpoint, shape: Architecture) -> dict[str, str]:
    """The same as a header states it. Raises BadCheckpoint where it states what cannot be."""
    text = checkpoint.metadata.get("inner_norms")
    if text is None:
        return {}
    stated = parsed(text, f"the inner norms of {checkpoint.path}", "download it again")
    for name, kind in stated.items():
        kinds = [each + own + across for each in ("layer", "rms") for own in ("", OWN) for across in ("", ACROSS)]
        allowed = kinds if name in HEADS else ("layer", "rms")
        if name not in INNER or kind not in allowed or (name.startswith("mlp.") and shape.mlp is None):
            raise BadCheckpoint(
                f"{checkpoint.path}: its header names a norm '{quote(name, 40)}' of kind '{quote(kind, 40)}', expected "
                f"'layer' or 'rms' for {', '.join(INNER)}; download it again"
            )
    return stated


def inner_norm(checkpoint: Checkpoint, kind: str, prefix: str, name: str, sizes: Mapping[str, int]) -> Norm | None:
    """One of the norms inside heads and MLPs; ``sizes``: of the axes by their letters."""
    if kind == "none":
        return None
    axes = INNER[name] if name not in HEADS or OWN in kind else INNER[name][1:]
    at = f"{prefix}{name}."
    return Norm(
        gain=optional(checkpoint, f"{at}gain", *(sizes[axis] for axis in axes)),
        bias=optional(checkpoint, f"{at}bias", sizes[axes[-1]]),
        centres=kind.startswith("layer"),
        across_heads=ACROSS in kind,
    )


def norm_of(checkpoint: Checkpoint, kind: NormKind, prefix: str, width: int) -> Norm | None:
    """A norm of the architecture."""
    if kind == "none":
        return None
    return Norm(
        gain=optional(checkpoint, f"{prefix}gain", width),
        bias=optional(checkpoint, f"{prefix}bias", width),
        centres=kind == "layer",
    )


def optional(checkpoint: Checkpoint, name: str, *shape: int) -> Tensor | None:
    """A tensor that need not be there."""
    return checkpoint.take(name, *shape) if name in checkpoint.tensors else None
