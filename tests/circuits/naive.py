"""A run of a circuit as its definition says it, reader by reader, without any shortcut."""

import torch
from torch import Tensor

from loadstore.circuits.live import Live
from loadstore.execution.attention import attend
from loadstore.execution.forward import unembed
from loadstore.execution.patterns import causal_softmax
from loadstore.execution.plan import Edited
from loadstore.execution.trace import Trace
from loadstore.model.layers import Layer
from loadstore.model.mlp import mlp_output
from loadstore.model.norms import normalise, of_heads
from loadstore.model.ports import heads_out
from loadstore.model.recency import entering
from loadstore.sites import UNEMBED, Reader, Writer


def circuit_run(clean: Trace, other: Trace, live: Live, mask: Tensor) -> Tensor:
    """Logits [pair, token, vocab] with free norms and a counterfactual run; masks may be any numbers."""
    weights, shape = clean.weights, clean.weights.architecture
    beside = clean.record.pos if shape.positions_bypass_norm else None
    stored: dict[Writer, Tensor] = {Writer("embed"): clean.store("embed")}

    def loaded(reader: Reader, stream: Tensor) -> Tensor:
        u = stream
        for writer, store in stored.items():
            if live.network.connects(writer, reader):
                u = u + mask[live.writers.index(writer), live.readers.index(reader)] * (store - other.store(writer))
        return u

    for index in range(shape.n_layers):
        layer, s = weights.layer(index), other.residual(index)
        z = torch.zeros_like(clean.record.layers[index].z)
        sides: dict[str, list[Tensor]] = {"Q": [], "K": [], "V": []}
        for head in range(shape.n_heads):
            for side, values in sides.items():
                u = loaded(Reader(index, head, side), s)
                if layer.across_heads and side != "V":  # one scale, of what all heads load
                    values.append(projected(layer, side, u, head if side == "Q" else shape.kv(head), shape.eps))
                    continue
                step = attend(shape, index, layer, u, beside, Edited(weights), 0, keep=True)
                values.append({"Q": step.q, "K": step.k, "V": step.v}[side][:, :, head])
        if layer.across_heads:
            shared = [shape.kv(head) for head in range(shape.n_heads)]
            for side, norm in (("Q", layer.q_norm), ("K", of_heads(layer.k_norm, shared))):
                normed = normalise(torch.stack(sides[side], 2), norm, shape.eps)[0]
                rotary = shape.rotary_of(index)
                sides[side] = list((normed if rotary is None else rotary.at(normed)).unbind(2))
        for head in range(shape.n_heads):
            q, k, v = (values[head] for values in sides.values())
            scores = entering(shape, (q @ k.mT)[:, None], [head])
            sink = None if layer.sinks is None else layer.sinks[head : head + 1]
            z[:, :, head] = causal_softmax(scores, shape.window(index), sink)[:, 0] @ v
        if layer.after_heads is not None:
            scale = normalise(z.flatten(2) @ layer.W_O.flatten(0, 1), layer.after_heads, shape.eps)[1]
            z = z * scale[..., None]
        heads = {
            Writer("head", index, head): z[:, :, head] @ heads_out(weights, index)[head]
            for head in range(shape.n_heads)
        }
        parallel = shape.mlp is not None and shape.mlp.parallel
        if not parallel:
            stored |= heads
        if layer.mlp is not None and shape.mlp is not None:
            middle = s if parallel else other.residual(index + 1) - other.store(Writer("mlp", index))
            x = normalise(loaded(Reader(index, -1, "mlp"), middle), layer.mlp.norm, shape.eps)[0]
            stored[Writer("mlp", index)] = mlp_output(x, layer.mlp, shape)
        stored |= heads
    final = loaded(UNEMBED, other.residual(shape.n_layers))
    return unembed(weights, normalise(final, weights.norm(None), shape.eps)[0])


def projected(layer: Layer, side: str, u: Tensor, own: int, eps: float) -> Tensor:
    """A head's query or key before its norm; no positions are beside the stream."""
    matrix, bias = (layer.W_Q, layer.b_Q) if side == "Q" else (layer.W_K, layer.b_K)
    values = normalise(u, layer.norm, eps)[0] @ matrix[own]
    return values if bias is None else values + bias[own]
