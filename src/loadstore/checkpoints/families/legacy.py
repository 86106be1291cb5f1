"""The HookedTransformer naming: checkpoints, most of them attention-only, that no current tool loads."""

import re

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.legacy_config import check, eps_of, norms_of
from loadstore.checkpoints.families.legacy_mlp import check_inner, mlp_layer, mlp_of
from loadstore.checkpoints.families.legacy_positions import W_POS, context_of, rotary_of, scheme_of
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model.architecture import Architecture, NormKind, Positions
from loadstore.model.layers import Layer, Norm
from loadstore.model.weights import Weights
from loadstore.quote import quote

IGNORED = re.compile(r"(.*\.)?(mask|IGNORE)")
LAYER = r"blocks\.([0-9]{1,4})\."
KNOWN = re.compile(
    r"embed\.W_E|pos_embed\.W_pos|unembed\.(W_U|b_U)|ln_final\.[wb]|"
    + LAYER
    + r"(attn\.(W_[QKVO]|_W_[KV]|b_[QKVO]|_b_[KV]|rotary_(sin|cos))|ln[12]\.[wb]"
    + r"|mlp\.(W_(in|out|gate)|b_(in|out)|ln\.[wb]))"
)
NORM = re.compile(r"ln_final\.[wb]|" + LAYER + r"ln[12]\.[wb]")
GROUPED = "blocks.0.attn._W_K"  # keys and values that several heads share are called _W_K, _W_V, _b_K, _b_V


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
                f"{checkpoint.path}: tensor '{quote(tensor)}' does not belong in a supported HookedTransformer; "
                "experts, norms of queries and keys, and norms after a block are not supported yet"
            )
    shape = _architecture(checkpoint, positions, name)
    d, v = shape.d_model, shape.vocab
    return Weights(
        architecture=shape,
        W_E=checkpoint.take("embed.W_E", v, d),
        W_pos=checkpoint.take(W_POS, shape.context, d) if shape.has_pos else None,
        layers=tuple(_layer(checkpoint, shape, f"blocks.{index}.") for index in range(shape.n_layers)),
        W_U=checkpoint.take("unembed.W_U", d, v),
        b_U=checkpoint.bias("unembed.b_U", v),
        final_norm=_norm(checkpoint, shape.last_norm, d, "ln_final."),
        name=quote(name or checkpoint.path.stem),
    )


def _architecture(checkpoint: Checkpoint, positions: Positions | None, name: str | None) -> Architecture:
    layers = {int(match[1]) for tensor in checkpoint.tensors if (match := re.match(LAYER, tensor))}
    if layers != set(range(len(layers))):
        listed = quote(sorted(layers), 60)
        raise BadCheckpoint(
            f"{checkpoint.path} has layers {listed}, expected 0 to {len(layers) - 1}; download it again"
        )
    config, path, size = checkpoint.config or {}, checkpoint.path, checkpoint.dimension
    heads = size("blocks.0.attn.W_Q", 0)
    sizes = {
        "n_layers": len(layers),
        "n_heads": heads,
        "d_model": size("embed.W_E", 1),
        "d_head": size("blocks.0.attn.W_Q", 2),
    }
    groups = size(GROUPED, 0) if GROUPED in checkpoint.tensors else heads
    unread = f"attn.{'' if GROUPED in checkpoint.tensors else '_'}"
    for other in (f"{unread}{part}_{side}" for part in "Wb" for side in "KV"):
        if (twice := f"blocks.0.{other}") in checkpoint.tensors:
            raise BadCheckpoint(
                f"{path} has tensors of shared and of separate keys and values ('{twice}'), expected one of the two; "
                "save the model again"
            )
    stated = {} if config.get("n_key_value_heads") is None else {"n_key_value_heads": groups}
    scheme = scheme_of(checkpoint, positions, name)
    vocab, context = size("embed.W_E", 0), context_of(checkpoint, scheme)
    check(config, {**sizes, **stated, "d_vocab": vocab, "d_vocab_out": size("unembed.W_U", 1), "n_ctx": context}, path)
    norms = [tensor for tensor in checkpoint.tensors if NORM.fullmatch(tensor)]
    norm, last = norms_of(config, has=bool(norms), biased=any(key.endswith("b") for key in norms), path=path)
    mlp = mlp_of(checkpoint, config)
    check_inner(checkpoint, mlp, norm, gains=bool(norms))
    _check_complete(checkpoint, len(layers), same_last=norm == last, has_mlp=mlp is not None)
    return checkpoint.architecture(
        {
            **sizes,
            "n_kv_heads": None if groups == heads else groups,
            "vocab": vocab,
            "context": context,
            "positions": scheme,
            "norm": norm,
            "eps": eps_of(config, path),
            "rotary": rotary_of(checkpoint, sizes["d_head"], len(layers)) if scheme == "rotary" else None,
            "final_norm": None if last == norm else last,
            "mlp": mlp,
        }
    )


