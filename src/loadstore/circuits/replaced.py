"""The values of wires outside a circuit: stores of a counterfactual run, their mean over a reference, or zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from loadstore.axes import HeadValues, Mixed, Stream, Tokens
from loadstore.execution.forward import forward
from loadstore.execution.record import Record
from loadstore.model.ports import heads_out
from loadstore.model.weights import Weights
from loadstore.model.wiring import mlp_sites

Ablation: TypeAlias = Literal["counterfactual", "mean", "zero"]


@dataclass(frozen=True, eq=False)
class LayerReplaced:
    """The replacements in one layer.

    Args:
        stream: The sum of all replacements before the heads.
        middle: The sum of all replacements before an MLP that reads its own layer's heads.
        inner: For heads, the values from which the replaced store is a linear map (``LayerRecord.inner``).
        mlp: The stores of the MLP's sites in the order of the wiring, if the layer has an MLP: one, or one for each
            expert where these are sites.
        q: The queries of the replacement run, ready for attention, if the replacements are one recorded run.
        k: Its keys.
        v: Its values.
    """

    stream: Stream
    middle: Stream
    inner: Mixed
    mlp: Float[Tensor, "batch token writer d_model"] | None
    q: HeadValues | None = None
    k: HeadValues | None = None
    v: Mixed | None = None


@dataclass(frozen=True, eq=False)
class Replaced:
    """The replacement stores, and the streams that they add up to.

    Args:
        embed: The store of the embedding.
        layers: The layers.
        final: The sum of all replacements.
        pos: Positions that Q and K add after the norm; they are not a wire and are kept.
        exact: Whether these are the stores of one real run, so that a head that loads only replacements stores its own.
    """

    embed: Stream
    layers: tuple[LayerReplaced, ...]
    final: Stream
    pos: Float[Tensor, "token d_model"] | None
    exact: bool


def recorded(weights: Weights, tokens: Tokens) -> Record:
    """Run prompts and record the runs."""
    record = Record()
    with torch.no_grad():
        forward(weights, tokens, record=record)
    return record


def replaced(weights: Weights, record: Record, ablation: Ablation, pairs: int, length: int) -> Replaced:
    """Return the replacements for the stores of ``pairs`` prompts.

    Args:
        weights: The model.
        record: The counterfactual runs, one for each pair; for the mean, the runs of the reference.
        ablation: ``counterfactual``: the stores of ``record``. ``mean``: their mean over its prompts, at each position.
            ``zero``: only stores that are the same in all runs.
        pairs: The number of pairs.
        length: Their number of tokens, at most that of ``record``.
    """
    assert record.embed is not None
    assert record.final is not None

    def taken(value: Tensor) -> Tensor:
        if ablation == "counterfactual":
            return value
        value = value[:, :length]
        value = value.mean(0, keepdim=True) if ablation == "mean" else torch.zeros_like(value[:1])
        return value.expand(pairs, *value.shape[1:])

    embed, pos = taken(record.embed), None if record.pos is None else record.pos[..., :length, :]
    bypasses = weights.architecture.positions_bypass_norm
    if ablation == "zero":
        start = embed if pos is None or bypasses else embed + pos
        layers, final = _constants(weights, start)
        return Replaced(embed, layers, final, pos if bypasses else None, exact=False)
    layer_stores: list[LayerReplaced] = []
    for index, layer in enumerate(record.layers):
        mlp = None if layer.mlp is None else taken(layer.mlp[:, :, None] if layer.parts is None else layer.parts)
        after = record.final if index + 1 == len(record.layers) else record.layers[index + 1].stream
        stream, after, inner = (taken(value) for value in (layer.stream, after, layer.inner))
        middle = after if mlp is None else after - mlp.sum(2)
        run = (layer.q, layer.k, layer.v) if ablation == "counterfactual" else ()
        layer_stores.append(LayerReplaced(stream, middle, inner, mlp, *run))
    exact = ablation == "counterfactual"
    return Replaced(embed, tuple(layer_stores), taken(record.final), pos if bypasses else None, exact=exact)


def _constants(weights: Weights, stream: Stream) -> tuple[tuple[LayerReplaced, ...], Stream]:
    """The layers and the last stream under zero ablation: only ``stream`` and the biases remain."""
    shape, layers = weights.architecture, list[LayerReplaced]()
    inner = stream.new_zeros(*stream.shape[:2], shape.n_heads, shape.value_width)
    for index, layer in enumerate(weights.layers):
        middle = stream if layer.b_O is None else stream + weights.stored(layer.b_O)
        sites = len(mlp_sites(weights, index)[0])
        mlp = None if layer.mlp is None else torch.zeros_like(stream)[:, :, None].repeat(1, 1, sites, 1)
        layers.append(LayerReplaced(stream, middle, inner, mlp))
        stream = middle
    return tuple(layers), stream


def store_of_heads(
    weights: Weights, layer: int, inner: Mixed, heads: Sequence[int] | None = None
) -> Float[Tensor, "batch head token d_model"]:
    """The stores of a layer's heads, all of them or the given ones."""
    out = heads_out(weights, layer)
    return torch.einsum("bthe,hed->bhtd", inner, out if heads is None else out[list(heads)])
