"""The HookedTransformer naming: attention-only checkpoints that no current tool loads.

Shapes cannot tell shortformer from learned positions, and the wrong one loads cleanly and is off by up to 141
logits. So the scheme comes from a config, from the published name, or from the caller; never from a guess.
"""

import re

from torch import Tensor

from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.models.architecture import Architecture, Positions
from loadstore.models.checkpoint import Checkpoint
from loadstore.models.families.legacy_config import check, eps_of, norm_of, positions_of
from loadstore.models.quote import quote
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
LAYER = r"blocks\.([0-9]{1,4})\."
KNOWN = re.compile(
    r"embed\.W_E|pos_embed\.W_pos|unembed\.(W_U|b_U)|ln_final\.[wb]|" + LAYER + r"(attn\.(W_[QKVO]|b_[QKVO])|ln1\.[wb])"
)
NORM = re.compile(r"ln_final\.[wb]|" + LAYER + r"ln1\.[wb]")


def recognise(checkpoint: Checkpoint) -> bool:
    """Whether the tensor names are HookedTransformer's."""
    return any(KNOWN.fullmatch(name) for name in checkpoint.tensors)


def build(checkpoint: Checkpoint, positions: Positions | None) -> Weights:
    """Read the naming into Weights. Raises NotThisModel on unsupported or unstated facts, BadCheckpoint on damage.

    An all-zero bias is taken as absent: that changes no number and keeps wires that carry nothing out of the wiring.
    """
    for name in checkpoint.tensors:
        if not KNOWN.fullmatch(name) and not IGNORED.fullmatch(name):
            raise NotThisModel(
                f"{checkpoint.path}: tensor '{quote(name)}' has no place in an attention-only model; "
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
        listed = quote(sorted(layers), 60)
        raise BadCheckpoint(f"{checkpoint.path} has layers {listed}, expected 0 to {len(layers) - 1}; fetch it again")
    _check_complete(checkpoint, len(layers))
    config, path, size = checkpoint.config or {}, checkpoint.path, checkpoint.dimension
    sizes = {
        "n_layers": len(layers),
        "n_heads": size("blocks.0.attn.W_Q", 0),
        "d_model": size("embed.W_E", 1),
        "d_head": size("blocks.0.attn.W_Q", 2),
    }
    vocab, context = size("embed.W_E", 0), size("pos_embed.W_pos", 0)
    check(config, {**sizes, "d_vocab": vocab, "n_ctx": context}, path)
    return checkpoint.architecture(
        {
            **sizes,
            "vocab": vocab,
            "context": context,
            "positions": _positions(checkpoint, positions),
            "norm": norm_of(config, has=any(NORM.fullmatch(name) for name in checkpoint.tensors), path=path),
            "eps": eps_of(config, path),
        }
    )


def _check_complete(checkpoint: Checkpoint, n_layers: int) -> None:
    """Every layer has the same biases and norms, and the last norm is like the others: one left out is a torn file."""
    tensors = checkpoint.tensors
    for name in tensors:
        found = re.match(LAYER, name)
        if found is None or IGNORED.fullmatch(name):
            continue
        same = [f"blocks.{index}.{name[found.end() :]}" for index in range(n_layers)]
        if ".ln1." in name:
            same.append(f"ln_final.{name[-1]}")
        for other in same:
            if other not in tensors:
                raise BadCheckpoint(
                    f"{checkpoint.path} has no tensor '{quote(other)}', but has '{quote(name)}'; fetch it again"
                )
    for part in ("w", "b"):
        if f"ln_final.{part}" in tensors and f"blocks.0.ln1.{part}" not in tensors:
            raise BadCheckpoint(f"{checkpoint.path} has no tensor 'blocks.0.ln1.{part}', but has 'ln_final.{part}'")


def _positions(checkpoint: Checkpoint, given: Positions | None) -> Positions:
    """One scheme from everything that states it; a contradiction is an error."""
    sources: dict[str, Positions] = {}
    if given is not None:
        sources["positions="] = given
    if (stated := positions_of(checkpoint.config or {}, checkpoint.path)) is not None:
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