def _check_complete(checkpoint: Checkpoint, n_layers: int, *, same_last: bool, has_mlp: bool) -> None:
    """Every layer has the same biases and norms, and the last norm is like the others: one left out is a torn file.

    A last norm of another kind (``final_rms``) has a gain but no β.
    """
    tensors = checkpoint.tensors

    def expect(other: str, name: str) -> None:
        if other not in tensors:
            raise BadCheckpoint(
                f"{checkpoint.path} has no tensor '{quote(other)}', but has '{quote(name)}'; download it again"
            )

    for name in tensors:
        match = re.match(LAYER, name)
        if match is None or IGNORED.fullmatch(name):
            continue
        for index in range(n_layers):
            expect(f"blocks.{index}.{name[match.end() :]}", name)
        if re.search(r"\.ln[12]\.", name):
            if same_last or name.endswith("w"):
                expect(f"ln_final.{name[-1]}", name)
            if has_mlp:
                expect(name.replace(".ln1.", ".ln2.") if ".ln1." in name else name.replace(".ln2.", ".ln1."), name)
            elif ".ln2." in name:
                expect("blocks.0.mlp.W_in", name)
    for part in ("w", "b"):
        if (last := f"ln_final.{part}") in tensors:
            expect(f"blocks.0.ln1.{part}", last)


def _layer(checkpoint: Checkpoint, shape: Architecture, prefix: str) -> Layer:
    h, kv, d, e = shape.n_heads, shape.kv_heads, shape.d_model, shape.d_head
    attn = f"{prefix}attn."
    shared = f"{attn}_" if GROUPED in checkpoint.tensors else attn
    norm = _norm(checkpoint, shape.norm, d, f"{prefix}ln2.") if shape.mlp is not None else None
    return Layer(
        W_Q=checkpoint.take(f"{attn}W_Q", h, d, e),
        W_K=checkpoint.take(f"{shared}W_K", kv, d, e),
        W_V=checkpoint.take(f"{shared}W_V", kv, d, e),
        W_O=checkpoint.take(f"{attn}W_O", h, e, d),
        b_Q=checkpoint.bias(f"{attn}b_Q", h, e),
        b_K=checkpoint.bias(f"{shared}b_K", kv, e),
        b_V=checkpoint.bias(f"{shared}b_V", kv, e),
        b_O=checkpoint.bias(f"{attn}b_O", d),
        norm=_norm(checkpoint, shape.norm, d, f"{prefix}ln1."),
        mlp=None if shape.mlp is None else mlp_layer(checkpoint, shape.mlp, d, prefix, norm),
    )


def _norm(checkpoint: Checkpoint, kind: NormKind, d_model: int, prefix: str) -> Norm | None:
    if kind == "none":
        return None
    gain = f"{prefix}w"
    return Norm(
        gain=checkpoint.take(gain, d_model) if gain in checkpoint.tensors else None,
        bias=checkpoint.bias(f"{prefix}b", d_model),
        centres=kind == "layer",
    )
