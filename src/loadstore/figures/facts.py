"""The facts of a model's architecture, as readable rows."""

import torch

from loadstore.figures.words import last_tokens, plural
from loadstore.model.architecture import Architecture, NormKind
from loadstore.model.layers import Layer
from loadstore.model.quantised import numbers_of, stored_as
from loadstore.model.weights import Weights
from loadstore.quote import some

NORMS: dict[NormKind, str] = {
    "none": "none",
    "layer": "LayerNorm (in the readers)",
    "rms": "RMSNorm (in the readers)",
}


def facts(weights: Weights) -> list[tuple[str, str]]:
    """Rows (fact, value): sizes, schemes, and the start of a text."""
    shape = weights.architecture
    size = sum(numbers_of(tensor) for name, tensor in weights.named() if not (name == "W_U" and tied(weights)))
    return [
        ("model", _named(weights)),
        ("layers × heads", f"{shape.n_layers} × {shape.n_heads}"),
        *([("key/value heads", str(shape.kv_heads))] if shape.kv_heads < shape.n_heads else []),
        ("d_model, d_head", f"{shape.d_model:,}, {shape.d_head}"),
        *([("d_value", str(shape.d_value))] if shape.d_value is not None else []),
        *([("MLP", _mlp(shape))] if shape.mlp is not None else []),
        *([("routing", _routing(weights))] if shape.experts is not None else []),
        ("positions", _positions(shape)),
        *([("multiplier", _multiplier(shape))] if shape.residual_scale != 1 else []),
        *([("soft caps", _caps(shape))] if shape.score_cap or shape.logit_cap else []),
        ("norm", NORMS[shape.norm] + _after(weights)),
        *([("last norm", NORMS[shape.last_norm])] if shape.last_norm != shape.norm else []),
        *([("attention", _windows(shape))] if shape.windows is not None else []),
        *([("latent", _latents(weights.layers[0]))] if weights.layers[0].kv_latent is not None else []),
        *([("sinks", _sinks(weights))] if weights.layers[0].sinks is not None else []),
        ("vocabulary", f"{shape.vocab:,}{', tied' if tied(weights) else ''}{_scaled(shape)}"),
        ("context", f"{shape.context:,}{_verified(weights)}"),
        ("parameters", f"{size:,}"),
        ("BOS", weights.begins),
        *([("not read", f"{some(list(weights.unread))}: parts for images")] if weights.unread else []),
        *([("ignored in the config", some(list(weights.ignored)))] if weights.ignored else []),
    ]


def _verified(weights: Weights) -> str:
    """How the model was recognised, where no family is for it."""
    return "; recognised by its structure and verified up to this length" if weights.by_structure else ""


def _after(weights: Weights) -> str:
    """The norms after heads and MLPs, if there are any."""
    first = weights.layers[0]
    blocks = ["heads"] * (first.after_heads is not None)
    blocks += ["MLPs"] * (first.mlp is not None and first.mlp.after is not None)
    return f"; after {' and '.join(blocks)} RMSNorms (in the writers)" if blocks else ""


def _named(weights: Weights) -> str:
    """The name; if it is known, also the file's own name and the dtype of most of its bytes."""
    if not weights.origin:
        return weights.name
    held: dict[str, int] = {}
    for name, tensor in weights.named():
        if name == "W_U" and tied(weights):
            continue
        kind, size = stored_as(tensor)
        held[kind] = held.get(kind, 0) + size
    return f"{weights.name} ({weights.origin}, mostly {max(held, key=lambda kind: held[kind])})"


def tied(weights: Weights) -> bool:
    """Whether W_U shares its memory with the transpose of W_E."""
    return weights.tied


def _mlp(shape: Architecture) -> str:
    assert shape.mlp is not None
    parallel = ", beside attention" if shape.mlp.parallel else ""
    wide = f"{shape.mlp.width:,} wide"
    if shape.experts is not None:
        beside = f", and {shape.shared_width:,} units that every token uses" if shape.shared_width else ""
        wide = f"{shape.experts.brief}{beside}"
    return f"{wide}, {shape.mlp.activation}{', gated' if shape.mlp.gated else ''}{parallel}"


def _routing(weights: Weights) -> str:
    """How tokens choose experts and what their weights are."""
    shape = weights.architecture
    mixture = shape.experts
    assert mixture is not None
    layer = next(layer for layer in range(shape.n_layers) if shape.experts_of(layer) is not None)
    mlp = weights.layers[layer].mlp
    biased = mlp is not None and mlp.experts is not None and mlp.experts.b_choice is not None
    parts = ["the sigmoid of each score" if mixture.scheme == "sigmoid" else "the softmax of all scores"]
    parts += ["divided by the sum of those used"] if mixture.normalised else []
    parts += [f"times {mixture.scale:.4g}"] if mixture.scale != 1 else []
    parts += ["a bias that only chooses"] if biased else []
    if mixture.without:
        plain = "an MLP" if len(mixture.without) == 1 else "MLPs"
        parts.append(f"{plain} of {mixture.plain_width:,} in {some([f'L{each}' for each in mixture.without])}")
    return ", ".join(parts)


def _scaled(shape: Architecture) -> str:
    return "" if shape.embedding_scale == 1 else f", rows of W_E stored {shape.embedding_scale:.4g} times"


def _caps(shape: Architecture) -> str:
    caps = (("scores", shape.score_cap), ("logits", shape.logit_cap))
    return ", ".join(f"{what} between −{cap:g} and {cap:g}" for what, cap in caps if cap is not None)


def _multiplier(shape: Architecture) -> str:
    return f"heads and MLPs store {shape.residual_scale:.4g} times their sums (in the writers)"


def _positions(shape: Architecture) -> str:
    if shape.slopes is not None:
        return f"ALiBi: a score falls by {min(shape.slopes):.3g} to {max(shape.slopes):.3g} for every token between"
    if shape.rotary is None:
        return shape.positions
    turned = shape.rotary.dimensions
    part = "rotary" if turned == shape.d_head else f"rotary, {turned} of {shape.d_head} dimensions"
    if shape.unturned:
        part += f"; none in {plural(len(shape.unturned), 'layer')} of {shape.n_layers}"
    return part if shape.local_rotary is None else f"{part}; other frequencies in layers with a window"


def _latents(layer: Layer) -> str:
    assert layer.kv_latent is not None
    queries = "" if layer.q_latent is None else f", queries through {layer.q_latent.rank:,}"
    shared = layer.kv_latent.direct
    rotary = f"; a rotary key of {plural(shared, 'column')} for all heads" if shared else ""
    return f"keys and values load through {layer.kv_latent.rank:,} numbers of a token{queries}{rotary}"


def _sinks(weights: Weights) -> str:
    scores = torch.cat([sinks.double() for layer in weights.layers if (sinks := layer.sinks) is not None])
    low, high = float(scores.min()), float(scores.max())
    return f"a learned score without a value in every row of a head, {low:.3g} to {high:.3g}"


def _windows(shape: Architecture) -> str:
    narrow = [window for window in shape.windows or () if window is not None]
    if not narrow:
        return "every layer sees all earlier tokens"
    verb = "sees" if len(narrow) == 1 else "see"
    return f"{plural(len(narrow), 'layer')} of {shape.n_layers} {verb} the {last_tokens(narrow)}"


def met(shape: Architecture) -> str:
    """The range of offsets over which scores under rotary positions are averaged."""
    if all(shape.reach(layer) == shape.context for layer in range(shape.n_layers)):
        return "the offsets of the whole context"
    return "the offsets that a layer's window lets meet"
