"""The HookedTransformer naming: attention-only checkpoints that no current tool loads."""

import re

from torch import Tensor

from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.models.architecture import Architecture, NormKind, Positions
from loadstore.models.checkpoint import Checkpoint
from loadstore.models.families.legacy_config import check, eps_of, norms_of
from loadstore.models.families.legacy_positions import W_POS, context_of, rotary_of, scheme_of
from loadstore.models.quote import quote
from loadstore.models.weights import Layer, Norm, Weights

IGNORED = re.compile(r"(.*\.)?(mask|IGNORE)")
LAYER = r"blocks\.([0-9]{1,4})\."
KNOWN = re.compile(
    r"embed\.W_E|pos_embed\.W_pos|unembed\.(W_U|b_U)|ln_final\.[wb]|"
    + LAYER
    + r"(attn\.(W_[QKVO]|b_[QKVO]|rotary_(sin|cos))|ln1\.[wb])"
)
NORM = re.compile(r"ln_final\.[wb]|" + LAYER + r"ln1\.[wb]")


def recognise(checkpoint: Checkpoint) -> bool:
    """Whether the tensor names are HookedTransformer's."""
    return any(KNOWN.fullmatch(name) for name in checkpoint.tensors)


def build(checkpoint: Checkpoint, positions: Positions | None, name: str | None = None) -> Weights:
    """Read the naming into Weights. Raises NotThisModel on unsupported or unstated facts, BadCheckpoint on damage.

    ``name`` is what the model is called where its file is not. An all-zero bias is taken as absent: that changes no
    number and keeps wires that carry nothing out of the wiring.
    """
    for tensor in checkpoint.tensors:
        if not KNOWN.fullmatch(tensor) and not IGNORED.fullmatch(tensor):
            raise NotThisModel(
                f"{checkpoint.path}: tensor '{quote(tensor)}' has no place in an attention-only model; "
                "models with MLPs, grouped keys or norms of queries and keys are not supported yet"
            )
    shape = _architecture(checkpoint, positions, name)
    d, v = shape.d_model, shape.vocab
    return Weights(
        architecture=shape,
        W_E=checkpoint.take("embed.W_E", v, d),
        W_pos=checkpoint.take(W_POS, shape.context, d) if shape.has_pos else None,
        layers=tuple(_layer(checkpoint, shape, f"blocks.{index}.") for index in range(shape.n_layers)),
        W_U=checkpoint.take("unembed.W_U", d, v),
        b_U=_bias(checkpoint, "unembed.b_U", v),
        final_norm=_norm(checkpoint, shape.last_norm, d, "ln_final."),
        name=quote(name or checkpoint.path.stem),
    )


def _architecture(checkpoint: Checkpoint, positions: Positions | None, name: str | None) -> Architecture:
    layers = {int(found[1]) for tensor in checkpoint.tensors if (found := re.match(LAYER, tensor))}
    if layers != set(range(len(layers))):
        listed = quote(sorted(layers), 60)
        raise BadCheckpoint(f"{checkpoint.path} has layers {listed}, expected 0 to {len(layers) - 1}; fetch it again")
    config, path, size = checkpoint.config or {}, checkpoint.path, checkpoint.dimension
    sizes = {
        "n_layers": len(layers),
        "n_heads": size("blocks.0.attn.W_Q", 0),
        "d_model": size("embed.W_E", 1),
        "d_head": size("blocks.0.attn.W_Q", 2),
    }
    scheme = scheme_of(checkpoint, positions, name)
    vocab, context = size("embed.W_E", 0), context_of(checkpoint, scheme)
    check(config, {**sizes, "d_vocab": vocab, "d_vocab_out": size("unembed.W_U", 1), "n_ctx": context}, path)
    norm, last = norms_of(
        config,
        has=any(NORM.fullmatch(tensor) for tensor in checkpoint.tensors),
        biased=any(NORM.fullmatch(tensor) and tensor.endswith("b") for tensor in checkpoint.tensors),
        path=path,
    )
    _check_complete(checkpoint, len(layers), same_last=norm == last)
    return checkpoint.architecture(
        {
            **sizes,
            "vocab": vocab,
            "context": context,
            "positions": scheme,
            "norm": norm,
            "eps": eps_of(config, path),
            "rotary": rotary_of(checkpoint, sizes["d_head"], len(layers)) if scheme == "rotary" else None,
            "final_norm": None if last == norm else last,
        }
    )


def _check_complete(checkpoint: Checkpoint, n_layers: int, *, same_last: bool) -> None:
    """Every layer has the same biases and norms, and the last norm is like the others: one left out is a torn file.

    A last norm of another kind (``final_rms``) has a gain but no β.
    """
    tensors = checkpoint.tensors
    for name in tensors:
        found = re.match(LAYER, name)
        if found is None or IGNORED.fullmatch(name):
            continue
        same = [f"blocks.{index}.{name[found.end() :]}" for index in range(n_layers)]
        if ".ln1." in name and (same_last or name.endswith("w")):
            same.append(f"ln_final.{name[-1]}")
        for other in same:
            if other not in tensors:
                raise BadCheckpoint(
                    f"{checkpoint.path} has no tensor '{quote(other)}', but has '{quote(name)}'; fetch it again"
                )
    for part in ("w", "b"):
        if f"ln_final.{part}" in tensors and f"blocks.0.ln1.{part}" not in tensors:
            raise BadCheckpoint(f"{checkpoint.path} has no tensor 'blocks.0.ln1.{part}', but has 'ln_final.{part}'")


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
        norm=_norm(checkpoint, shape.norm, d, f"{prefix}ln1."),
    )


def _norm(checkpoint: Checkpoint, kind: NormKind, d_model: int, prefix: str) -> Norm | None:
    if kind == "none":
        return None
    gain = f"{prefix}w"
    return Norm(
        gain=checkpoint.take(gain, d_model) if gain in checkpoint.tensors else None,
        bias=_bias(checkpoint, f"{prefix}b", d_model),
        centres=kind == "layer",
    )


def _bias(checkpoint: Checkpoint, name: str, *shape: int) -> Tensor | None:
    if name not in checkpoint.tensors:
        return None
    bias = checkpoint.take(name, *shape)
    return bias if bool(bias.any()) else None
