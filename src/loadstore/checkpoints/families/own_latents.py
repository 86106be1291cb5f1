"""Latents in loadstore's own layout: their facts in the header, their projections as tensors."""

from collections.abc import Mapping
from typing import Any, cast

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.own_norms import optional
from loadstore.errors import BadCheckpoint, BadRequest
from loadstore.jsonfile import parsed
from loadstore.model.architecture import MOST, Architecture
from loadstore.model.latent import Latent
from loadstore.model.layers import Layer
from loadstore.model.weights import Weights
from loadstore.quote import quote

NAMES = ("q_latent", "kv_latent")


def stated_latents(weights: Weights) -> dict[str, dict[str, Any]]:
    """The facts of the latents, the same in every layer. Raises BadRequest where they differ."""

    def facts(layer: Layer) -> dict[str, dict[str, Any]]:
        latents = {name: cast("Latent | None", getattr(layer, name)) for name in NAMES}
        named = [(name, latent) for name, latent in latents.items() if latent is not None]
        return {name: {"direct": latent.direct, "eps": latent.eps} for name, latent in named}

    stated = facts(weights.layers[0])
    if any(facts(layer) != stated for layer in weights.layers):
        raise BadRequest(f"{weights.name} cannot be written: its layers have different latents")
    return stated


def read_latents(checkpoint: Checkpoint, shape: Architecture, prefix: str) -> dict[str, Latent]:
    """The latents of one layer, by their fields. Raises BadCheckpoint where the header states what cannot be."""
    text = checkpoint.metadata.get("latents")
    if text is None:
        return {}
    latents: dict[str, Latent] = {}
    for name, facts in parsed(text, f"the latents of {checkpoint.path}", "download it again").items():
        stated = cast("dict[str, Any]", facts) if isinstance(facts, dict) else {}
        if name not in NAMES or not _fits(stated, shape):
            raise BadCheckpoint(
                f"{checkpoint.path}: its header names a latent '{quote(name, 40)}' of {quote(facts, 60)}, expected "
                f"direct columns, fewer than a head has, and eps, for {', '.join(NAMES)}; download it again"
            )
        rank = checkpoint.dimension(f"{prefix}{name}.W", 1)
        if rank > MOST["d_model"]:
            raise BadCheckpoint(f"{checkpoint.path}: a latent of {rank} numbers is impossible; download it again")
        W = checkpoint.take(f"{prefix}{name}.W", shape.d_model, rank)
        latents[name] = Latent(W, optional(checkpoint, f"{prefix}{name}.b", rank), **stated)
    return latents


def _fits(stated: Mapping[str, Any], shape: Architecture) -> bool:
    """Whether the facts of a latent are whole and possible."""
    if set(stated) != {"direct", "eps"} or type(stated["direct"]) is not int or type(stated["eps"]) is not float:
        return False
    return 0 <= stated["direct"] < shape.d_head and 0 < stated["eps"] < 1
