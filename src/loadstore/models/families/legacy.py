"""The HookedTransformer naming: attention-only checkpoints that no current tool loads.

Shapes cannot tell shortformer from learned positions, and the wrong one loads cleanly and is off by up to 141
logits. So the scheme comes from a config, from the published name, or from the caller; never from a guess.
"""

import re
from typing import Any, cast

from torch import Tensor

from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.models.architecture import Architecture, NormKind, Positions
from loadstore.models.checkpoint import Checkpoint
from loadstore.models.weights import Layer, Norm, Weights

PUBLISHED: dict[str, Positions] = {
    "attn_only_2L_half": "shortformer",
    "redwood_attn_2l": "shortformer",
    "Attn-Only-2L512W-Shortformer-6B-big-lr": "shortformer",
    "Attn_Only_1L512W_C4_Code": "learned",
    "Attn_Only_2L512W_C4_Code": "learned",
    "Attn_Only_3L512W_C4_Code": "learned",
    "Attn_Only_4L512W_C4_Code": "learned",
}
IGNORED = re.compile(r"(.*\.)?(mask|IGNORE)")
LAYER = r"blocks\.(\d+)\."
KNOWN = re.compile(
    r"embed\.W_E|pos_embed\.W_pos|unembed\.(W_U|b_U)|ln_final\.[wb]|" + LAYER + r"(attn\.(W_[QKVO]|b_[QKVO])|ln1\.[wb])"
)
NORMS: dict[str | None, NormKind] = {None: "none", "None": "none", "LN": "layer", "LNPre": "layer"}


def recognise(checkpoint: Checkpoint) -> bool:
    """Whether the tensor names are HookedTransformer's."""
    return "embed.W_E" in checkpoint.tensors and any(re.match(LAYER, name) for name in checkpoint.tensors)


def build(checkpoint: Checkpoint, positions: Positions | None) -> Weights:
    """Read the naming into Weights. Raises NotThisModel on unsupported or unstated facts, BadCheckpoint on damage.

    An all-zero bias is taken as absent: that changes no number and keeps wires that carry nothing out of the wiring.
    """
    for name in checkpoint.tensors:
        if not KNOWN.fullmatch(name) and not IGNORED.fullmatch(name):
            raise NotThisModel(
                f"{checkpoint.path}: tensor {name!r} has no place in an attention-only model; "
                "models with MLPs or rotary positions are not supported yet"
            )
    shape = _architecture(checkpoint, positions)
    d, v = shape.d_model, shape.vocab
    return Weights(
        architecture=shape,
        W_E=checkpoint.take("embed.W_E", v, d),
        W_pos=checkpoint.take("pos_embed.W_pos", shape.context, d),
        layers=tuple(_layer(checkpoint, shape, f"blocks.{index}.") for index in range(shape.n_layers)),
        W_U=checkpoint.take("unembed.W_U", d, v),
        b_U=_bias(checkpoint, "unembed.b_U", v),
        final_norm=_norm(checkpoint, shape, "ln_final."),
        name=checkpoint.path.stem,
    )


def _architecture(checkpoint: Checkpoint, positions: Positions | None) -> Architecture:
    layers = {int(found[1]) for name in checkpoint.tensors if (found := re.match(LAYER, name))}
    if layers != set(range(len(layers))):
        raise BadCheckpoint(f"{checkpoint.path} has layers {sorted(layers)}, expected 0 to {len(layers) - 1}")
    config = checkpoint.config or {}
    size = checkpoint.dimension
    eps: object = config.get("eps", 1e-5)
    stated = {
        "n_layers": len(layers),
        "n_heads": size("blocks.0.attn.W_Q", 0),
        "d_model": size("embed.W_E", 1),
        "d_head": size("blocks.0.attn.W_Q", 2),
    }
    for key, found in stated.items():
        if key in config and str(config[key]) != str(found):
            raise BadCheckpoint(f"{checkpoint.path}: its config says {key} = {config[key]}, its tensors say {found}")
    return Architecture(
        **stated,
        vocab=size("embed.W_E", 0),
        context=size("pos_embed.W_pos", 0),
        positions=_positions(checkpoint, positions),
        norm=_norm_kind(checkpoint, config),
        eps=float(eps) if isinstance(eps, int | float | str) else 1e-5,
    )


