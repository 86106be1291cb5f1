"""Exact projections that keep readers from loading, or writers from storing into, given subspaces.

A reader after a norm of gain Γ and bias β loads N(x) W + b. Let P̃ = orth(P (I − 11ᵀ/d)) under a LayerNorm, and
P̃ = P under an RMSNorm or without a norm. Then

    W′ = Γ⁻¹ (I − P̃ᵀP̃) Γ W        b′ = b + β (W − W′)

The matrix and bias of a writer (W_O, W_out, W_E or W_pos) lose their part along P. Before a norm of gain Γ,
W_O′ = W_O Γ (I − PᵀP) Γ⁻¹. Derivation and tests: docs/permissions.md, tests/permissions/test_enforce.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jaxtyping import Float
from torch import Tensor

from loadstore.linear.blocked import Blocked, blocked
from loadstore.model.layers import Layer, MlpLayer, Norm
from loadstore.model.norms import centred, of_heads
from loadstore.model.opened import whole_mlps
from loadstore.model.ports import reading
from loadstore.model.weights import Weights
from loadstore.sites import EMBED, POS, SIDES, UNEMBED, Reader, Writer

Rows = Float[Tensor, "_ d_model"]  # the rank differs between sites


def blocked_reader(weights: Weights, reader: Reader, rows: Rows) -> Blocked:
    """The part of the input that a reader loses if ``rows`` are denied, including positions added after its norm."""
    norm = reading(weights, reader).norm
    behind = rows if weights.architecture.positions_bypass_norm and reader.side in ("Q", "K") else None
    if norm is None:
        return blocked(rows, None)
    return blocked(centred(rows.double(), norm), norm.gain, behind)


def blocked_writer(after: Norm | None, rows: Rows) -> Blocked:
    """The part of its store that a writer loses if ``rows`` are denied. ``after``: the norm applied to the store."""
    return blocked(rows, None if after is None else after.gain)


def without(weights: Weights, reads: Mapping[Reader, Rows], stores: Mapping[Writer, Rows]) -> Weights:
    """Return weights in which each given reader and writer is denied its rows of the stream.

    Readers that share a matrix must be denied the same rows. All other tensors share memory with the original.
    """
    whole_mlps(weights, "rights are denied")
    changed: dict[str, Any] = {
        "layers": tuple(_layer(weights, index, reads, stores) for index in range(weights.architecture.n_layers))
    }
    if EMBED in stores:
        changed["W_E"] = _stored(weights.wide(weights.W_E), blocked_writer(None, stores[EMBED]))
    if POS in stores and weights.W_pos is not None:
        changed["W_pos"] = _stored(weights.wide(weights.W_pos), blocked_writer(None, stores[POS]))
    if UNEMBED in reads:
        port = reading(weights, UNEMBED)
        W_U, shift = _read(port.matrix, port.norm, blocked_reader(weights, UNEMBED, reads[UNEMBED]))
        changed |= {"W_U": W_U, "b_U": _plus(port.bias, shift)}
    return replace(weights, **changed, compared=None)


def ungrouped(weights: Weights) -> Weights:
    """Return the same model with separate keys and values for every query head, copied from the shared ones."""
    shape = weights.architecture
    if shape.kv_heads == shape.n_heads:
        return weights
    shared = [shape.kv(head) for head in range(shape.n_heads)]

    def own(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else weights.wide(tensor)[shared]

    layers = [
        replace(
            layer,
            **{name: own(getattr(layer, name)) for name in ("W_K", "W_V", "b_K", "b_V")},
            k_norm=of_heads(layer.k_norm, shared),
        )
        for layer in weights.layers
    ]
    return replace(weights, architecture=replace(shape, n_kv_heads=None), layers=tuple(layers), compared=None)


def _layer(weights: Weights, index: int, reads: Mapping[Reader, Rows], stores: Mapping[Writer, Rows]) -> Layer:
    layer, heads = weights.layers[index], weights.architecture.n_heads
    changed: dict[str, Any] = {}
    for side in SIDES:
        denied = {r: reads[r] for head in range(heads) if (r := Reader(index, head, side)) in reads}
        if denied:
            changed |= _side(weights, index, denied)
    writers = {w.index: stores[w] for head in range(heads) if (w := Writer("head", index, head)) in stores}
    if writers:
        W_O = weights.wide(layer.W_O).clone()
        for head, rows in writers.items():
            W_O[head] = _stored(W_O[head], blocked_writer(layer.after_heads, rows))
        changed["W_O"] = W_O
    if (bias := Writer("bias", index)) in stores and layer.b_O is not None:
        changed["b_O"] = _stored(weights.wide(layer.b_O), blocked_writer(None, stores[bias]))
    if layer.mlp is not None:
        changed["mlp"] = _mlp(weights, index, layer.mlp, reads, stores)
    return replace(layer, **changed)


def _side(weights: Weights, index: int, denied: Mapping[Reader, Rows]) -> dict[str, Tensor | None]:
    """One projection of a layer and its bias, with the denied heads changed."""
    layer, shape = weights.layers[index], weights.architecture
    side = next(iter(denied)).head_side
    stack, biases = {"Q": (layer.W_Q, layer.b_Q), "K": (layer.W_K, layer.b_K), "V": (layer.W_V, layer.b_V)}[side]
    stack = weights.wide(stack).clone()
    biases = None if biases is None else weights.wide(biases).clone()
    for reader, rows in denied.items():
        own = reader.index if side == "Q" else shape.kv(reader.index)
        port = reading(weights, reader)
        stack[own], shift = _read(port.matrix, port.norm, blocked_reader(weights, reader, rows))
        if shift is not None:
            biases = stack.new_zeros(len(stack), stack.shape[2]) if biases is None else biases
            bias = port.bias
            biases[own] = shift if bias is None else bias + shift
    return {f"W_{side}": stack, f"b_{side}": biases}


def _mlp(
    weights: Weights, index: int, mlp: MlpLayer, reads: Mapping[Reader, Rows], stores: Mapping[Writer, Rows]
) -> MlpLayer:
    reader, writer = Reader(index, -1, "mlp"), Writer("mlp", index)
    if reader in reads:
        norm, out = weights.mlp_norm(index), blocked_reader(weights, reader, reads[reader])
        mlp = _reading_mlp(weights, mlp, norm, out)
    if writer in stores:
        mlp = _storing_mlp(weights, mlp, blocked_writer(mlp.after, stores[writer]))
    return mlp


def _reading_mlp(weights: Weights, mlp: MlpLayer, norm: Norm | None, out: Blocked) -> MlpLayer:
    changed: dict[str, Any] = {}
    for name, matrix, bias in (("in", mlp.W_in, mlp.b_in), ("gate", mlp.W_gate, mlp.b_gate)):
        if matrix is not None:
            changed[f"W_{name}"], shift = _read(weights.wide(matrix), norm, out)
            changed[f"b_{name}"] = _plus(None if bias is None else weights.wide(bias), shift)
    if mlp.experts is not None:
        changed["experts"] = mlp.experts.each(
            lambda expert: _reading_mlp(weights, expert, norm, out),
            lambda matrix: _read(weights.wide(matrix), norm, out)[0],
        )
    return replace(mlp, **changed)


def _storing_mlp(weights: Weights, mlp: MlpLayer, out: Blocked) -> MlpLayer:
    return replace(
        mlp,
        W_out=_stored(weights.wide(mlp.W_out), out),
        b_out=None if mlp.b_out is None else _stored(weights.wide(mlp.b_out), out),
        experts=None if mlp.experts is None else mlp.experts.each(lambda part: _storing_mlp(weights, part, out)),
    )


def _read(
    matrix: Float[Tensor, "d_model inside"], norm: Norm | None, out: Blocked
) -> tuple[Float[Tensor, "d_model inside"], Float[Tensor, " inside"] | None]:
    """W′, and β (W − W′) if the norm has a bias."""
    lost = out.of_matrix(matrix)
    shift = None if norm is None or norm.bias is None else (norm.bias.double() @ lost).to(matrix)
    return (matrix.double() - lost).to(matrix), shift


def _stored(rows: Float[Tensor, "*row d_model"], out: Blocked) -> Float[Tensor, "*row d_model"]:
    return (rows.double() - out.of_stored(rows)).to(rows)


def _plus(bias: Tensor | None, shift: Tensor | None) -> Tensor | None:
    if bias is None or shift is None:
        return shift if bias is None else bias
    return bias + shift