def _positions(checkpoint: Checkpoint, given: Positions | None) -> Positions:
    """One scheme from everything that states it; a contradiction is an error."""
    sources: dict[str, Positions] = {}
    if given is not None:
        sources["positions="] = given
    if (stated := _configured(checkpoint.config)) is not None:
        sources["its config"] = stated
    for name in (checkpoint.path.stem, checkpoint.path.parent.name):
        if name in PUBLISHED:
            sources[f"the published model {name}"] = PUBLISHED[name]
    if not sources:
        raise NotThisModel(
            f"{checkpoint.path} does not say how positions enter, and shapes cannot tell; give "
            "positions='shortformer' or positions='learned' (--positions), or a config.json beside it"
        )
    if len(set(sources.values())) > 1:
        told = "; ".join(f"{source} says {scheme}" for source, scheme in sources.items())
        raise NotThisModel(f"{checkpoint.path}: its positions are contradictory: {told}")
    return next(iter(sources.values()))


def _configured(config: dict[str, Any] | None) -> Positions | None:
    if config is None:
        return None
    kind = config.get("positional_embedding_type")
    if config.get("shortformer_pos") is True or kind == "shortformer":
        return "shortformer"
    if kind == "standard" or config.get("shortformer_pos") is False:
        return "learned"
    if kind is not None:
        raise NotThisModel(f"positions {kind!r} are not supported; supported are standard and shortformer")
    return None


def _norm_kind(checkpoint: Checkpoint, config: dict[str, Any]) -> NormKind:
    has = any(name.endswith(("ln1.w", "ln1.b")) for name in checkpoint.tensors)
    if not {"normalization_type", "normalization"} & set(config):
        return "layer" if has else "none"
    kind = cast("str | None", config.get("normalization_type", config.get("normalization")))
    if kind not in NORMS:
        raise NotThisModel(f"{checkpoint.path}: norm {kind!r} is not supported; supported are None, LN and LNPre")
    if NORMS[kind] == "none" and has:
        raise BadCheckpoint(f"{checkpoint.path}: its config says no norm, but it has norm tensors")
    if kind == "LN" and not has:
        raise BadCheckpoint(f"{checkpoint.path}: its config says LayerNorm, but it has no ln1 tensors")
    return NORMS[kind]


def _layer(checkpoint: Checkpoint, shape: Architecture, prefix: str) -> Layer:
    h, d, e = shape.n_heads, shape.d_model, shape.d_head
    attn = f"{prefix}attn."
    return Layer(
        W_Q=checkpoint.take(f"{attn}W_Q", h, d, e),
        W_K=checkpoint.take(f"{attn}W_K", h, d, e),
        W_V=checkpoint.take(f"{attn}W_V", h, d, e),
        W_O=checkpoint.take(f"{attn}W_O", h, e, d),
        b_Q=_bias(checkpoint, f"{attn}b_Q", h, e),
        b_K=_bias(checkpoint, f"{attn}b_K", h, e),
        b_V=_bias(checkpoint, f"{attn}b_V", h, e),
        b_O=_bias(checkpoint, f"{attn}b_O", d),
        norm=_norm(checkpoint, shape, f"{prefix}ln1."),
    )


def _norm(checkpoint: Checkpoint, shape: Architecture, prefix: str) -> Norm | None:
    if shape.norm == "none":
        return None
    gain = f"{prefix}w"
    return Norm(
        gain=checkpoint.take(gain, shape.d_model) if gain in checkpoint.tensors else None,
        bias=_bias(checkpoint, f"{prefix}b", shape.d_model),
    )


def _bias(checkpoint: Checkpoint, name: str, *shape: int) -> Tensor | None:
    if name not in checkpoint.tensors:
        return None
    bias = checkpoint.take(name, *shape)
    return bias if bool(bias.any()) else None
